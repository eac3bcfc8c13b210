//! Random expressions and requests.

use std::fmt::Write as _;

use testkit::Random;

use crate::decimal::Decimal;
use crate::oracle::{Expression, Term, Value};
use crate::rows::{Class, Sample};

const CLASSES: [Class; 11] = [
    Class::Boolean,
    Class::Integer,
    Class::Decimal,
    Class::Double,
    Class::String,
    Class::Guid,
    Class::Binary,
    Class::Date,
    Class::Time,
    Class::Instant,
    Class::Duration,
];

/// The classes that have an order.
pub(crate) const ORDERED: [Class; 8] = [
    Class::Boolean,
    Class::Integer,
    Class::Decimal,
    Class::Double,
    Class::String,
    Class::Date,
    Class::Time,
    Class::Instant,
];

pub(crate) const NUMBERS: [Class; 3] = [Class::Integer, Class::Decimal, Class::Double];

/// Makes expressions over a sample.
pub(crate) struct Requests<'s> {
    sample: &'s Sample,
    /// The classes that it has columns of.
    classes: Vec<Class>,
    /// Whether the next literals have few digits.
    has_small_literals: bool,
    pub(crate) random: Random,
}

/// A request for a set, with what it asks for.
pub(crate) struct Request {
    pub(crate) filter: Option<Expression>,
    pub(crate) order: Vec<(Expression, bool)>,
    pub(crate) top: Option<usize>,
    pub(crate) skip: usize,
}

impl Request {
    pub(crate) fn url(&self) -> String {
        let mut url = "/T?$select=id".to_owned();
        if let Some(filter) = &self.filter {
            write!(url, "&$filter={}", encoded(&filter.to_string())).unwrap();
        }
        for (index, (term, descending)) in self.order.iter().enumerate() {
            url.push_str(if index == 0 { "&$orderby=" } else { "," });
            url.push_str(&encoded(&term.to_string()));
            url.push_str(if *descending { "%20desc" } else { "" });
        }
        if let Some(top) = self.top {
            write!(url, "&$top={top}").unwrap();
        }
        if self.skip > 0 {
            write!(url, "&$skip={}", self.skip).unwrap();
        }
        url
    }
}

/// Percent-encodes everything that is not a letter or a digit.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

pub(crate) fn expression(class: Class, term: Term) -> Expression {
    Expression { class, term }
}

impl<'s> Requests<'s> {
    pub(crate) fn new(sample: &'s Sample, seed: u64) -> Self {
        let has = |class: &Class| sample.columns.iter().any(|column| column.class == *class);
        let classes = CLASSES.into_iter().filter(has).collect();
        Self { sample, classes, has_small_literals: false, random: Random::new(seed) }
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.place(of.len())]
    }

    pub(crate) fn has(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }

    pub(crate) fn class(&mut self) -> Class {
        self.classes[self.random.place(self.classes.len())]
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    pub(crate) fn request(&mut self) -> Request {
        let filter = (!self.chance(6)).then(|| self.condition(3));
        let terms = self.random.below(3);
        let order = (0..terms).map(|_| (self.term_of_order(), self.chance(2))).collect();
        let top = self.chance(4).then(|| self.random.place(30));
        let skip = if self.chance(4) { self.random.place(20) } else { 0 };
        Request { filter, order, top, skip }
    }

    /// An expression that is not the same for all rows, because a constant orders nothing.
    fn term_of_order(&mut self) -> Expression {
        let class = self.class();
        let computed = self.chance(3).then(|| self.computed(class, 1));
        computed.filter(Expression::has_column).unwrap_or_else(|| self.column(class))
    }

    pub(crate) fn column(&mut self, class: Class) -> Expression {
        let columns = &self.sample.columns;
        let fitting: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].class == class).collect();
        let index = self.one(&fitting);
        expression(class, Term::Column(columns[index].name, index))
    }

    /// A Boolean expression.
    pub(crate) fn condition(&mut self, depth: u32) -> Expression {
        let boolean = |term| expression(Class::Boolean, term);
        if depth == 0 {
            return self.comparison(0);
        }
        match self.random.below(12) {
            0 | 1 => boolean(Term::And(self.conditions(depth))),
            2 | 3 => boolean(Term::Or(self.conditions(depth))),
            4 => boolean(Term::Not(Box::new(self.condition(depth - 1)))),
            5 => self.column(Class::Boolean),
            6 => {
                let name = self.one(&["contains", "startswith", "endswith"]);
                boolean(Term::Call(name, vec![self.value(Class::String, 1), self.value(Class::String, 0)]))
            }
            7 | 8 => {
                let class = self.classes[1 + self.random.place(self.classes.len() - 1)];
                let operand = self.value(class, 1);
                let most = if self.chance(5) { 14 } else { 3 };
                let count = 1 + self.random.place(most);
                let items = (0..count).map(|_| self.item(class)).collect();
                boolean(Term::In(Box::new(operand), items))
            }
            _ => self.comparison(depth - 1),
        }
    }

    fn conditions(&mut self, depth: u32) -> Vec<Expression> {
        let count = 2 + self.random.below(2);
        (0..count).map(|_| self.condition(depth - 1)).collect()
    }

    /// An item of a list.
    fn item(&mut self, class: Class) -> Expression {
        match self.random.below(8) {
            0 => expression(class, Term::Null),
            1 => self.column(class),
            2 if NUMBERS.contains(&class) => {
                let class = self.one(&NUMBERS);
                self.literal(class)
            }
            _ => self.literal(class),
        }
    }

    fn comparison(&mut self, depth: u32) -> Expression {
        let class = self.class();
        let is_ordered = ORDERED.contains(&class) && !self.chance(3);
        let operator = if is_ordered { self.one(&["gt", "ge", "lt", "le"]) } else { self.one(&["eq", "ne"]) };
        let other = if NUMBERS.contains(&class) { self.one(&NUMBERS) } else { class };
        let left = self.value(class, depth);
        let right = if self.chance(3) { self.value(other, depth) } else { self.literal(other) };
        let (left, right) = if self.chance(4) { (right, left) } else { (left, right) };
        expression(Class::Boolean, Term::Compare(operator, Box::new(left), Box::new(right)))
    }

    pub(crate) fn value(&mut self, class: Class, depth: u32) -> Expression {
        match self.random.below(16) {
            0 => expression(class, Term::Null),
            1 | 2 => self.literal(class),
            3..8 if depth > 0 => self.computed(class, depth - 1),
            _ => self.column(class),
        }
    }

    /// A call or an operation, where there is one for the class.
    pub(crate) fn computed(&mut self, class: Class, depth: u32) -> Expression {
        if self.chance(8) {
            return self.case(class);
        }
        let term = match class {
            Class::Boolean => return self.condition(depth.min(1)),
            Class::Integer => self.integer(depth),
            Class::Decimal | Class::Double => self.fractional(class, depth),
            Class::String => self.text(depth),
            Class::Date => Term::Call("date", vec![self.column(Class::Instant)]),
            Class::Time => Term::Call("time", vec![self.column(Class::Instant)]),
            Class::Guid | Class::Binary | Class::Instant | Class::Duration => return self.column(class),
        };
        expression(class, term)
    }

    fn integer(&mut self, depth: u32) -> Term {
        match self.random.below(7) {
            6 => self.whole_cast(),
            0 => Term::Call("length", vec![self.value(Class::String, depth)]),
            1 => Term::Call("indexof", vec![self.value(Class::String, depth), self.value(Class::String, 0)]),
            2 => {
                let (class, names): (_, &[&str]) = match self.random.below(3) {
                    0 => (Class::Date, &["year", "month", "day"]),
                    1 => (Class::Time, &["hour", "minute", "second"]),
                    _ => (Class::Instant, &["year", "month", "day", "hour", "minute", "second"]),
                };
                let is_literal = class != Class::Date && self.chance(6);
                let operand = if is_literal { self.literal(class) } else { self.column(class) };
                Term::Call(self.one(names), vec![operand])
            }
            3 => Term::Negate(Box::new(self.column(Class::Integer))),
            _ => {
                let operator = self.one(&["add", "sub", "mul", "div", "mod"]);
                let left = self.value(Class::Integer, depth);
                let right = match operator {
                    "div" | "mod" if !self.chance(4) => whole("7"),
                    "div" | "mod" => self.column(Class::Integer),
                    _ => self.value(Class::Integer, 0),
                };
                Term::Arithmetic(operator, Box::new(left), Box::new(right))
            }
        }
    }

    fn fractional(&mut self, class: Class, depth: u32) -> Term {
        match self.random.below(5) {
            3 if class == Class::Decimal && self.chance(2) => self.seconds(),
            3 => self.fractional_cast(class),
            0 => Term::Call(self.one(&["round", "floor", "ceiling"]), vec![self.value(class, depth)]),
            1 => Term::Negate(Box::new(self.value(class, depth))),
            2 if class == Class::Decimal => {
                let of = self.one(&[Class::Time, Class::Instant]);
                Term::Call("fractionalseconds", vec![self.value(of, 0)])
            }
            _ => {
                let operators: &[&str] = match class {
                    Class::Double => &["add", "sub", "mul", "div", "divby"],
                    _ => &["add", "sub", "mul"],
                };
                let operator = self.one(operators);
                let other = self.one(if class == Class::Double { &NUMBERS } else { &NUMBERS[..2] });
                let outer = self.has_small_literals;
                self.has_small_literals |= class == Class::Decimal && self.sample.decimals_are_doubles;
                let (left, right) = (self.value(class, depth), self.value(other, 0));
                self.has_small_literals = outer;
                Term::Arithmetic(operator, Box::new(left), Box::new(right))
            }
        }
    }

    fn text(&mut self, depth: u32) -> Term {
        match self.random.below(6) {
            5 => self.shown(),
            0 | 1 => {
                Term::Call(self.one(&["tolower", "toupper", "trim"]), vec![self.value(Class::String, depth)])
            }
            2 => Term::Call("concat", vec![self.value(Class::String, depth), self.value(Class::String, 0)]),
            _ => {
                let mut arguments =
                    vec![self.value(Class::String, depth), self.place(&["0", "1", "-2", "99"])];
                if self.chance(2) {
                    arguments.push(self.place(&["0", "1", "2", "9223372036854775807"]));
                }
                Term::Call("substring", arguments)
            }
        }
    }

    /// A number of characters.
    fn place(&mut self, literals: &[&'static str]) -> Expression {
        if self.chance(4) {
            return self.column(Class::Integer);
        }
        let text = self.one(literals);
        whole(text)
    }

    /// A literal: often a value that is stored.
    pub(crate) fn literal(&mut self, class: Class) -> Expression {
        let mut literals = literals(class);
        literals.retain(|(text, _)| !self.has_small_literals || text.len() <= 15);
        if (literals.is_empty() || !self.chance(3))
            && let Term::Column(_, index) = self.column(class).term
            && let [_, ..] = self.sample.columns[index].samples[..]
        {
            let (_, value) = self.one_sample(index);
            if let Some(text) = written(class, &value) {
                return expression(class, Term::Literal(text, value));
            }
        }
        match &literals[..] {
            [] => expression(class, Term::Null),
            literals => {
                let (text, value) = literals[self.random.place(literals.len())].clone();
                expression(class, Term::Literal(text, value))
            }
        }
    }

    fn one_sample(&mut self, index: usize) -> (String, Value) {
        let samples = &self.sample.columns[index].samples;
        samples[self.random.place(samples.len())].clone()
    }
}

pub(crate) fn whole(text: &str) -> Expression {
    let value = Value::Number(Decimal::read(text).unwrap());
    expression(Class::Integer, Term::Literal(text.to_owned(), value))
}

/// The literal of a value; `None` for null, and for a number that would be one of another class.
fn written(class: Class, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Boolean(value) => Some(value.to_string()),
        Value::Number(number) => match (class, number.text()) {
            (Class::Integer, text) => number.integer().map(|_| text),
            (_, text) => text.contains('.').then_some(text),
        },
        Value::Double(value) if value.is_nan() => Some("NaN".to_owned()),
        Value::Double(value) if value.is_infinite() => {
            Some(if *value > 0.0 { "INF" } else { "-INF" }.to_owned())
        }
        Value::Double(value) => Some(format!("{value:e}")),
        Value::Binary(bytes) => Some(format!("binary'{}'", if bytes.is_empty() { "" } else { "AP8" })),
        Value::Duration(microseconds) => {
            let sign = if *microseconds < 0 { "-" } else { "" };
            let length = microseconds.unsigned_abs();
            Some(format!("duration'{sign}PT{}.{:06}S'", length / 1_000_000, length % 1_000_000))
        }
        Value::Text(text) => Some(match class {
            Class::String => format!("'{}'", text.replace('\'', "''")),
            Class::Instant => format!("{text}Z"),
            _ => text.clone(),
        }),
    }
}

/// Literals that no column contains: between the values that servers keep, and beyond them.
fn literals(class: Class) -> Vec<(String, Value)> {
    let number = |text: &str| (text.to_owned(), Value::Number(Decimal::read(text).unwrap()));
    let double = |value: f64| (written(Class::Double, &Value::Double(value)).unwrap(), Value::Double(value));
    let text = |written: &str, value: &str| (written.to_owned(), Value::Text(value.to_owned()));
    let duration = |written: &str, microseconds| (written.to_owned(), Value::Duration(microseconds));
    match class {
        Class::Integer => vec![number("0"), number("3"), number("-9223372036854775808")],
        Class::Decimal => vec![
            number("0.5"),
            number("-0.10"),
            number("2.5000000000000000001"),
            number("9007199254740992.5"),
        ],
        Class::Double => {
            vec![
                double(1.0),
                double(0.25),
                double(1e19),
                double(9_007_199_254_740_992.0),
                double(1e39),
                double(0.1),
            ]
        }
        Class::String => vec![
            text("'a\0b'", "a\0b"),
            text("'ab '", "ab "),
            text("'%'", "%"),
            text("'_'", "_"),
            text("'\\'", "\\"),
            text("'O'''", "O'"),
            text("'12'", "12"),
            text("'-7'", "-7"),
            text("'+300'", "+300"),
        ],
        Class::Date => {
            vec![text("-0044-03-15", "-"), text("0000-01-01", "0000-01-01"), text("2024-03-01", "2024-03-01")]
        }
        Class::Time => vec![
            text("12:30:15.5000001", "12:30:15.5000001"),
            text("23:59:59.9999999", "23:59:59.9999999"),
            text("12:30", "12:30:00"),
        ],
        Class::Instant => vec![
            text("2024-05-01T10:00:00.5000005Z", "2024-05-01T10:00:00.5000005"),
            text("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999"),
            text("0000-01-01T00:00:00.0000001Z", "0000-01-01T00:00:00.0000001"),
            text("2024-05-01T12:00:00.5+02:00", "2024-05-01T10:00:00.5"),
        ],
        Class::Duration => vec![
            duration("duration'P1D'", 86_400_000_000),
            duration("duration'PT0.0000001S'", -7),
            duration("duration'P999999999999999D'", -8),
        ],
        Class::Boolean => {
            vec![("true".to_owned(), Value::Boolean(true)), ("false".to_owned(), Value::Boolean(false))]
        }
        Class::Guid => {
            vec![text("ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff")]
        }
        Class::Binary => vec![("binary'AA'".to_owned(), Value::Binary(vec![0]))],
    }
}
