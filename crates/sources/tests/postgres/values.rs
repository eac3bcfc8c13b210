//! Each type as a cell, and parameters.

use odata::cell::Value;
use sources::{Limits, SourceError};

use crate::fixture::{line, lines, scene, scene_with, statement};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_type_arrives_as_its_own_cell() {
    let scene = scene("CREATE TYPE colour AS ENUM ('red', 'dark blue'); CREATE DOMAIN small AS smallint");
    let text = |text: &str| format!("{:?}", Value::Text(text.to_owned()));
    for (sql, expected) in [
        ("true", "Integer(1)".to_owned()),
        ("(-32768)::smallint", "Integer(-32768)".to_owned()),
        ("7::public.small", "Integer(7)".to_owned()),
        ("2147483647::integer", "Integer(2147483647)".to_owned()),
        ("(-9223372036854775808)::bigint", format!("Integer({})", i64::MIN)),
        ("4294967295::oid", "Integer(4294967295)".to_owned()),
        ("0.5::real", "Real(0.5)".to_owned()),
        ("0.1::double precision", "Real(0.1)".to_owned()),
        ("'Infinity'::double precision", "Real(inf)".to_owned()),
        ("0.00::numeric", text("0.00")),
        ("(-12.50)::numeric(10,2)", text("-12.50")),
        (
            "12345678901234567890123456789.000000000000000000001::numeric",
            text("12345678901234567890123456789.000000000000000000001"),
        ),
        ("1e-20::numeric", text("0.00000000000000000001")),
        ("1e30::numeric", text("1000000000000000000000000000000")),
        ("'NaN'::numeric", "Null".to_owned()),
        ("'größer'::text", text("größer")),
        ("'a'::varchar(3)", text("a")),
        ("'a'::char(3)", text("a  ")),
        ("'x'::name", text("x")),
        ("'x'::\"char\"", text("x")),
        ("'dark blue'::public.colour", text("dark blue")),
        ("'<a/>'::xml", text("<a/>")),
        ("'{\"a\": 1}'::json", text("{\"a\": 1}")),
        ("'{\"a\":1}'::jsonb", text("{\"a\": 1}")),
        ("'\\x00ff'::bytea", "Blob([0, 255])".to_owned()),
        ("'0001-01-01'::date", text("0001-01-01")),
        ("'9999-12-31'::date", text("9999-12-31")),
        ("'infinity'::date", "Null".to_owned()),
        ("'4713-01-01 BC'::date", "Null".to_owned()),
        ("'23:59:59.999999'::time", text("23:59:59.999999")),
        ("'24:00'::time", "Null".to_owned()),
        ("'1999-12-31 23:59:59.999999'::timestamp", text("1999-12-31T23:59:59.999999")),
        ("'2000-01-01 01:00:00+02'::timestamptz", text("1999-12-31T23:00:00")),
        ("'-infinity'::timestamptz", "Null".to_owned()),
        ("'1 day -00:00:00.000001'::interval", text("PT23H59M59.999999S")),
        ("'1 month'::interval", "Null".to_owned()),
        ("'ABABABAB-abab-abab-abab-abababababab'::uuid", text("abababab-abab-abab-abab-abababababab")),
        ("NULL::numeric", "Null".to_owned()),
    ] {
        let found = lines(&scene.source, statement(&format!("SELECT {sql}"), 1, Vec::new())).await;
        assert_eq!(found, Ok(vec![expected]), "{sql}");
    }
    // Without a text of its own in the protocol; statements convert such values.
    for sql in ["ARRAY[1]", "point(1,2)", "'10.0.0.1'::inet"] {
        let found = lines(&scene.source, statement(&format!("SELECT {sql}"), 1, Vec::new())).await;
        assert!(matches!(found, Err(SourceError::Unsupported { .. })), "{sql}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_arrive_as_they_were_given() {
    let scene =
        scene("CREATE TABLE t(id integer, name varchar(10)); INSERT INTO t VALUES (1, 'it''s'), (2, '$1')");
    let found =
        async |sql: &str, parameters| lines(&scene.source, statement(sql, 1, parameters)).await.unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let by_id = "SELECT name FROM public.t WHERE id = $1";
    assert_eq!(found(by_id, vec![Value::Integer(1)]).await, [r#"Text("it's")"#]);
    assert_eq!(found(by_id, vec![Value::Null]).await, [""; 0]);
    assert_eq!(found("SELECT id FROM public.t WHERE name = $1", vec![text("$1")]).await, ["Integer(2)"]);
    let uuid = text("abababab-abab-abab-abab-abababababab");
    assert_eq!(found("SELECT $1::uuid IS NOT NULL", vec![uuid]).await, ["Integer(1)"]);
    let many = (0..40_000).map(Value::Integer).collect::<Vec<_>>();
    let marks = (1..=many.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(",");
    let sql = format!("SELECT count(*) FROM unnest(ARRAY[{marks}]) AS x");
    assert_eq!(found(&sql, many).await, ["Integer(40000)"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_beyond_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { max_row_bytes: 64 * 1024, ..Limits::default() };
    let scene = scene_with("", limits, &[]);
    let of_length =
        |length: u32| statement("SELECT repeat('x', $1::integer)", 1, vec![Value::Integer(length.into())]);
    let fits = lines(&scene.source, of_length(60_000)).await.unwrap();
    assert_eq!(fits[0].len(), 60_000 + r#"Text("")"#.len());
    for length in [70_000, 200_000_000] {
        assert_eq!(lines(&scene.source, of_length(length)).await, Err(SourceError::ValueTooLarge));
    }
    assert!(lines(&scene.source, of_length(1)).await.is_ok(), "the source still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_written() {
    let scene = scene("CREATE TABLE t(id integer); CREATE SEQUENCE s");
    for sql in [
        "INSERT INTO public.t VALUES (1) RETURNING id",
        "SELECT nextval('public.s')",
        "UPDATE public.t SET id = 1 RETURNING id",
    ] {
        let refused = lines(&scene.source, statement(sql, 1, Vec::new())).await;
        assert_eq!(refused, Err(SourceError::ReadOnly), "{sql}");
    }
    assert_eq!(scene.database.run("SELECT count(*) FROM t"), "0");
}

/// The text of a double decides what it is rounded to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_as_text_has_every_digit_whatever_the_database_sets() {
    let scene = scene(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET extra_float_digits = -15', current_database()); END $$",
    );
    let read = lines(&scene.source, statement("SELECT 0.1234567890123::float8::text", 1, Vec::new())).await;
    assert_eq!(read.unwrap(), [format!("{:?}", Value::Text("0.1234567890123".to_owned()))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_and_operators_of_others_take_no_part() {
    let scene = scene(
        "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'of others' $$; \
         CREATE FUNCTION public.never(varchar, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'; \
         CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = public.never)",
    );
    for condition in ["lower('A'::varchar) = 'a'", "'a'::varchar = 'a'::text"] {
        let holds = line(&scene.source, &format!("SELECT ({condition})::int4")).await;
        assert_eq!(holds.as_deref(), Ok("Integer(1)"), "{condition}");
    }
}
