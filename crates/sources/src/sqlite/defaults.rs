//! The default of a column, which `INSERT` alone can name.

use rusqlite::{Connection, Error, ErrorCode};

/// The declared default as an expression for a statement in which no column is in scope; `None` if it is none.
///
/// SQLite takes a word, quoted or not, for a text here ([`CREATE TABLE`
/// §3.2](https://www.sqlite.org/lang_createtable.html#dfltval)), and for the name of a column elsewhere.
pub(super) fn expression(sqlite: &Connection, declared: &str) -> rusqlite::Result<Option<String>> {
    if let Some(word) = word(declared) {
        return Ok(Some(match declared.to_ascii_uppercase().as_str() {
            "TRUE" => "1".to_owned(),
            "FALSE" => "0".to_owned(),
            _ => format!("'{}'", word.replace('\'', "''")),
        }));
    }
    let alone = sqlite.prepare(&format!("SELECT ({declared}\n)"));
    let is_complete =
        |alone: &rusqlite::Statement<'_>| alone.column_count() == 1 && alone.parameter_count() == 0;
    match alone {
        Ok(alone) => Ok(is_complete(&alone).then(|| declared.to_owned())),
        // It may need a function that only the program has that made the database.
        Err(Error::SqlInputError { error, .. } | Error::SqliteFailure(error, _))
            if matches!(error.code, ErrorCode::Unknown | ErrorCode::AuthorizationForStatementDenied) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The text of a word that stands alone.
fn word(declared: &str) -> Option<String> {
    let mut letters = declared.chars();
    match letters.next()? {
        quote @ ('"' | '`') => {
            let inside = letters.as_str().strip_suffix(quote)?;
            let (one, two) = (quote.to_string(), quote.to_string().repeat(2));
            let unquoted = inside.replace(&two, "");
            (!unquoted.contains(quote)).then(|| inside.replace(&two, &one))
        }
        '[' => letters.as_str().strip_suffix(']').filter(|inside| !inside.contains(']')).map(str::to_owned),
        first => {
            let may_begin = first.is_ascii_alphabetic() || first == '_' || !first.is_ascii();
            let goes_on = |letter: char| {
                letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$') || !letter.is_ascii()
            };
            let is_value = ["NULL", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"]
                .iter()
                .any(|value| declared.eq_ignore_ascii_case(value));
            (may_begin && declared.chars().all(goes_on) && !is_value).then(|| declared.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::config::DbConfig;

    use super::*;

    #[test]
    fn a_default_is_an_expression_without_names() {
        let sqlite = Connection::open_in_memory().unwrap();
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).unwrap();
        for (declared, expected) in [
            ("word", Some("'word'")),
            ("wörd$1", Some("'wörd$1'")),
            ("\"a\"\"b'c\"", Some("'a\"b''c'")),
            ("`a``b`", Some("'a`b'")),
            ("[a b]", Some("'a b'")),
            ("true", Some("1")),
            ("False", Some("0")),
            ("\"true\"", Some("'true'")),
            ("null", Some("null")),
            ("CURRENT_TIME", Some("CURRENT_TIME")),
            ("'a'", Some("'a'")),
            ("-1.5e3", Some("-1.5e3")),
            ("x'00'", Some("x'00'")),
            ("1 -- )", Some("1 -- )")),
            ("lower('A') || \"b\"", None),
            ("Secret || ''", None),
            ("of_another_program()", None),
            ("?1", None),
            ("1, 2", None),
            ("(SELECT x FROM t)", None),
            ("", None),
        ] {
            assert_eq!(expression(&sqlite, declared).unwrap().as_deref(), expected, "{declared}");
        }
    }
}
