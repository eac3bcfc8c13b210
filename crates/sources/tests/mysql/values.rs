//! Each type as a cell, and parameters.

use odata::cell::Value;
use sources::{Limits, SourceError};

use crate::fixture::{line, lines, scene, scene_with, statement};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_type_arrives_as_its_own_cell() {
    let scene = scene(
        "SET sql_mode = 'ALLOW_INVALID_DATES'; \
         CREATE TABLE t(b1 bit(1), b12 bit(12), b64 bit(64), ti tinyint, tu tinyint unsigned, tb tinyint(1), si smallint, \
         mi mediumint, mu mediumint unsigned, i int, iu int unsigned, bi bigint, bu bigint unsigned, f float, d double, \
         n decimal(10,2), nz decimal(8,2) zerofill, big decimal(65,30), y year, ch char(5), vc varchar(5), tx text, \
         lt longtext character set latin1, en enum('red','dark blue'), se set('a','b'), j json, vb varbinary(5), bl blob, \
         u uuid, dt date, dz date, di date, t6 time(6), tn time, tl time, ts timestamp(6), tz timestamp NULL, l datetime(6), \
         lz datetime, nu int); \
         INSERT INTO t VALUES (1, 258, 18446744073709551615, -128, 255, 2, -32768, -8388608, 16777215, -2147483648, \
         4294967295, -9223372036854775808, 18446744073709551615, 0.1, 0.1, -12.5, 12.5, \
         12345678901234567890123456789012345.000000000000000000000000000001, 2024, 'a  ', 'b ', 'größer', 'größer', \
         'dark blue', 'a,b', '{\"a\": 1}', x'00ff', '', 'ABABABAB-abab-abab-abab-abababababab', '0001-01-01', '0000-00-00', \
         '2024-02-31', '23:59:59.999999', '-00:00:01', '24:00:00', '1999-12-31 23:59:59.999999', '0000-00-00 00:00:00', \
         '9999-12-31 00:00:00', '2024-00-10 00:00:00', NULL)",
    );
    let text = |text: &str| format!("{:?}", Value::Text(text.to_owned()));
    for (column, expected) in [
        ("b1", "Integer(1)".to_owned()),
        ("b12", "Integer(258)".to_owned()),
        ("b64", text("18446744073709551615")),
        ("ti", "Integer(-128)".to_owned()),
        ("tu", "Integer(255)".to_owned()),
        ("tb", "Integer(1)".to_owned()),
        ("si", "Integer(-32768)".to_owned()),
        ("mi", "Integer(-8388608)".to_owned()),
        ("mu", "Integer(16777215)".to_owned()),
        ("i", "Integer(-2147483648)".to_owned()),
        ("iu", "Integer(4294967295)".to_owned()),
        ("bi", format!("Integer({})", i64::MIN)),
        ("bu", text("18446744073709551615")),
        ("f", format!("Real({:?})", f64::from(0.1_f32))),
        ("d", "Real(0.1)".to_owned()),
        ("n", text("-12.50")),
        ("nz", text("12.50")),
        ("big", text("12345678901234567890123456789012345.000000000000000000000000000001")),
        ("y", "Integer(2024)".to_owned()),
        ("ch", text("a")),
        ("vc", text("b ")),
        ("tx", text("größer")),
        ("lt", text("größer")),
        ("en", text("dark blue")),
        ("se", text("a,b")),
        ("j", text("{\"a\": 1}")),
        ("vb", "Blob([0, 255])".to_owned()),
        ("bl", "Blob([])".to_owned()),
        ("u", text("abababab-abab-abab-abab-abababababab")),
        ("dt", text("0001-01-01")),
        ("dz", "Null".to_owned()),
        ("di", "Null".to_owned()),
        ("t6", text("23:59:59.999999")),
        ("tn", "Null".to_owned()),
        ("tl", "Null".to_owned()),
        ("ts", text("1999-12-31T23:59:59.999999")),
        ("tz", "Null".to_owned()),
        ("l", text("9999-12-31T00:00:00")),
        ("lz", "Null".to_owned()),
        ("nu", "Null".to_owned()),
    ] {
        let found = line(&scene.source, &format!("SELECT {column} FROM t")).await;
        assert_eq!(found, Ok(expected), "{column}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_arrive_as_they_were_given() {
    let scene = scene(
        "CREATE TABLE t(id integer, name varchar(20)); INSERT INTO t VALUES (1, 'it''s'), (2, '\\\\\\' OR 1=1 -- ?')",
    );
    let found =
        async |sql: &str, parameters| lines(&scene.source, statement(sql, 1, parameters)).await.unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let by_id = "SELECT name FROM t WHERE id = ?";
    assert_eq!(found(by_id, vec![Value::Integer(1)]).await, [r#"Text("it's")"#]);
    assert_eq!(found(by_id, vec![Value::Null]).await, [""; 0]);
    let by_name = "SELECT id FROM t WHERE name = ?";
    assert_eq!(found(by_name, vec![text("\\' OR 1=1 -- ?")]).await, ["Integer(2)"]);
    assert_eq!(found(by_name, vec![text("' OR 1=1 -- ")]).await, [""; 0]);
    let many = (0..40_000).map(Value::Integer).collect::<Vec<_>>();
    let marks = vec!["?"; many.len()].join(",");
    assert_eq!(found(&format!("SELECT 7 IN ({marks})"), many).await, ["Integer(1)"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_beyond_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { max_row_bytes: 64 * 1024, ..Limits::default() };
    let scene = scene_with("", limits, &[]);
    let of_length = |length: u32| statement("SELECT REPEAT('x', ?)", 1, vec![Value::Integer(length.into())]);
    let fits = lines(&scene.source, of_length(60_000)).await.unwrap();
    assert_eq!(fits[0].len(), 60_000 + r#"Text("")"#.len());
    for length in [70_000, 16_000_000] {
        assert_eq!(lines(&scene.source, of_length(length)).await, Err(SourceError::ValueTooLarge));
    }
    assert!(lines(&scene.source, of_length(1)).await.is_ok(), "the source still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_several_packets_is_put_together() {
    let scene = scene("");
    // A packet has up to 2^24 - 1 bytes.
    let long = "SELECT REPEAT('x', 10000000), REPEAT('y', 10000000), 7";
    let found = lines(&scene.source, statement(long, 3, Vec::new())).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("y\")|Integer(7)"));
    assert_eq!(found[0].matches('x').count(), 10_000_002, "with those of Text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_written() {
    let scene = scene("CREATE TABLE t(id integer); CREATE SEQUENCE s");
    for sql in ["INSERT INTO t VALUES (1) RETURNING id", "SELECT NEXTVAL(s)", "DELETE FROM t RETURNING id"] {
        let refused = lines(&scene.source, statement(sql, 1, Vec::new())).await;
        assert_eq!(refused, Err(SourceError::ReadOnly), "{sql}");
    }
    assert_eq!(scene.database.run("SELECT COUNT(*) FROM t"), "0");
}
