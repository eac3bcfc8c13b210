//! Tests of division by zero, infinities, NaN, and integers compared with decimals.

use odata::edm_type::EdmType;

use crate::database::{Database, table};

/// The largest integer whose neighbours share one floating-point number.
const BIG: i64 = 9_007_199_254_740_993;

fn database() -> Database {
    let columns = [
        ("id", EdmType::Int64, false),
        ("big", EdmType::Int64, true),
        ("price", EdmType::Decimal { precision: Some(10), scale: Some(2) }, true),
        ("weight", EdmType::Double, true),
        ("zero", EdmType::Int64, true),
        ("name", EdmType::String { max_length: None }, true),
    ];
    let sql = format!(
        "CREATE TABLE T (id INTEGER PRIMARY KEY, big INTEGER, price DECIMAL(10,2), weight REAL, zero INTEGER, name TEXT);
         INSERT INTO T VALUES (1, {BIG}, 10, 2.5, 0, 'abc'), (2, {}, -7.5, -2.5, 1, 'b'), (3, 9223372036854775807, 0, 0, 2, ''),
           (4, -9223372036854775808, NULL, NULL, NULL, NULL), (5, NULL, 0.3, 1e300, 5, 'x')",
        BIG - 1
    );
    Database::new(&sql, vec![table("T", &columns, &["id"])])
}

#[test]
fn numbers_divide_and_compare_as_the_standard_says() {
    let database = database();
    let cases: &[(&str, &[i64])] = &[
        // A division with a null operand is null, whatever the divisor.
        ("null div 0 eq null", &[1, 2, 3, 4, 5]),
        ("weight div 0 eq INF", &[1, 5]),
        ("weight div 0 eq -INF", &[2]),
        ("weight div 0 eq null", &[4]),
        ("weight div 0 ne null", &[1, 2, 3, 5]),
        ("weight div 0 eq weight div 0", &[1, 2, 4, 5]),
        ("weight div 0 ne weight div 0", &[3]),
        ("weight div 0 ge 0", &[1, 5]),
        ("not (weight div 0 ge 0)", &[2, 3, 4]),
        ("-(weight div 0) eq -INF", &[1, 5]),
        ("id divby 0 eq INF", &[1, 2, 3, 4, 5]),
        ("price divby 0 eq -INF", &[2]),
        ("price divby 0 eq null", &[4]),
        ("round(price divby 0) ne null", &[1, 2, 3, 5]),
        ("1.5e0 div 0.0 eq INF and 0e0 div 0e0 ne 0", &[1, 2, 3, 4, 5]),
        ("weight eq NaN", &[]),
        ("weight ne NaN", &[1, 2, 3, 4, 5]),
        ("NaN eq NaN", &[]),
        ("weight in (NaN,2.5)", &[1]),
        // A term before one that would fail guards it.
        ("zero ne 0 and 10 div zero gt 4", &[2, 3]),
        ("zero eq 0 or 10 mod zero eq 0", &[1, 2, 3, 5]),
        ("not (zero eq 0 or 10 div zero le 4)", &[2, 3, 4]),
        ("(zero gt 0 and 10 div zero gt 4) eq true", &[2, 3]),
        ("zero gt 0 and id lt 9 and (big mod zero eq 0 or 10 div zero eq 2)", &[2, 5]),
        // Integers compared with decimals are exact.
        ("big eq 9007199254740993.0", &[1]),
        ("big eq 9007199254740993", &[1]),
        ("9007199254740992.00 eq big", &[2]),
        ("big in (9007199254740993.0,1.5)", &[1]),
        ("big gt 9007199254740992.5", &[1, 3]),
        ("big ge 9007199254740992.5", &[1, 3]),
        ("big lt 9007199254740992.5", &[2, 4]),
        ("9007199254740992.5 gt big", &[2, 4]),
        ("big eq 1.5", &[]),
        ("big ne 1.5", &[1, 2, 3, 4, 5]),
        ("big lt 9223372036854775808", &[1, 2, 3, 4]),
        ("big le 9223372036854775807", &[1, 2, 3, 4]),
        ("big gt -9223372036854775808", &[1, 2, 3]),
        ("big ge 99999999999999999999.9", &[]),
        ("not (big lt 99999999999999999999.9)", &[5]),
        ("big gt -99999999999999999999.9", &[1, 2, 3, 4]),
        ("big add 0.0 eq 9007199254740993", &[1]),
        ("big sub 1.0 eq 9007199254740992.0", &[1]),
        // Rounding at the ends of the range.
        ("floor(big) eq big and round(big) eq big and ceiling(big) eq big", &[1, 2, 3, 4, 5]),
        ("floor(weight) eq 1e300", &[5]),
        ("round(weight div 0) eq INF", &[1, 5]),
        ("ceiling(INF) eq INF and floor(-INF) eq -INF", &[1, 2, 3, 4, 5]),
        ("round(price) eq -8", &[2]),
        ("floor(9223372036854775807.5) ge 9.2e18", &[1, 2, 3, 4, 5]),
        ("price mod 0.1 eq 0", &[1, 2, 3, 5]),
        ("big div -1 lt 0", &[1, 2, 3]),
        ("substring(name,5) eq ''", &[1, 2, 3, 5]),
        ("substring(name,0,zero) eq 'b'", &[2]),
    ];
    for (filter, expected) in cases {
        assert_eq!(database.ids(&format!("T?$filter={filter}")), *expected, "{filter}");
    }
}

#[test]
fn no_decimal_equals_a_literal_with_more_digits_than_its_scale() {
    let database = database();
    let cases: &[(&str, &[i64])] = &[
        ("price eq 0.3000000000000000000001", &[]),
        ("price ne 0.3000000000000000000001", &[1, 2, 3, 4, 5]),
        ("not (price eq 0.3000000000000000000001)", &[1, 2, 3, 4, 5]),
        ("price ge 0.3000000000000000000001", &[1]),
        ("price gt 0.2999999999999999999999", &[1, 5]),
        ("price lt 0.3000000000000000000001", &[2, 3, 5]),
        ("0.3000000000000000000001 gt price", &[2, 3, 5]),
        ("price gt -7.5000000000000000000001", &[1, 2, 3, 5]),
        ("price le -7.5000000000000000000001", &[]),
        ("price in (0.3000000000000000000001,10)", &[1]),
        ("price eq 0.30000000000000000000", &[5]),
        ("price eq 0.3000000000000000000001 or price eq 10 or price eq 0.3", &[1, 5]),
    ];
    for (filter, expected) in cases {
        assert_eq!(database.ids(&format!("T?$filter={filter}")), *expected, "{filter}");
    }
}

/// 1 is above 2^53, 2 is 2^53, 3 and 4 are the ends of the range, and 5 is null.
#[test]
fn a_sum_with_a_fraction_is_between_two_integers_whatever_their_size() {
    let database = database();
    let all: &[i64] = &[1, 2, 3, 4, 5];
    let known = &all[..4];
    let cases: &[(&str, &[i64])] = &[
        ("big sub 0.5 lt big", known),
        ("big sub 0.5 le big", all),
        ("big sub 0.5 gt big", &[]),
        ("big sub 0.5 ge big", &[5]),
        ("big sub 0.5 eq big", &[5]),
        ("big sub 0.5 ne big", known),
        ("big add 0.5 gt big", known),
        ("big add 0.5 ge big", all),
        ("0.5 add big le big", &[5]),
        ("big add -0.5 lt big", known),
        ("not (big add 0.5 gt big)", &[5]),
        ("big lt big add 0.5", known),
        ("big ge big sub 0.5", all),
        ("big add 0.5 gt 9223372036854775807", &[3]),
        ("big sub 0.5 lt -9223372036854775808", &[4]),
        ("big add 0.5 eq 9007199254740993", &[]),
        ("id add 0.5 eq id", &[]),
        ("id add 0.5 ne big", all),
        ("id add 0.5 le zero", &[]),
        ("id sub 0.5 le zero", &[5]),
        ("id sub 0.5 ge zero", &[1, 2, 3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(database.ids(&format!("T?$filter={filter}")), *expected, "{filter}");
    }
}

#[test]
fn a_row_without_an_answer_fails_the_request() {
    let database = database();
    for filter in ["10 div zero eq 1", "id mod zero eq 1", "weight mod zero eq 1", "price div zero eq 1"] {
        assert_eq!(database.failure(&format!("T?$filter={filter}")), "the query divides by zero", "{filter}");
    }
    let negative = "the length of a substring is negative";
    assert_eq!(database.failure("T?$filter=substring(name,0,zero sub 1) eq ''"), negative);
    assert_eq!(database.failure("T?$orderby=10 div zero"), "the query divides by zero");
}

#[test]
fn pages_ordered_by_what_is_no_number_repeat_and_lose_nothing() {
    let database = database();
    for order in ["weight div 0", "weight div 0 desc", "price divby 0,id desc"] {
        let url = format!("T?$select=id&$orderby={order}");
        let whole = database.ids(&url);
        let (mut walked, mut position) = (Vec::new(), None);
        loop {
            let url = if position.is_some() { format!("{url}&$skiptoken=x") } else { url.clone() };
            let odata::plan::Plan::Entities(query) = database.plan(&url, 1, position).unwrap() else {
                panic!()
            };
            let (body, next) = database.page(&query);
            walked.extend(crate::database::ids(&body));
            position = next;
            if position.is_none() {
                break;
            }
        }
        assert_eq!(walked, whole, "{order}");
        assert_eq!(walked.len(), 5, "{order}");
    }
}
