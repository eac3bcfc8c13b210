//! Reading the rows of a response for data, and shortening them for a model.
//!
//! Rows are copied as they are written, not as numbers and texts of another program: a decimal keeps all of its digits. Only
//! long texts are cut, and numbers that a double cannot hold become texts, because most clients would round them.

use std::fmt::Write as _;

/// The maximum length of a text in a row, in characters; a longer one is cut.
const LONGEST_TEXT: usize = 2_048;

/// The largest integer up to which a double holds all integers.
const EXACT: u64 = (1 << 53) - 1;

/// A page of rows, as far as its bytes are known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RowPage<'a> {
    /// The complete rows.
    pub(crate) rows: Vec<&'a str>,
    /// The number of all rows, if it was asked for.
    pub(crate) total: Option<u64>,
    /// The link to the next page, as it is written.
    pub(crate) next_link: Option<&'a str>,
    /// Whether the page ends here.
    pub(crate) is_whole: bool,
}

/// Reads a page in the format of OData, or its beginning; `None` if it is something else.
pub(crate) fn page(bytes: &[u8]) -> Option<RowPage<'_>> {
    let mut page = RowPage::default();
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let mut at = 1;
    while let Some(name_end) = value_end(bytes, at) {
        let name = text(&bytes[at..name_end])?;
        match bytes.get(name_end) {
            Some(b':') => at = name_end + 1,
            Some(_) => return None,
            None => return Some(page),
        }
        if name == "\"value\"" {
            match rows(bytes, at, &mut page).ok()? {
                Some(end) => at = end,
                None => return Some(page),
            }
        } else {
            let Some(end) = value_end(bytes, at) else { return Some(page) };
            let value = text(&bytes[at..end])?;
            if name.ends_with("count\"") {
                page.total = value.parse().ok();
            } else if name.ends_with("nextLink\"") {
                page.next_link = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            }
            at = end;
        }
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => {
                page.is_whole = true;
                return Some(page);
            }
            Some(_) => return None,
            None => return Some(page),
        }
    }
    Some(page)
}

/// The bytes are no page.
struct NoPage;

/// Reads the array of rows at a position; returns where it ends, if it does.
fn rows<'a>(bytes: &'a [u8], mut at: usize, page: &mut RowPage<'a>) -> Result<Option<usize>, NoPage> {
    match bytes.get(at) {
        Some(b'[') => at += 1,
        Some(_) => return Err(NoPage),
        None => return Ok(None),
    }
    if bytes.get(at) == Some(&b']') {
        return Ok(Some(at + 1));
    }
    while let Some(end) = value_end(bytes, at) {
        page.rows.push(text(&bytes[at..end]).ok_or(NoPage)?);
        match bytes.get(end) {
            Some(b',') => at = end + 1,
            Some(b']') => return Ok(Some(end + 1)),
            Some(_) => return Err(NoPage),
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Where the value at a position ends; `None` if it does not end within the bytes. The encoder writes no blanks.
fn value_end(bytes: &[u8], from: usize) -> Option<usize> {
    match bytes.get(from)? {
        b'"' => string_end(bytes, from),
        b'{' | b'[' => {
            let (mut at, mut depth) = (from, 0_usize);
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let length = bytes[from..].iter().position(|byte| matches!(byte, b',' | b'}' | b']'))?;
            Some(from + length)
        }
    }
}

fn number_end(bytes: &[u8], from: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    bytes[from..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |length| from + length)
}

fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Writes a row with shortened texts; returns how many were cut.
pub(crate) fn shorten(row: &str, out: &mut String) -> usize {
    let bytes = row.as_bytes();
    let (mut at, mut cut) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => string_end(bytes, at).unwrap_or(bytes.len()),
            b'-' | b'0'..=b'9' => number_end(bytes, at),
            _ => at + 1,
        };
        let token = row.get(at..end).unwrap_or_default();
        let is_value = bytes.get(end) != Some(&b':');
        if *byte == b'"' && is_value && end - at > LONGEST_TEXT {
            cut += usize::from(write_cut(token, out));
        } else if (byte.is_ascii_digit() || *byte == b'-') && !is_exact(token) {
            let _ = write!(out, "\"{token}\"");
        } else {
            out.push_str(token);
        }
        at = end;
    }
    cut
}

/// Writes a text, cut if it has too many characters.
fn write_cut(token: &str, out: &mut String) -> bool {
    let Ok(text) = serde_json::from_str::<String>(token) else {
        out.push_str(token);
        return false;
    };
    let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) else {
        out.push_str(token);
        return false;
    };
    let total = text.chars().count();
    let cut = format!("{}… [shortened, {total} characters in total]", &text[..end]);
    out.push_str(&serde_json::Value::from(cut).to_string());
    true
}

/// No double needs more digits to be told from all others.
const DIGITS_OF_DOUBLE: usize = 17;

/// Whether a client that reads the number as a double gets the same number.
fn is_exact(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse::<u64>().is_ok_and(|number| number <= EXACT);
    }
    let Ok(number) = token.parse::<f64>() else { return false };
    let wanted = significant(token);
    // Between two shortest forms that are equally near, programs choose differently.
    let rounded = || significant(&format!("{number:.*e}", wanted.len().saturating_sub(1)));
    significant(&format!("{number:e}")) == wanted || (wanted.len() <= DIGITS_OF_DOUBLE && rounded() == wanted)
}

/// The significant digits of a number without its sign, point and exponent.
fn significant(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const PAGE: &str = r#"{"@odata.count":7,"value":[{"Id":1,"Name":"a]}\",{"},{"Id":2,"Visits":[{"B":[]}]}],"@odata.nextLink":"http://x/y?$skiptoken=AB"}"#;

    #[test]
    fn a_page_is_split_into_rows() {
        let expected = RowPage {
            rows: vec![r#"{"Id":1,"Name":"a]}\",{"}"#, r#"{"Id":2,"Visits":[{"B":[]}]}"#],
            total: Some(7),
            next_link: Some("http://x/y?$skiptoken=AB"),
            is_whole: true,
        };
        assert_eq!(page(PAGE.as_bytes()), Some(expected));
        assert_eq!(page(br#"{"value":[]}"#), Some(RowPage { is_whole: true, ..RowPage::default() }));
        for other in ["", "[]", "7", r#"{"value":7}"#, r#"{"value"}"#, r#"{"value":[7}"#] {
            assert_eq!(page(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_beginning_of_a_page_has_its_complete_rows() {
        let whole = page(PAGE.as_bytes()).unwrap();
        for length in 1..PAGE.len() {
            let begun = page(&PAGE.as_bytes()[..length]).unwrap();
            assert!(!begun.is_whole, "{length}");
            assert_eq!(begun.rows, whole.rows[..begun.rows.len()], "{length}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_names_are_not() {
        let long = "ä".repeat(3_000);
        let row = format!(r#"{{"{long}":"{long}","Short":"{}","Null":null,"Yes":true}}"#, "ä".repeat(2_000));
        let mut out = String::new();
        assert_eq!(shorten(&row, &mut out), 1);
        let read: Value = serde_json::from_str(&out).unwrap();
        let text = read[long.as_str()].as_str().unwrap();
        assert!(text.ends_with("ä… [shortened, 3000 characters in total]"), "{text}");
        assert_eq!(text.chars().count(), 2_048 + "… [shortened, 3000 characters in total]".chars().count());
        assert_eq!(read["Short"].as_str().unwrap().chars().count(), 2_000);
    }

    #[test]
    fn a_number_that_a_double_would_round_becomes_a_text() {
        for (number, is_text) in [
            ("0", false),
            ("-7", false),
            ("9007199254740991", false),
            ("-9007199254740991", false),
            ("9007199254740993", true),
            ("-9223372036854775808", true),
            ("12.50", false),
            ("0.1", false),
            ("1.5e-7", false),
            ("0.30000000000000004", false),
            ("-612307591973276.2", false),
            ("123456789012345678.91", true),
            ("0.12345678901234567891", true),
        ] {
            let mut out = String::new();
            shorten(&format!(r#"{{"N":{number}}}"#), &mut out);
            let expected = if is_text { format!("\"{number}\"") } else { number.to_owned() };
            assert_eq!(out, format!(r#"{{"N":{expected}}}"#));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,8}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn short_rows_stay_what_they_are(rows in prop::collection::vec(any_json(), 0..6)) {
            let text = serde_json::json!({"value": rows}).to_string();
            let page = page(text.as_bytes()).unwrap();
            prop_assert!(page.is_whole);
            prop_assert_eq!(page.rows.len(), rows.len());
            for row in page.rows {
                let mut out = String::new();
                prop_assert_eq!(shorten(row, &mut out), 0);
                prop_assert_eq!(out, row);
            }
        }
    }
}
