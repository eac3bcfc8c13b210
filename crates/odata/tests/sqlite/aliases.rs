//! Parameter aliases: what they stand for, and what is refused.

use odata::edm_type::EdmType;
use odata::error::Kind;

use crate::database::{Database, reference, table};

const TEXT: EdmType = EdmType::String { max_length: None };

fn database() -> Database {
    let number = EdmType::Int32;
    let ships = [("id", number, false), ("name", TEXT, true), ("built", EdmType::Date, true)];
    let mut visits = table("Visits", &[("id", number, false), ("ship", number, true)], &["id"]);
    visits.foreign_keys.push(reference("ship", "Ships"));
    let sql = "CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT, built DATE);
        CREATE TABLE Visits (id INTEGER PRIMARY KEY, ship INTEGER);
        INSERT INTO Ships VALUES (1, 'Anna', '2001-02-03'), (2, 'it''s', NULL), (3, NULL, '1999-12-31');
        INSERT INTO Visits VALUES (1, 1), (2, 1), (3, 2)";
    Database::new(sql, vec![table("Ships", &ships, &["id"]), visits])
}

#[test]
fn an_alias_stands_for_its_value() {
    let database = database();
    for (alias, plain) in [
        ("Ships?$filter=id eq @p&@p=2", "Ships?$filter=id eq 2"),
        ("Ships?@p=-2&$filter=id eq -(@p)", "Ships?$filter=id eq 2"),
        ("Ships?$filter=name eq @name or @name eq name&@name='it''s'", "Ships?$filter=name eq 'it''s'"),
        ("Ships?$filter=name eq @nothing", "Ships?$filter=name eq null"),
        ("Ships?$filter=name eq @p&@p=null", "Ships?$filter=name eq null"),
        ("Ships?$filter=id in (1,@p)&@p=3", "Ships?$filter=id in (1,3)"),
        ("Ships?$filter=built gt @day&@day=2000-01-01", "Ships?$filter=built gt 2000-01-01"),
        ("Ships?$filter=contains(name,@p)&@p='nn'&@q=unused and wrong(", "Ships?$filter=contains(name,'nn')"),
        ("Ships?$filter=Visits/any(v:v/id eq @p)&@p=3", "Ships?$filter=id eq 2"),
        ("Ships(@p)/Visits?@p=1", "Ships(1)/Visits"),
        ("Ships/$filter(id eq @p)?@p=2", "Ships?$filter=id eq 2"),
        ("Ships?$orderby=id add @p mul id desc&@p=2", "Ships?$orderby=id desc"),
        ("Ships?$filter=@p&@p=id gt 1 and name ne null", "Ships?$filter=id gt 1 and name ne null"),
        ("Ships?$filter=@a or not @b&@a=id eq 1 or id eq 2&@b=name ne null", "Ships"),
        ("Ships?$filter=id mul @p eq 6&@p=1 add 2", "Ships?$filter=id eq 2"),
        ("Ships?$filter=id eq @p&@p=@q sub 1&@q=3", "Ships?$filter=id eq 2"),
        ("Ships?$filter=length(name) gt @p&@p=length('Ann')", "Ships?$filter=length(name) gt 3"),
        ("Ships?$filter=id in @p&@p=[1,3]", "Ships?$filter=id in (1,3)"),
        ("Ships?$filter=name in @p&@p=[\"Anna\",null]", "Ships?$filter=name in ('Anna',null)"),
        ("Ships?$filter=id in @p&@p=(1,@q)&@q=3", "Ships?$filter=id in (1,3)"),
        ("Ships?$filter=Visits/any(v:@p)&@p=v/id eq 3", "Ships?$filter=id eq 2"),
        ("Ships?$filter=@p&@p=Visits/$count gt 1", "Ships?$filter=id eq 1"),
        ("Visits?$orderby=@p,id desc&@p=Ships/name", "Visits?$orderby=Ships/name,id desc"),
        ("Ships?$filter=id eq @p&@p=id", "Ships"),
    ] {
        assert_eq!(database.ids(alias), database.ids(plain), "{alias}");
    }
    for (alias, plain) in [
        ("Ships(@p)?@p=2", "Ships(2)"),
        (
            "Visits?$apply=filter(ship eq @p)/aggregate($count as N)&@p=1",
            "Visits?$apply=filter(ship eq 1)/aggregate($count as N)",
        ),
        ("Ships?$expand=Visits($filter=id eq @p)&@p=2", "Ships?$expand=Visits($filter=id eq 2)"),
    ] {
        assert_eq!(database.body(alias), database.body(plain), "{alias}");
    }
}

#[test]
fn an_alias_for_something_else_is_refused_where_it_is_used() {
    let database = database();
    let long = format!("Ships?$filter=name in (@p,@p,@p,@p)&@p='{}'", "a".repeat(10_000));
    let path = format!("{}Ships?@p=1", "Ships(@p)/".repeat(100));
    for (url, code, kind, offset) in [
        ("Ships?$filter=id eq @p&@p=1 1", "SyntaxError", Kind::BadRequest, 6),
        ("Ships?$filter=id eq @p&@p=", "SyntaxError", Kind::BadRequest, 6),
        ("Ships?$filter=id eq @p&@p='a'", "TypeMismatch", Kind::BadRequest, 3),
        ("Ships?$filter=id eq @p&@p=nope", "UnknownProperty", Kind::BadRequest, 6),
        ("Ships?$filter=id eq @p&@p=length(1) add 2", "TypeMismatch", Kind::BadRequest, 6),
        ("Ships?$filter=id eq @p&@p=@q&@q=@p", "TooComplex", Kind::BadRequest, 6),
        ("Ships?$filter=@p&@p=@p or @p", "TooComplex", Kind::BadRequest, 0),
        ("Ships?$filter=id eq @p&@p=[1,2]", "NotImplemented", Kind::NotImplemented, 6),
        ("Ships?$filter=id in @p&@p=[1,2", "SyntaxError", Kind::BadRequest, 6),
        ("Ships(@p)?@p=1 add 1", "BadKey", Kind::BadRequest, 0),
        ("Ships?$filter=@p/x eq 1&@p=1", "NotImplemented", Kind::NotImplemented, 0),
        (&long, "TooComplex", Kind::BadRequest, 18),
        (&path, "TooComplex", Kind::BadRequest, 0),
    ] {
        let error = database.error(url);
        assert_eq!((error.code(), error.kind()), (code, kind), "{url}: {error}");
        assert_eq!(error.offset(), Some(offset), "{url}: {error}");
    }
}
