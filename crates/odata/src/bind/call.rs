//! Calls of functions.

use super::expression::Binder;
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::error::{Error, Reason};
use crate::hint;
use crate::literal;
use crate::statement::Unanswerable;
use crate::syntax::{Arguments, Expression, Literal, Node, Step};
use crate::tree::class::Class;
use crate::tree::function::{self, BoundFunction, Function};
use crate::tree::typed::{Arithmetic, Comparison, Constant, Term, Typed};

/// The earliest and the latest instant that is served.
const INSTANTS: [&str; 2] = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999999Z"];

/// A length of time that every database has: some 30,000 years.
const MOST_PICOSECONDS: i128 = 1_000_000_000_000_000_000_000_000;

impl Binder<'_> {
    pub(super) fn call(&mut self, step: &Step<'_>, arguments: &Arguments<'_>) -> Result<Typed, Error> {
        if function::is_known_unsupported(step.name) || step.name.contains('.') || step.name.starts_with('$')
        {
            return Err(self.unsupported(&format!("the function {}", step.name), step.at));
        }
        let arguments = match arguments {
            Arguments::Call(arguments) => arguments,
            Arguments::Cases(cases) => return self.case(cases),
            _ => return Err(self.unsupported("a lambda operator", step.at)),
        };
        if self.scopes.current().entity_type.navigation(step.name).is_some() {
            return Err(self.unsupported("navigation in an expression", step.at));
        }
        let unknown = || {
            let error = Reason::UnknownFunction(step.name.to_owned()).at(self.target, step.at);
            error.hinting(hint::function(step.name))
        };
        if arguments.iter().any(|(name, _)| name.is_some()) {
            return Err(unknown());
        }
        if let Some(function) = BoundFunction::find(step.name) {
            let arguments: Vec<_> = arguments.iter().map(|(_, argument)| argument).collect();
            return self.bound(function, &arguments, step.at);
        }
        let function = Function::find(step.name).ok_or_else(unknown)?;
        let signature = function.signature();
        if !(signature.required..=signature.accepts.len()).contains(&arguments.len()) {
            let (function, expected) = (function.name(), signature.count());
            return Err(Reason::ArgumentCount { function, expected }.at(self.target, step.at));
        }
        let mut bound = Vec::with_capacity(arguments.len());
        for ((_, argument), accepts) in arguments.iter().zip(signature.accepts) {
            let at = argument.at;
            if let Expression::Literal(Literal::DateTimeOffset(_, offset)) = argument.expression
                && function.depends_on_zone(offset)
            {
                return Err(Reason::OtherZone(function.name().to_owned()).at(self.target, at));
            }
            let argument = self.bind_subject(argument)?;
            bound.push(self.accepted(argument, at, function.name(), |class| accepts.contains(&class))?);
        }
        if bound.iter().any(|argument| argument.class == Class::Null) {
            return Ok(Typed::null());
        }
        if let (Function::Substring, Some(length)) = (function, bound.get(2))
            && length.constant_integer().is_some_and(|length| length < 0)
        {
            let at = arguments[2].1.at;
            return Err(Reason::Unanswerable(Unanswerable::NegativeLength).at(self.target, at));
        }
        if let Some(constant) = bound[0].rounded(function) {
            return Ok(constant);
        }
        if function == Function::TotalSeconds {
            return Ok(total_seconds(bound.remove(0)));
        }
        let class = signature.class.unwrap_or(bound[0].class);
        let nullable = signature.nullable || bound.iter().any(|argument| argument.nullable);
        Ok(Typed { term: Term::Call(function, bound), class, nullable })
    }

    /// Binds the call of a function that no statement calls.
    fn bound(&mut self, function: BoundFunction, arguments: &[&Node<'_>], at: usize) -> Result<Typed, Error> {
        let expected = match function {
            BoundFunction::Now | BoundFunction::MinDateTime | BoundFunction::MaxDateTime => "no argument",
            BoundFunction::TotalOffsetMinutes => "one argument",
            BoundFunction::Case => "conditions with values",
            BoundFunction::Cast | BoundFunction::IsOf => "a value and a type",
        };
        let moment = |text| {
            Ok(literal::date_time_offset(text)
                .map_or_else(Typed::null, |moment| Typed::constant(Constant::DateTimeOffset(moment))))
        };
        match (function, arguments) {
            (BoundFunction::Now, []) => {
                self.used_now = true;
                Ok(Typed::constant(Constant::DateTimeOffset(self.now.into())))
            }
            (BoundFunction::MinDateTime, []) => moment(INSTANTS[0]),
            (BoundFunction::MaxDateTime, []) => moment(INSTANTS[1]),
            (BoundFunction::TotalOffsetMinutes, [instant]) => self.offset(instant),
            (BoundFunction::Cast, [value, ty]) => self.cast(value, ty),
            (BoundFunction::IsOf, [value, ty]) => self.is_of(value, ty),
            (BoundFunction::Cast | BoundFunction::IsOf, [_]) => {
                Err(self.unsupported(&format!("{} of an entity", function.name()), at))
            }
            _ => {
                let function = function.name();
                Err(self.at(Reason::ArgumentCount { function, expected }, at))
            }
        }
    }

    /// Instants are served in UTC; only a literal has another offset.
    fn offset(&mut self, instant: &Node<'_>) -> Result<Typed, Error> {
        let name = BoundFunction::TotalOffsetMinutes.name();
        let minutes = match instant.expression {
            Expression::Literal(Literal::DateTimeOffset(_, seconds)) => i64::from(seconds / 60),
            _ => 0,
        };
        let bound = self.bind_subject(instant)?;
        let bound = self.accepted(bound, instant.at, name, |class| class == Class::DateTimeOffset)?;
        Ok(unless_null(bound, Typed::constant(Constant::Integer(minutes))))
    }

    /// Binds `case`, whose values are of one type, or numbers
    /// ([§5.1.1.5.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_case)).
    fn case(&mut self, cases: &[(Node<'_>, Node<'_>)]) -> Result<Typed, Error> {
        let mut bound = Vec::with_capacity(cases.len());
        for (condition, value) in cases {
            bound.push((self.condition(condition)?, self.bind_subject(value)?));
        }
        let known = |class: &Class| !matches!(class, Class::Null | Class::String);
        let wanted = bound.iter().map(|(_, value)| value.class).find(known);
        let mut class = Class::Null;
        for ((_, value), (_, node)) in bound.iter_mut().zip(cases) {
            if let Some(converted) = wanted.and_then(|class| value.converted(class)) {
                *value = converted;
            }
            class = match (class, value.class) {
                (one, other) if one == other => one,
                (Class::Null, class) | (class, Class::Null) => class,
                (Class::Double, other) | (other, Class::Double) if other.is_numeric() => Class::Double,
                (one, other) if one.is_numeric() && other.is_numeric() => Class::Decimal,
                (one, other) => {
                    let found = format!("{} and {}", one.name(), other.name());
                    return Err(self.mismatch("case", found, node.at));
                }
            };
        }
        if class == Class::Null {
            return Ok(Typed::null());
        }
        for ((_, value), (_, node)) in bound.iter().zip(cases) {
            if !is_kept_everywhere(value) {
                let what = "a time outside of the years 1 to 9999, or with parts of a microsecond, as a value of case";
                return Err(self.unsupported(what, node.at));
            }
        }
        let is_last = |condition: &Typed| matches!(condition.term, Term::Constant(Constant::Boolean(true)));
        let ends = bound.last().is_some_and(|(condition, _)| is_last(condition));
        let nullable = !ends || bound.iter().any(|(_, value)| value.nullable);
        Ok(Typed { term: Term::Case(bound), class, nullable })
    }

    /// The type that an argument names.
    fn type_named(&self, node: &Node<'_>) -> Result<Option<EdmType>, Error> {
        if let Expression::Path(steps) = &node.expression
            && let [Step { name, arguments: None, .. }] = steps.as_slice()
        {
            if name.eq_ignore_ascii_case("Edm.PrimitiveType") {
                return Ok(None);
            }
            if let Some(ty) = EdmType::named(name) {
                return Ok(Some(ty));
            }
        }
        Err(self.unsupported("a type that is not primitive", node.at))
    }

    /// Binds `cast`
    /// ([§5.1.1.10.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_cast)).
    fn cast(&mut self, value: &Node<'_>, ty: &Node<'_>) -> Result<Typed, Error> {
        let Some(target) = self.type_named(ty)? else {
            return Err(self.unsupported("a cast to an abstract type", ty.at));
        };
        let bound = self.bind_subject(value)?;
        let class = Class::from(target);
        if let Some(bounds) = target.whole_bounds()
            && bound.class.is_numeric()
        {
            if bound.class == Class::Integer && bounds == [i64::MIN, i64::MAX] {
                return Ok(bound);
            }
            let term = Term::Whole(Box::new(bound), bounds);
            return Ok(Typed { term, class: Class::Integer, nullable: true });
        }
        let unsupported = || self.unsupported(&format!("a cast to {}", target.name()), ty.at);
        Ok(match (bound.class, class) {
            (Class::Null, _) => bound,
            (Class::Integer, Class::Decimal) => {
                promoted(Arithmetic::Add, bound, Constant::Decimal("0.0".to_owned()))
            }
            (Class::Integer | Class::Decimal, Class::Double) if target == EdmType::Double => {
                promoted(Arithmetic::Mul, bound, Constant::Double(1.0))
            }
            (from, to) if from == to && target != EdmType::Single => bound,
            (_, Class::String) => bound.into_text().ok_or_else(unsupported)?,
            (Class::String, _) => bound.read_as(target).ok_or_else(unsupported)?,
            _ => return Err(unsupported()),
        })
    }

    /// Binds `isof`: whether there is a value, and it is of the type
    /// ([§5.1.1.10.2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_isof)).
    fn is_of(&mut self, value: &Node<'_>, ty: &Node<'_>) -> Result<Typed, Error> {
        let target = self.type_named(ty)?;
        let bound = self.bind_subject(value)?;
        let declared = match bound.term {
            Term::Column(column) => {
                self.scopes.entity_type(column.scan).map(|all| all.properties[column.property].ty)
            }
            _ => None,
        };
        let own = declared.unwrap_or_else(|| bound.class.widest());
        let is = bound.class != Class::Null && target.is_none_or(|target| target.name() == own.name());
        Ok(if is && bound.nullable {
            Typed::compare(Comparison::Ne, bound, Typed::null())
        } else {
            Typed::constant(Constant::Boolean(is))
        })
    }
}

/// Whether every database has the value, if it is a constant that names a time. Beside a column, others are compared by
/// what the database has on either side of them.
fn is_kept_everywhere(value: &Typed) -> bool {
    let Term::Constant(constant) = &value.term else { return true };
    match constant {
        Constant::Date(date) => date.year() > 0,
        Constant::TimeOfDay(clock) => !clock.is_finer_than_microseconds(),
        Constant::DateTimeOffset(moment) => {
            moment.date().year() > 0 && !moment.clock().is_finer_than_microseconds()
        }
        Constant::Duration(text) => Duration::read(text).is_some_and(|duration| {
            let picoseconds = duration.picoseconds();
            picoseconds % 1_000_000 == 0 && picoseconds.abs() < MOST_PICOSECONDS
        }),
        _ => true,
    }
}

/// The value, unless this operand is null.
fn unless_null(operand: Typed, value: Typed) -> Typed {
    match (operand.class, operand.nullable) {
        (Class::Null, _) => Typed::null(),
        (_, false) => value,
        (_, true) => {
            let class = value.class;
            let present = Typed::compare(Comparison::Ne, operand, Typed::null());
            Typed { term: Term::Case(vec![(present, value)]), class, nullable: true }
        }
    }
}

/// A number as one of the class of a constant that changes nothing.
fn promoted(operator: Arithmetic, number: Typed, neutral: Constant) -> Typed {
    let (class, nullable) = (neutral.class(), number.nullable);
    let term = Term::Arithmetic(operator, Box::new(number), Box::new(Typed::constant(neutral)));
    Typed { term, class, nullable }
}

/// The seconds of a duration. Those of constants are constants, because not every database has durations.
fn total_seconds(duration: Typed) -> Typed {
    let (class, nullable) = (Class::Decimal, duration.nullable);
    match duration.term {
        Term::Null => Typed::null(),
        Term::Constant(Constant::Duration(text)) => match Duration::read(&text) {
            Some(duration) => Typed::constant(Constant::Decimal(duration.seconds())),
            None => Typed::null(),
        },
        Term::Case(cases) => {
            let cases = cases.into_iter().map(|(condition, value)| (condition, total_seconds(value)));
            Typed { term: Term::Case(cases.collect()), class, nullable }
        }
        _ => Typed { term: Term::Call(Function::TotalSeconds, vec![duration]), class, nullable: true },
    }
}
