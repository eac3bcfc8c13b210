//! The printed form of a tree is parsed as the same tree, and the examples of the standard are parsed.

use std::borrow::Cow;
use std::fmt::Write;

use proptest::prelude::*;

use super::expression::Parser;
use super::{Arguments, Binary, Expression, Junction, Literal, Node, Request, Step, Unary};
use crate::instant::Moment;
use crate::literal;
use crate::url::Url;

/// Prints a tree with parentheses around every operator.
fn print(node: &Node<'_>, out: &mut String) {
    match &node.expression {
        Expression::Literal(literal) => print_literal(literal, out),
        Expression::Path(steps) => {
            for (index, step) in steps.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "/" });
                print_step(step, out);
            }
        }
        Expression::Unary(operator, operand) => {
            out.push_str(if *operator == Unary::Not { "(not (" } else { "(- (" });
            print(operand, out);
            out.push_str("))");
        }
        Expression::Binary(operator, left, right) => {
            out.push('(');
            print(left, out);
            write!(out, " {} ", format!("{operator:?}").to_lowercase()).unwrap();
            print(right, out);
            out.push(')');
        }
        Expression::Junction(junction, terms) => {
            out.push('(');
            for (index, term) in terms.iter().enumerate() {
                let word = if *junction == Junction::Or { " or " } else { " and " };
                out.push_str(if index == 0 { "" } else { word });
                print(term, out);
            }
            out.push(')');
        }
        Expression::In(left, right) => {
            out.push('(');
            print(left, out);
            out.push_str(" in ");
            print(right, out);
            out.push(')');
        }
        Expression::List(items) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '(' } else { ',' });
                print(item, out);
            }
            out.push_str(if items.is_empty() { "()" } else { ")" });
        }
        Expression::Object(_) => out.push_str("{}"),
    }
}

fn print_step(step: &Step<'_>, out: &mut String) {
    out.push_str(step.name);
    match &step.arguments {
        None => {}
        Some(Arguments::Call(arguments)) => {
            out.push('(');
            for (index, (name, value)) in arguments.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                if let Some(name) = name {
                    write!(out, "{name}=").unwrap();
                }
                print(value, out);
            }
            out.push(')');
        }
        Some(Arguments::Lambda(variable, predicate)) => {
            write!(out, "({variable}:").unwrap();
            print(predicate, out);
            out.push(')');
        }
        Some(Arguments::Count(filter)) => {
            out.push_str(if filter.is_some() { "($filter=" } else { "(" });
            if let Some(filter) = filter {
                print(filter, out);
            }
            out.push(')');
        }
        Some(Arguments::Cases(cases)) => {
            for (index, (condition, value)) in cases.iter().enumerate() {
                out.push(if index == 0 { '(' } else { ',' });
                print(condition, out);
                out.push(':');
                print(value, out);
            }
            out.push(')');
        }
        Some(Arguments::Options) => out.push_str("()"),
    }
}

fn print_literal(literal: &Literal<'_>, out: &mut String) {
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Boolean(value) => write!(out, "{value}").unwrap(),
        Literal::Integer(value) => write!(out, "{value}").unwrap(),
        Literal::Decimal(text) | Literal::Geo(text) => out.push_str(text),
        Literal::Double(value) if *value == f64::INFINITY => out.push_str("INF"),
        Literal::Double(value) if *value == f64::NEG_INFINITY => out.push_str("-INF"),
        Literal::Double(value) => write!(out, "{value:e}").unwrap(),
        Literal::String(text) => write!(out, "'{}'", text.replace('\'', "''")).unwrap(),
        Literal::Guid(guid) => out.push_str(&literal::guid_text(guid)),
        Literal::Date(date) => write!(out, "{date}").unwrap(),
        Literal::TimeOfDay(clock) => out.push_str(&clock.text()),
        Literal::DateTimeOffset(instant, _) => write!(out, "{}Z", instant.text()).unwrap(),
        Literal::Duration(text) => write!(out, "duration'{text}'").unwrap(),
        Literal::Binary(_) => out.push_str("binary''"),
        Literal::Enum(name, member) => write!(out, "{name}'{member}'").unwrap(),
    }
}

/// Positions differ between a generated tree and a parsed one.
fn forget_places(node: &mut Node<'_>) {
    node.at = 0;
    match &mut node.expression {
        Expression::Literal(_) | Expression::Object(_) => {}
        Expression::Path(steps) => {
            for step in steps {
                step.at = 0;
                match &mut step.arguments {
                    Some(Arguments::Call(arguments)) => {
                        for (_, value) in arguments {
                            forget_places(value);
                        }
                    }
                    Some(Arguments::Lambda(_, predicate) | Arguments::Count(Some(predicate))) => {
                        forget_places(predicate);
                    }
                    Some(Arguments::Cases(cases)) => {
                        for (condition, value) in cases {
                            forget_places(condition);
                            forget_places(value);
                        }
                    }
                    _ => {}
                }
            }
        }
        Expression::Unary(_, operand) => forget_places(operand),
        Expression::Binary(_, left, right) | Expression::In(left, right) => {
            forget_places(left);
            forget_places(right);
        }
        Expression::List(items) | Expression::Junction(_, items) => {
            items.iter_mut().for_each(forget_places);
        }
    }
}

fn literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(Literal::Integer),
        prop::sample::select(vec!["0.50", "-12.3", "99999999999999999999"]).prop_map(Literal::Decimal),
        any::<f64>()
            .prop_filter("NaN differs from itself", |value| !value.is_nan())
            .prop_map(Literal::Double),
        any::<String>().prop_map(|text| Literal::String(Cow::Owned(text))),
        any::<[u8; 16]>().prop_map(Literal::Guid),
        (1..9999_i16, 1..=12_i8, 1..=28_i8)
            .prop_map(|(year, month, day)| { Literal::Date(jiff::civil::date(year, month, day)) }),
        (0..86_399_i64).prop_map(|second| {
            let instant = Moment::since_1970(i128::from(second) * 1_000_000_000_000).unwrap();
            Literal::TimeOfDay(instant.clock())
        }),
        (0..4_000_000_000_000_i64).prop_map(|millisecond| {
            Literal::DateTimeOffset(Moment::since_1970(i128::from(millisecond) * 1_000_000_000).unwrap(), 0)
        }),
        prop::sample::select(vec!["P1D", "-PT1.5S"]).prop_map(Literal::Duration),
        Just(Literal::Enum("Ns.Color", "Red")),
    ]
}

fn here(expression: Expression<'static>) -> Node<'static> {
    Node { at: 0, expression }
}

fn step(name: &'static str, arguments: Option<Arguments<'static>>) -> Step<'static> {
    Step { at: 0, name, arguments }
}

fn node() -> impl Strategy<Value = Node<'static>> {
    let name =
        || prop::sample::select(vec!["Name", "_x", "Größe", "Ns.Func", "$it", "nullable", "eq", "notes"]);
    let leaf = prop_oneof![
        literal().prop_map(|literal| here(Expression::Literal(literal))),
        prop::collection::vec(name(), 1..3).prop_map(|names| {
            here(Expression::Path(names.into_iter().map(|name| step(name, None)).collect()))
        }),
    ];
    leaf.prop_recursive(5, 40, 3, move |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let operator = prop::sample::select(vec![
            Binary::Eq,
            Binary::Ne,
            Binary::Gt,
            Binary::Ge,
            Binary::Lt,
            Binary::Le,
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Div,
            Binary::DivBy,
            Binary::Mod,
        ]);
        let list = prop::collection::vec(inner.clone(), 0..4);
        let junction = prop::sample::select(vec![Junction::Or, Junction::And]);
        prop_oneof![
            (operator, boxed(), boxed())
                .prop_map(|(operator, left, right)| { here(Expression::Binary(operator, left, right)) }),
            (junction, prop::collection::vec(inner.clone(), 2..4))
                .prop_map(|(junction, terms)| here(Expression::Junction(junction, terms))),
            boxed().prop_map(|operand| here(Expression::Unary(Unary::Not, operand))),
            boxed().prop_map(|operand| here(Expression::Unary(Unary::Negate, operand))),
            (boxed(), list.clone()).prop_map(|(left, items)| {
                here(Expression::In(left, Box::new(here(Expression::List(items)))))
            }),
            list.prop_map(|arguments| {
                let arguments = arguments.into_iter().map(|value| (None, value)).collect();
                here(Expression::Path(vec![step("concat", Some(Arguments::Call(arguments)))]))
            }),
            boxed().prop_map(|predicate| {
                let lambda = Arguments::Lambda("x", predicate);
                here(Expression::Path(vec![step("Items", None), step("any", Some(lambda))]))
            }),
            boxed().prop_map(|filter| {
                let count = Arguments::Count(Some(filter));
                here(Expression::Path(vec![step("Items", None), step("$count", Some(count))]))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_the_same_tree(node in node()) {
        let mut text = String::new();
        print(&node, &mut text);
        let mut read = Parser::new(&text, "$filter").whole().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        forget_places(&mut read);
        prop_assert_eq!(read, node, "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        if let Ok(url) = Url::read(&format!("A({text})/B?$filter={text}&$orderby={text}&$select={text}")) {
            drop(Request::parse(&url));
        }
    }
}

/// The precedence of operators is that of the standard's table.
#[test]
fn operators_bind_by_their_precedence() {
    let printed = |text: &str| {
        let mut out = String::new();
        print(&Parser::new(text, "$filter").whole().unwrap(), &mut out);
        out
    };
    assert_eq!(printed("a or b and c eq d add e mul -f"), "(a or (b and (c eq (d add (e mul (- (f)))))))");
    assert_eq!(printed("a sub b sub c"), "((a sub b) sub c)");
    assert_eq!(printed("not a in (1,2) and b"), "((not ((a in (1,2)))) and b)");
    assert_eq!(printed("not contains(a,'x') or b"), "((not (contains(a,'x'))) or b)");
    assert_eq!(printed("a gt b eq c"), "((a gt b) eq c)");
    assert_eq!(printed("a or b and c and d or e"), "(a or (b and c and d) or e)");
    assert_eq!(printed("(a or b) or c"), "((a or b) or c)");
}

#[test]
fn literals_of_the_standard_are_read() {
    for text in [
        "null",
        "TRUE",
        "-9223372036854775808",
        "3.14",
        "1e-3",
        "-INF",
        "INF",
        "NaN",
        "'O''Neil'",
        "2012-09-03",
        "2012-09-03T13:52:00Z",
        "2012-09-03T13:52-03:00",
        "07:59:59.999",
        "duration'P12DT23H59M59.999999999999S'",
        "01234567-89ab-cdef-0123-456789abcdef",
        "binary'T0RhdGE'",
        "geography'SRID=0;Point(142.1 64.1)'",
        "Sales.Pattern'Yellow'",
        "+42",
        "abcdef01-89ab-cdef-0123-456789abcdef",
    ] {
        let node = Parser::new(text, "$filter").whole().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(matches!(node.expression, Expression::Literal(_)), "{text}");
    }
}

#[test]
fn leap_seconds_are_refused_in_words() {
    for text in [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5Z",
        "2017-01-01T00:59:60+01:00",
        "23:59:60",
        "23:59:60.25",
    ] {
        for filter in [format!("at eq {text}"), format!("at in ({text})"), format!("{text} lt at")] {
            let error = Parser::new(&filter, "$filter").whole().unwrap_err();
            assert_eq!(error.code(), "BadLiteral", "{filter}");
            assert!(error.to_string().contains("leap second"), "{filter}: {error}");
        }
    }
    for text in ["2016-12-31T23:59:61Z", "23:60:60", "2016-12-31T23:60:60Z"] {
        let error = Parser::new(text, "$filter").whole().unwrap_err();
        assert!(!error.to_string().contains("leap second"), "{text}: {error}");
    }
}

/// A plus in a query is a space, and many clients send the sign of a time zone or of an exponent unencoded.
#[test]
fn a_bare_plus_is_the_sign_where_the_grammar_has_one() {
    for (bare, signed) in [
        ("at eq 2024-05-01T12:00:00 02:00", "at eq 2024-05-01T12:00:00+02:00"),
        ("at gt 2024-05-01T12:00 00:00 and n lt 1", "at gt 2024-05-01T12:00+00:00 and n lt 1"),
        ("x eq 1e 5", "x eq 1e+5"),
        ("x in (1.5e 3,2)", "x in (1.5e+3,2)"),
    ] {
        let [read, meant] = [bare, signed].map(|text| {
            let node = Parser::new(text, "$filter").whole().unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut printed = String::new();
            print(&node, &mut printed);
            printed
        });
        assert_eq!(read, meant, "{bare}");
    }
    for wrong in ["at eq 2024-05-01 02:00", "x eq 1 5", "at eq 2024-05-01T12:00:00  02:00", "x eq 1e  5"] {
        assert!(Parser::new(wrong, "$filter").whole().is_err(), "{wrong}");
    }
}
