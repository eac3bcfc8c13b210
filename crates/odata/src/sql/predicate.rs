//! Expressions as SQL, with OData's null logic.

use super::Writer;
use crate::bind::typed::{Class, Comparison, Constant, Term, Typed};

impl Writer<'_> {
    /// Writes what is true exactly where the expression is true.
    pub(crate) fn truth(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        match &typed.term {
            Term::Null => self.text("FALSE"),
            Term::And(left, right) => self.joined(" AND ", left, right, Self::truth),
            Term::Or(left, right) => self.joined(" OR ", left, right, Self::truth),
            Term::Not(operand) => self.falsity(operand),
            Term::Compare(comparison, left, right) => self.holds(*comparison, left, right),
            Term::In(operand, list) => self.is_member(operand, list),
            Term::Column(column) => {
                self.column(*column);
                self.text(" = TRUE");
            }
            _ => self.operand(typed),
        }
    }

    /// Writes what is true exactly where the expression is false; where it is null, this is false or null.
    pub(crate) fn falsity(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        match &typed.term {
            Term::Null => self.text("FALSE"),
            Term::And(left, right) => self.joined(" OR ", left, right, Self::falsity),
            Term::Or(left, right) => self.joined(" AND ", left, right, Self::falsity),
            Term::Not(operand) => self.truth(operand),
            Term::Compare(comparison, left, right) => self.fails(*comparison, left, right),
            Term::In(operand, list) => {
                self.text("(");
                self.is_member(operand, list);
                self.text(") IS NOT TRUE");
            }
            Term::Column(column) => {
                self.column(*column);
                self.text(" = FALSE");
            }
            _ => {
                self.text("NOT ");
                self.operand(typed);
            }
        }
    }

    /// Writes the value of an expression, null where it is null.
    pub(crate) fn operand(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        let rules = self.rules;
        match &typed.term {
            Term::Null => self.text("NULL"),
            Term::Constant(Constant::Boolean(value)) => self.text(if *value { "TRUE" } else { "FALSE" }),
            Term::Constant(constant) => self.parameter(rules.value(constant)),
            Term::Column(column) => self.column(*column),
            Term::Negate(operand) => {
                self.text("(-");
                self.operand(operand);
                self.text(")");
            }
            Term::Arithmetic(operator, left, right) => rules.arithmetic(self, *operator, left, right),
            Term::Call(function, arguments) => rules.call(self, *function, arguments),
            // A comparison is never null; its truth may be written so that it is.
            Term::Compare(..) | Term::In(..) => {
                self.text("((");
                self.truth(typed);
                self.text(") IS TRUE)");
            }
            // SQL's logic of three values is OData's.
            Term::And(left, right) => self.joined(" AND ", left, right, Self::operand),
            Term::Or(left, right) => self.joined(" OR ", left, right, Self::operand),
            Term::Not(operand) => {
                self.text("(NOT ");
                self.operand(operand);
                self.text(")");
            }
        }
    }

    fn joined(&mut self, operator: &str, left: &Typed, right: &Typed, write: fn(&mut Self, &Typed)) {
        self.text("(");
        write(self, left);
        self.text(operator);
        write(self, right);
        self.text(")");
    }

    /// Writes what is true exactly where the comparison holds.
    fn holds(&mut self, comparison: Comparison, left: &Typed, right: &Typed) {
        let rules = self.rules;
        if let Some(operand) = beside_null(left, right) {
            return match comparison {
                // Null is at least, at most and equal to null.
                Comparison::Eq | Comparison::Ge | Comparison::Le => self.null_test(operand, " IS NULL"),
                Comparison::Ne => self.null_test(operand, " IS NOT NULL"),
                Comparison::Gt | Comparison::Lt => self.text("FALSE"),
            };
        }
        match comparison {
            Comparison::Ne => self.fails(Comparison::Eq, left, right),
            _ if comparison.holds_between_nulls() && left.nullable && right.nullable => {
                if comparison == Comparison::Eq && self.is_direct(left, right) {
                    return self.joined(rules.null_safe(true), left, right, Self::operand);
                }
                self.text("(");
                rules.compare(self, comparison, left, right);
                self.text(" OR (");
                self.null_test(left, " IS NULL");
                self.text(" AND ");
                self.null_test(right, " IS NULL");
                self.text("))");
            }
            _ => rules.compare(self, comparison, left, right),
        }
    }

    /// Writes what is true exactly where the comparison does not hold.
    fn fails(&mut self, comparison: Comparison, left: &Typed, right: &Typed) {
        let rules = self.rules;
        if let Some(operand) = beside_null(left, right) {
            return match comparison {
                Comparison::Eq | Comparison::Ge | Comparison::Le => self.null_test(operand, " IS NOT NULL"),
                Comparison::Ne => self.null_test(operand, " IS NULL"),
                Comparison::Gt | Comparison::Lt => self.text("TRUE"),
            };
        }
        let direct = self.is_direct(left, right);
        match comparison {
            Comparison::Ne => self.holds(Comparison::Eq, left, right),
            _ if direct && !left.nullable && !right.nullable => {
                rules.compare(self, comparison.negated(), left, right);
            }
            Comparison::Eq if direct => self.joined(rules.null_safe(false), left, right, Self::operand),
            _ => {
                self.text("(");
                self.holds(comparison, left, right);
                self.text(") IS NOT TRUE");
            }
        }
    }

    /// Writes a membership as one list where the items are plain values, else as a chain of comparisons.
    fn is_member(&mut self, operand: &Typed, list: &[Typed]) {
        let rules = self.rules;
        let (plain, others): (Vec<&Typed>, Vec<&Typed>) = list.iter().partition(|item| {
            matches!(item.term, Term::Constant(_))
                && self.is_direct(operand, item)
                && item.class != Class::Boolean
        });
        if list.is_empty() {
            return self.text("FALSE");
        }
        self.text("(");
        if !plain.is_empty() {
            self.operand(operand);
            self.text(" IN (");
            for (index, item) in plain.iter().enumerate() {
                self.text(if index == 0 { "" } else { "," });
                if let Term::Constant(constant) = &item.term {
                    self.parameter(rules.value(constant));
                }
            }
            self.text(")");
        }
        for (index, item) in others.iter().enumerate() {
            self.text(if index == 0 && plain.is_empty() { "" } else { " OR " });
            self.holds(Comparison::Eq, operand, item);
        }
        self.text(")");
    }

    fn null_test(&mut self, operand: &Typed, test: &str) {
        self.operand(operand);
        self.text(test);
    }

    fn is_direct(&self, left: &Typed, right: &Typed) -> bool {
        self.rules.compares_directly(left) && self.rules.compares_directly(right)
    }
}

/// The other operand, if one is the literal null.
fn beside_null<'t>(left: &'t Typed, right: &'t Typed) -> Option<&'t Typed> {
    match (&left.term, &right.term) {
        (_, Term::Null) => Some(left),
        (Term::Null, _) => Some(right),
        _ => None,
    }
}

impl Comparison {
    fn holds_between_nulls(self) -> bool {
        matches!(self, Self::Eq | Self::Ge | Self::Le)
    }

    fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
        }
    }
}
