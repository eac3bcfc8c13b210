//! Aggregation methods, as the standard describes them.

use super::{Derived, Named};
use crate::decimal::Decimal;
use crate::oracle::{Value, in_order};
use crate::rows::Class;

pub(super) const METHODS: [&str; 5] = ["sum", "min", "max", "average", "countdistinct"];

/// An aggregated value.
#[derive(Clone)]
pub(super) struct Aggregate {
    pub(super) text: String,
    named: Named,
    method: &'static str,
    operand: usize,
}

/// Whether a method applies to a class.
pub(super) fn applies(method: &str, class: Class) -> bool {
    let is_number = matches!(class, Class::Integer | Class::Decimal | Class::Double);
    match method {
        "sum" | "average" => is_number,
        "min" | "max" => {
            is_number || matches!(class, Class::String | Class::Date | Class::Time | Class::Instant)
        }
        _ => true,
    }
}

impl Aggregate {
    pub(super) fn count(name: &'static str) -> Self {
        let named = Named { name, class: Class::Decimal, exact: true };
        Self { text: format!("$count as {name}"), named, method: "$count", operand: 0 }
    }

    pub(super) fn of(name: &'static str, method: &'static str, of: &Named, operand: usize) -> Self {
        let class = match method {
            "sum" if of.class == Class::Double => Class::Double,
            "average" => Class::Double,
            "sum" | "countdistinct" => Class::Decimal,
            _ => of.class,
        };
        let exact = class != Class::Double && (of.exact || method != "countdistinct");
        let text = format!("{} with {method} as {name}", of.name);
        Self { text, named: Named { name, class, exact }, method, operand }
    }

    pub(super) fn named(self) -> Named {
        self.named
    }

    /// The value for the rows of a group; `None` if it is beyond what this can express.
    pub(super) fn value(&self, rows: &[Derived]) -> Option<Value> {
        let number = |count: usize| Value::Number(Decimal::whole(count as i128));
        if self.method == "$count" {
            return Some(number(rows.len()));
        }
        let values = rows.iter().map(|row| &row.values[self.operand]);
        let values: Vec<&Value> = values.filter(|value| !matches!(value, Value::Null)).collect();
        let extreme = |is_better: fn(std::cmp::Ordering) -> bool| {
            let better = |best: &'_ Value, value: &'_ Value| is_better(in_order(value, best));
            let mut found: Option<&Value> = None;
            for value in &values {
                if found.is_none_or(|best| better(best, value)) {
                    found = Some(value);
                }
            }
            found.cloned().unwrap_or(Value::Null)
        };
        match self.method {
            "countdistinct" => {
                let mut distinct: Vec<&Value> = Vec::new();
                for value in values {
                    if !distinct.iter().any(|other| in_order(other, value).is_eq()) {
                        distinct.push(value);
                    }
                }
                Some(number(distinct.len()))
            }
            "min" => Some(extreme(std::cmp::Ordering::is_lt)),
            "max" => Some(extreme(std::cmp::Ordering::is_gt)),
            method => total(&values, method == "average"),
        }
    }
}

/// The sum or the average.
fn total(values: &[&Value], average: bool) -> Option<Value> {
    if values.is_empty() {
        return Some(Value::Null);
    }
    let mut exact = Decimal::whole(0);
    let mut double: Option<f64> = None;
    for value in values {
        match value {
            Value::Number(number) => exact = exact.add(*number)?,
            // The sum of very different doubles depends on their order.
            Value::Double(value) if value.abs() < 1e100 => *double.get_or_insert(0.0) += value,
            _ => return None,
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few rows")]
    let count = values.len() as f64;
    Some(match (double, average) {
        (Some(sum), false) => Value::Double(sum),
        (Some(sum), true) => Value::Double(sum / count),
        (None, true) => Value::Double(exact.double() / count),
        // SQLite refuses an integer beyond 64 bits.
        (None, false) => Value::Number(exact),
    })
}
