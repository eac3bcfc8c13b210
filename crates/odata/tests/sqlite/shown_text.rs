//! Text that is not UTF-8, text with a NUL, and text that resembles either: functions and comparisons work on
//! the text that is shown.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::model::Storage;

use crate::database::{Database, table};

/// Texts as bytes.
const TEXTS: &[&[u8]] = &[
    b"",
    b"a",
    b"b",
    b"ab",
    b" a ",
    b"\x7f",
    b"a\xffb",
    b"\xff",
    b"\xc3",
    b"\x84",
    b"a\xc3",
    b"\x84b",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\x80\x80a",
    b"\xc1\xbf",
    b" \xff ",
    b"\xc2\xa0\xff\xe3\x80\x80",
    b"\xed\xa0\x80",
    b"\xe0\x9f\xbf",
    b"\xf4\x90\x80\x80",
    b"\xc3\x84",
    b"\xc3\xa4\xff",
    b"\xdf\xbf\xbf",
    b"\xe0\xa0\x80",
    b"\xef\xbf\xbd",
    b"a\xef\xbf\xbdb",
    b"\xef\xbf\xbfa",
    b"\xf0\x9f\x98\x80\xfe",
    b"a\0b",
    b"\0",
    b"a\0\xff\xc3\x84b",
];

/// Literals of requests, which cannot contain NUL.
const LITERALS: &[&str] = &[
    "",
    "a",
    "b",
    "\u{7f}",
    "\u{80}",
    "\u{bf}",
    "Ä",
    "ä",
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "a\u{fffd}",
    "\u{fffd}b",
    "\u{ffff}",
    "😀",
    "a\u{fffd}b",
    "aÄ",
    "~",
];

/// Every pair of texts, both as they are shown.
struct Pairs {
    database: Database,
    shown: Vec<(String, String)>,
}

impl Pairs {
    fn new(encoding: &str) -> Self {
        let mut sql = format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE T (id INTEGER PRIMARY KEY, s TEXT, r TEXT);"
        );
        let cast = |text: &[u8]| {
            let digits: String = text.iter().fold(String::new(), |mut digits, byte| {
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            format!("CAST(x'{digits}' AS TEXT)")
        };
        let mut id = 0;
        for left in TEXTS {
            for right in TEXTS {
                let _ = write!(sql, "INSERT INTO T VALUES ({id}, {}, {});", cast(left), cast(right));
                id += 1;
            }
        }
        let text = EdmType::String { max_length: None };
        let mut table =
            table("T", &[("id", EdmType::Int64, false), ("s", text, true), ("r", text, true)], &["id"]);
        if encoding != "UTF-8" {
            table.columns.iter_mut().for_each(|column| column.storage = Storage::default());
        }
        let database = Database::new(&sql, vec![table]);
        let body: serde_json::Value = serde_json::from_str(&database.body_of("T", 10_000)).unwrap();
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = body["value"].as_array().unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (text(row, "s"), text(row, "r"))).collect();
        assert_eq!(shown.len(), TEXTS.len() * TEXTS.len());
        Self { database, shown }
    }

    fn assert(&self, filter: &str, expected: impl Fn(&str, &str) -> bool) {
        let encoded = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        let found = self.database.body_of(&format!("T?$select=id&$orderby=id&$filter={encoded}"), 10_000);
        let found = crate::database::ids(&found);
        let expected: Vec<i64> = (0..)
            .zip(&self.shown)
            .filter(|(_, (left, right))| expected(left, right))
            .map(|(id, _)| id)
            .collect();
        assert!(found == expected, "{filter}: {:?}", self.difference(&found, &expected));
    }

    /// The first row in which the two differ.
    fn difference(&self, found: &[i64], expected: &[i64]) -> Option<&(String, String)> {
        let differs = |id: &i64| found.contains(id) != expected.contains(id);
        (0..).zip(&self.shown).find(|(id, _)| differs(id)).map(|(_, row)| row)
    }
}

fn index_of(text: &str, part: &str) -> i64 {
    text.find(part).map_or(-1, |at| i64::try_from(text[..at].chars().count()).unwrap())
}

fn from_second(text: &str) -> String {
    text.chars().skip(1).collect()
}

fn functions_of_columns(pairs: &Pairs) {
    pairs.assert("contains(s,r)", |s, r| s.contains(r));
    pairs.assert("not contains(s,r)", |s, r| !s.contains(r));
    pairs.assert("startswith(s,r)", |s, r| s.starts_with(r));
    pairs.assert("endswith(s,r)", |s, r| s.ends_with(r));
    pairs.assert("s eq r", |s, r| s == r);
    pairs.assert("s ne r", |s, r| s != r);
    pairs.assert("s in (r,'a')", |s, r| s == r || s == "a");
    pairs.assert("concat(s,r) eq concat(r,s)", |s, r| format!("{s}{r}") == format!("{r}{s}"));
    pairs.assert("length(concat(s,r)) eq length(s) add length(r)", |_, _| true);
    pairs.assert("contains(concat(s,r),s) and endswith(concat(s,r),r)", |_, _| true);
    pairs.assert("tolower(s) eq tolower(r)", |s, r| s.to_lowercase() == r.to_lowercase());
    pairs.assert("toupper(s) eq toupper(r)", |s, r| s.to_uppercase() == r.to_uppercase());
    pairs.assert("trim(s) eq r", |s, r| s.trim() == r);
    pairs.assert("substring(s,1) eq r", |s, r| from_second(s) == r);
    pairs.assert("substring(s,length(s) sub 1) eq r", |s, r| {
        s.chars().next_back().map(String::from).unwrap_or_default() == r
    });
    for place in -1..4 {
        pairs.assert(&format!("indexof(s,r) eq {place}"), |s, r| index_of(s, r) == place);
        pairs.assert(&format!("length(s) eq {place}"), |s, _| {
            i64::try_from(s.chars().count()).unwrap() == place
        });
    }
}

fn functions_of_literals(pairs: &Pairs, literal: &str) {
    pairs.assert(&format!("contains(s,'{literal}')"), |s, _| s.contains(literal));
    pairs.assert(&format!("not contains(s,'{literal}')"), |s, _| !s.contains(literal));
    pairs.assert(&format!("startswith(s,'{literal}')"), |s, _| s.starts_with(literal));
    pairs.assert(&format!("not startswith(s,'{literal}')"), |s, _| !s.starts_with(literal));
    pairs.assert(&format!("endswith(s,'{literal}')"), |s, _| s.ends_with(literal));
    pairs.assert(&format!("indexof(s,'{literal}') eq 1"), |s, _| index_of(s, literal) == 1);
    pairs.assert(&format!("concat(s,'{literal}') eq concat('{literal}',s)"), |s, _| {
        format!("{s}{literal}") == format!("{literal}{s}")
    });
    pairs.assert(&format!("tolower(s) eq '{literal}'"), |s, _| s.to_lowercase() == literal);
    pairs.assert(&format!("trim(s) eq '{literal}'"), |s, _| s.trim() == literal);
    pairs.assert(&format!("s eq '{literal}'"), |s, _| s == literal);
    pairs.assert(&format!("s ne '{literal}'"), |s, _| s != literal);
    pairs.assert(&format!("s in ('{literal}','b')"), |s, _| s == literal || s == "b");
}

#[test]
fn functions_of_text_that_is_none_work_on_what_is_shown() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let pairs = Pairs::new(encoding);
        functions_of_columns(&pairs);
        // SQLite does not keep noncharacters in UTF-16.
        let literals = LITERALS.iter().filter(|literal| encoding == "UTF-8" || !literal.contains('\u{ffff}'));
        for literal in literals {
            functions_of_literals(&pairs, literal);
        }
    }
}

#[test]
fn text_that_is_none_is_above_and_below_what_its_shown_text_is() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let pairs = Pairs::new(encoding);
        pairs.assert("s gt r", |s, r| s > r);
        pairs.assert("s le r", |s, r| s <= r);
        pairs.assert("concat(s,r) ge concat(r,s)", |s, r| format!("{s}{r}") >= format!("{r}{s}"));
        for literal in LITERALS {
            pairs.assert(&format!("s gt '{literal}'"), |s, _| s > *literal);
            pairs.assert(&format!("s ge '{literal}'"), |s, _| s >= *literal);
            pairs.assert(&format!("s lt '{literal}'"), |s, _| s < *literal);
            pairs.assert(&format!("not (s le '{literal}')"), |s, _| s > *literal);
            pairs.assert(&format!("trim(s) lt '{literal}'"), |s, _| s.trim() < *literal);
        }
    }
}

#[test]
fn text_in_utf16_is_ordered_by_its_characters() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let pairs = Pairs::new(encoding);
        for order in ["s,r", "concat(s,r)"] {
            let body = pairs.database.body_of(&format!("T?$orderby={order}"), 10_000);
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
            let rows = body["value"].as_array().unwrap().iter().map(|row| (text(row, "s"), text(row, "r")));
            let rows: Vec<(String, String)> = rows.collect();
            let is_in_order = match order {
                "s,r" => rows.is_sorted(),
                _ => rows.is_sorted_by_key(|(s, r)| format!("{s}{r}")),
            };
            assert!(is_in_order, "{encoding} {order}");
        }
    }
}

#[test]
fn a_beginning_is_found_by_index_where_text_is_clean() {
    let text = EdmType::String { max_length: None };
    let tables = vec![table("T", &[("id", EdmType::Int64, false), ("s", text, true)], &["id"])];
    let database =
        Database::new("CREATE TABLE T (id INTEGER PRIMARY KEY, s TEXT); CREATE INDEX T_s ON T (s)", tables);
    for filter in ["startswith(s,'Ä')", "s eq 'Ä'", "s eq 'z\u{fffd}'"] {
        let plan = database.explained(&format!("T?$filter={filter}"));
        assert!(plan.contains("SEARCH T USING") && plan.contains("INDEX T_s (s"), "{filter}: {plan}");
    }
}
