//! Random values that depend on conditions, and values as ones of other types.

use crate::oracle::{Expression, Term, Value};
use crate::requests::{NUMBERS, Requests, expression};
use crate::rows::Class;

impl Requests<'_> {
    /// A value of the class, by one or two conditions.
    pub(crate) fn case(&mut self, class: Class) -> Expression {
        let mut cases = vec![(self.condition(1), self.kept(class))];
        if self.chance(2) {
            let otherwise = Term::Literal("true".to_owned(), Value::Boolean(true));
            let is_last = self.chance(2);
            let condition = if is_last { expression(Class::Boolean, otherwise) } else { self.condition(0) };
            cases.push((condition, self.kept(class)));
        }
        expression(class, Term::Case(cases))
    }

    /// A value that every database has, if it is a time.
    fn kept(&mut self, class: Class) -> Expression {
        let value = self.value(class, 0);
        let is_time = matches!(class, Class::Date | Class::Time | Class::Instant | Class::Duration);
        if is_time && matches!(value.term, Term::Literal(..)) { self.column(class) } else { value }
    }

    /// A number of another class, or a text, as an integer.
    pub(crate) fn whole_cast(&mut self) -> Term {
        let class = if self.chance(4) { Class::String } else { self.one(&NUMBERS) };
        let ty = self.one(&["Byte", "SByte", "Int16", "Int32", "Int64"]);
        Term::Cast(ty, Box::new(self.value(class, 0)))
    }

    /// A column as a text, of those that every database writes alike.
    pub(crate) fn shown(&mut self) -> Term {
        let mut classes =
            vec![Class::Boolean, Class::Integer, Class::Guid, Class::Date, Class::Time, Class::Instant];
        classes.retain(|class| self.has(*class));
        let class = self.one(&classes);
        Term::Cast("String", Box::new(self.column(class)))
    }

    /// A number of a narrower class as a decimal or a double.
    pub(crate) fn fractional_cast(&mut self, class: Class) -> Term {
        let (ty, from) = match class {
            Class::Double => ("Double", self.one(&NUMBERS)),
            _ => ("Decimal", self.one(&NUMBERS[..2])),
        };
        Term::Cast(ty, Box::new(self.value(from, 0)))
    }

    /// The seconds of a duration, which is a literal if the database has no column of durations.
    pub(crate) fn seconds(&mut self) -> Term {
        let value = if self.has(Class::Duration) {
            self.value(Class::Duration, 0)
        } else {
            let literal = Term::Literal("duration'PT1M30.5S'".to_owned(), Value::Duration(90_500_000));
            expression(Class::Duration, literal)
        };
        Term::Call("totalseconds", vec![value])
    }
}
