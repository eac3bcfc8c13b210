//! The same tables on databases of each kind have the same answers, byte by byte.

use serde_json::json;
use testkit::ADMIN;
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;

use crate::server_source::{server, token};
use crate::{mysql, postgres};

/// Tables that all databases understand. The foreign keys are not in the order of their columns, and not in that of their names.
const TABLES: &str = "
    CREATE TABLE makers (id bigint PRIMARY KEY, name varchar(40) NOT NULL, town varchar(40));
    CREATE TABLE kinds (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
    CREATE TABLE parts (id bigint PRIMARY KEY, name varchar(60) NOT NULL, kind bigint NOT NULL, maker bigint,
        price decimal(10,2) NOT NULL, weight decimal(8,3), stock bigint NOT NULL, sold_on timestamp NULL, checked_on date,
        live boolean NOT NULL, successor bigint,
        CONSTRAINT a_last FOREIGN KEY (successor) REFERENCES parts (id), CONSTRAINT b_middle FOREIGN KEY (maker) REFERENCES makers (id),
        CONSTRAINT c_first FOREIGN KEY (kind) REFERENCES kinds (id));
    INSERT INTO makers VALUES (1, 'Ålesund Works', 'Ålesund'), (2, 'O''Neil & Sons', NULL), (3, 'alesund works', 'Porto');
    INSERT INTO kinds VALUES (1, 'Bolt'), (2, 'Gear'), (3, 'Unused');";

/// The parts, the later ones first referred to by others.
fn parts() -> String {
    let row = |n: i64| {
        let or_null = |is_there: bool, text: String| if is_there { text } else { "NULL".to_owned() };
        format!(
            "({n}, 'Part {}', {}, {}, {}.{:02}, {}, {}, {}, {}, {}, {})",
            if n % 5 == 0 { format!("ß{n}") } else { n.to_string() },
            1 + n % 2,
            or_null(n % 4 != 0, (1 + n % 3).to_string()),
            n * 7 % 40,
            n * 25 % 100,
            or_null(n % 6 != 0, format!("{}.{:03}", n % 9, n * 125 % 1000)),
            n * 13 % 11,
            or_null(n % 3 != 0, format!("'2024-0{}-1{} 0{}:30:00'", 1 + n % 9, n % 10, n % 10)),
            or_null(n % 7 != 0, format!("'202{}-02-0{}'", n % 5, 1 + n % 9)),
            if n % 2 == 0 { "true" } else { "false" },
            or_null(n > 20, (n - 20).to_string()),
        )
    };
    format!("INSERT INTO parts VALUES {};", (1..=60).map(row).collect::<Vec<_>>().join(", "))
}

const REQUESTS: &[&str] = &[
    "",
    "parts",
    "parts?$count=true&$top=3",
    "parts(7)",
    "parts(7)/price",
    "parts(8)/price/$value",
    "parts(5)/name/$value",
    "parts(99)",
    "parts?$format=csv",
    "parts?$format=ndjson",
    "parts?$top=3&$format=application/json;odata.metadata=full",
    "parts?$top=3&$format=application/json;IEEE754Compatible=true",
    "parts?$expand=*&$top=5",
    "parts?$expand=*/$ref&$top=5",
    "makers?$expand=parts($select=name;$orderby=price desc;$top=2;$count=true)",
    "kinds?$expand=parts/$count",
    "parts?$expand=parts_successor_inverse&$top=3",
    "parts?$filter=price eq 7.25 or price gt 30&$orderby=price desc",
    "parts?$filter=weight eq null or weight lt 0.5&$select=id,weight",
    "parts?$filter=contains(name,'ß')&$orderby=name desc",
    "parts?$filter=makers/name gt 'a'&$select=id",
    "parts?$filter=toupper(makers/name) eq 'ÅLESUND WORKS'&$select=id",
    "parts?$filter=year(checked_on) eq 2023 and month(checked_on) eq 2&$select=checked_on",
    "parts?$filter=sold_on gt 2024-05-01T00:00:00Z&$select=id,sold_on",
    "parts?$filter=date(sold_on) eq 2024-02-11&$select=id",
    "parts?$filter=live and not (stock gt 5)&$select=id,live,stock",
    "parts?$orderby=weight,name desc&$select=weight,name",
    "parts?$orderby=weight desc,id&$select=weight",
    "parts?$orderby=makers/name,price&$select=id",
    "makers?$orderby=name",
    "makers?$search=works NOT porto",
    "parts?$compute=price mul 2 as double&$select=id,double&$top=5",
    "parts?$compute=price mul weight as cost&$select=id,cost",
    "parts?$compute=price add 0.001 as a,price sub 0.25 as b,-price as c,price mod 3 as d&$select=a,b,c,d&$top=9",
    "parts?$compute=round(price) as a,floor(price) as b,ceiling(price) as c&$select=a,b,c&$top=9",
    "parts?$compute=price divby 4 as quarter&$select=quarter&$top=9",
    "parts?$compute=price div 8 as part&$select=part&$orderby=part desc&$top=9",
    "parts?$compute=stock divby 4 as quarter,stock mul 1.50 as more,stock div 5 as whole&$select=quarter,more,whole",
    "parts?$compute=cast(stock,Edm.Decimal) div 4 as quarter&$select=quarter&$top=9",
    "parts?$compute=1.50 as one,0.00 as nothing,10.0 as ten&$select=one,nothing,ten&$top=1",
    "parts?$compute=case(price gt 20:price,true:weight) as either&$select=id,either",
    "parts?$compute=case(price gt 20:price,true:stock) as either&$select=id,either",
    "parts?$compute=fractionalseconds(sold_on) as rest,time(sold_on) as clock&$select=rest,clock",
    "parts?$compute=concat(name,makers/town) as both&$select=both&$top=9",
    "parts?$compute=price mul 2 as double&$select=double&$top=3&$format=csv",
    "parts?$compute=price mul 2 as double&$select=double&$top=3&$format=application/json;IEEE754Compatible=true",
    "parts?$apply=aggregate(price with sum as total,price with average as mean,price with min as least,price with max as most)",
    "parts?$apply=aggregate(weight with sum as total,weight with min as least,weight with countdistinct as different)",
    "parts?$apply=aggregate(stock with sum as total,stock with average as mean,$count as number)",
    "parts?$apply=aggregate(price mul stock with sum as value)",
    "parts?$apply=groupby((kinds/name),aggregate(price with sum as total))&$orderby=total desc",
    "parts?$apply=groupby((makers/name,live),aggregate($count as number,weight with sum as weight_sum))",
    "parts?$apply=groupby((rollup($all,kind,live)),aggregate(price with sum as total))",
    "parts?$apply=groupby((weight))",
    "parts?$apply=compute(price mul 2 as double)/groupby((double),aggregate($count as number))",
    "parts?$apply=groupby((kind),aggregate(price with sum as total))/aggregate(total with max as most,total with sum as total_sum)",
    "parts?$apply=groupby((kind),aggregate(price with sum as total))/filter(total gt 500.5)/compute(total divby 4 as quarter)",
    "parts?$apply=topsum(100,price)&$select=id,price",
    "parts?$apply=toppercent(10,price)&$select=id",
    "parts?$apply=concat(aggregate(price with sum as total),topcount(2,price))&$select=total,id,price",
    "parts/$count?$filter=successor ne null",
    "parts(25)/parts_successor?$select=name",
    "parts?$filter=colour eq 1",
    "parts?$apply=aggregate(price with product as x)",
];

/// Lists whose pages are compared too.
const PAGED: &[&str] = &[
    "parts?$orderby=weight desc,name",
    "parts?$orderby=makers/name desc,price",
    "parts?$orderby=name",
    "parts?$compute=price divby 4 as quarter&$orderby=quarter desc&$select=quarter",
    "parts?$apply=groupby((weight),aggregate(price with sum as total))&$orderby=total",
    "parts?$apply=groupby((makers/name,kind),aggregate(stock with sum as total))",
    "makers?$expand=parts($expand=kinds)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_each_kind_have_the_same_answers() {
    let (on_postgres, on_mariadb) =
        (PostgresServer::shared().create_database(), MariaDbServer::shared().create_database());
    let tables = format!("{TABLES} {}", parts());
    on_postgres.run(&tables);
    on_mariadb.run(&tables);
    let server = server().await;
    let file = server.sqlite_file("alike.sqlite", &tables);
    let on_sqlite =
        json!({ "name": "shop1", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    for payload in [
        on_sqlite,
        postgres::payload("shop2", &postgres::options(&on_postgres.url())),
        mysql::payload("shop3", &mysql::options(on_mariadb.server(), on_mariadb.name())),
    ] {
        server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload).send().await.expect(201);
    }
    let token = token(&server).await;
    let get = async |path: &str, size: &str| {
        let path = path.replace(' ', "%20").replace("ß", "%C3%9F").replace("Å", "%C3%85");
        server.get(&path).bearer(&token).header("prefer", format!("maxpagesize={size}")).send().await
    };
    let without_source = |text: &str, source: &str| {
        let text = text.replace(source, "shop");
        let mut parts = text.split("$skiptoken=sgn_");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |joined, part| {
            joined + part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c))
        })
    };
    for (rest, size) in REQUESTS.iter().map(|rest| (rest, "100")).chain(PAGED.iter().map(|rest| (rest, "3")))
    {
        let mut answers = Vec::new();
        for source in ["shop1", "shop2", "shop3"] {
            let (mut pages, mut next) = (Vec::new(), Some(format!("/api/odata4/{source}/{rest}")));
            while let Some(path) = next {
                let answer = get(&path, size).await;
                pages.push((answer.status(), without_source(answer.text(), source)));
                let link = answer.text().split_once("@odata.nextLink\":\"http://127.0.0.1:8080");
                next = link.map(|(_, link)| link.split('"').next().unwrap().to_owned());
            }
            answers.push(pages);
        }
        assert!(
            size == "100" || answers[0].len() > 1 || rest.starts_with("makers"),
            "{rest} has several pages"
        );
        for (answer, kind) in answers[1..].iter().zip(["PostgreSQL", "MariaDB"]) {
            for (one, other) in answers[0].iter().zip(answer) {
                assert_eq!(other, one, "{rest} on {kind}, beside SQLite");
            }
            assert_eq!(answer.len(), answers[0].len(), "{rest} on {kind}");
        }
    }
}
