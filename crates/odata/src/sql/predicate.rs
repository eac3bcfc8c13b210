//! Expressions as SQL, with OData's null logic.

mod case;
mod list;
mod related;

use super::Writer;
use crate::tree::function::Function;
use crate::tree::typed::{Comparison, Constant, Failing, Term, Typed};

const IS_NULL: &str = " IS NULL";
const IS_NOT_NULL: &str = " IS NOT NULL";

impl Writer<'_> {
    /// Writes an expression that is true exactly if the predicate is true.
    pub(crate) fn truth(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        match &typed.term {
            Term::Null => self.boolean(false),
            Term::And(terms) => self.all(terms, Self::truth),
            Term::Or(terms) => self.any(terms, Self::truth),
            Term::Not(operand) => self.falsity(operand),
            Term::Compare(comparison, left, right) => self.holds(*comparison, left, right),
            Term::In(operand, list) => self.is_member(operand, list),
            Term::Untrue(operand) => self.is_not_true(operand),
            Term::Exists(related) => related::exists(self, related),
            Term::Column(column) => self.rules.is(self, *column, true),
            Term::Call(Function::StartsWith, arguments) if self.rules.begins(self, arguments) => {}
            _ => self.operand(typed),
        }
    }

    /// Writes an expression that is true exactly if the predicate is false; if the predicate is null, it is
    /// false or null.
    pub(crate) fn falsity(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        match &typed.term {
            Term::Null => self.boolean(false),
            Term::And(terms) => self.any(terms, Self::falsity),
            Term::Or(terms) => self.all(terms, Self::falsity),
            Term::Not(operand) | Term::Untrue(operand) => self.truth(operand),
            Term::Compare(comparison, left, right) => self.fails(*comparison, left, right),
            Term::In(..) => self.is_not_true(typed),
            Term::Column(column) => self.rules.is(self, *column, false),
            _ => {
                self.text("NOT ");
                self.operand(typed);
            }
        }
    }

    /// Writes the value of an expression, which is null if the expression is.
    pub(crate) fn operand(&mut self, typed: &Typed) {
        if self.is_full() {
            return;
        }
        let rules = self.rules;
        match &typed.term {
            Term::Null => self.text("NULL"),
            Term::Constant(constant) => self.constant(constant),
            Term::Column(column) => rules.column(self, *column),
            Term::Stored(column) => rules.stored(self, *column),
            Term::Negate(operand) => rules.negate(self, operand),
            Term::Arithmetic(operator, left, right) => rules.arithmetic(self, *operator, left, right),
            Term::Call(function, arguments) => rules.call(self, *function, arguments),
            Term::Case(cases) => self.case(cases),
            Term::Whole(operand, bounds) => rules.whole(self, operand, *bounds),
            Term::Cast(operand, cast) => rules.cast(self, operand, *cast),
            // A comparison is never null, but the expression for its truth may be.
            Term::Compare(..) | Term::In(..) | Term::Untrue(_) => {
                self.text("((");
                self.truth(typed);
                self.text(")");
                self.text(rules.is_true(true));
                self.text(")");
            }
            Term::And(_) | Term::Or(_) if !typed.nullable => {
                self.text("(");
                self.truth(typed);
                self.text(rules.is_true(true));
                self.text(")");
            }
            // SQL's three-valued logic is that of OData.
            Term::And(terms) => self.values(" AND ", terms),
            Term::Or(terms) => self.values(" OR ", terms),
            Term::Not(operand) => {
                self.text("(NOT ");
                self.operand(operand);
                self.text(")");
            }
            Term::Count(related) => related::count(self, related),
            Term::Exists(related) => {
                self.text("(");
                related::exists(self, related);
                self.text(")");
            }
            Term::Value(related, value) => related::value(self, related, value),
        }
    }

    /// Writes an expression that is true exactly if the predicate is false or null, and false otherwise.
    fn is_not_true(&mut self, predicate: &Typed) {
        self.text("(");
        self.truth(predicate);
        self.text(")");
        self.text(self.rules.is_true(false));
    }

    fn boolean(&mut self, value: bool) {
        self.text(self.rules.boolean(value));
    }

    fn values(&mut self, operator: &str, terms: &[Typed]) {
        self.joined(operator, terms.len(), &mut |writer, at| writer.operand(&terms[at]));
    }

    /// Writes terms that must all hold. A term that can fail is evaluated only for rows in which the terms
    /// before it hold; SQLite evaluates the terms of a plain conjunction in any order.
    fn all(&mut self, terms: &[Typed], write: fn(&mut Self, &Typed)) {
        self.guarded(" AND ", terms, write);
    }

    /// Writes terms of which one must hold; otherwise like [`all`](Self::all).
    fn any(&mut self, terms: &[Typed], write: fn(&mut Self, &Typed)) {
        self.guarded(" OR ", terms, write);
    }

    /// Whether an expression may be [unanswerable](crate::statement::Unanswerable) for a row.
    pub(super) fn can_fail(&self, typed: &Typed) -> bool {
        let (doubles, divby) = (self.rules.doubles_can_fail(), self.rules.divby_can_fail());
        typed.can_fail(Failing { doubles, divby, growth: false })
    }

    fn guarded(&mut self, operator: &str, terms: &[Typed], write: fn(&mut Self, &Typed)) {
        let guarded = terms.iter().skip(1).position(|term| self.can_fail(term)).map(|at| at + 1);
        let Some((before, after)) = guarded.map(|at| terms.split_at(at)) else {
            return self.joined(operator, terms.len(), &mut |writer, at| write(writer, &terms[at]));
        };
        let all = operator == " AND ";
        let guard = |writer: &mut Self| {
            writer.joined(operator, before.len(), &mut |writer, at| write(writer, &before[at]));
        };
        // An index can serve the guard only if it stands alone.
        let alone = all && !self.can_fail(&before[0]);
        self.text("(");
        if alone {
            guard(self);
            self.text(operator);
        }
        self.text("CASE WHEN ");
        guard(self);
        self.text(" THEN ");
        if !all {
            self.boolean(true);
            self.text(" ELSE ");
        }
        self.guarded(operator, after, write);
        if all {
            self.text(" ELSE ");
            self.boolean(false);
        }
        self.text(" END)");
    }

    /// Writes `count` parts with an operator between them, in parentheses as a balanced tree, because SQLite
    /// limits the depth.
    fn joined(&mut self, operator: &str, count: usize, write: &mut dyn FnMut(&mut Self, usize)) {
        self.subtree(operator, 0..count, write);
    }

    fn subtree(
        &mut self,
        operator: &str,
        range: std::ops::Range<usize>,
        write: &mut dyn FnMut(&mut Self, usize),
    ) {
        if range.len() == 1 {
            return write(self, range.start);
        }
        let middle = range.start + range.len() / 2;
        self.text("(");
        self.subtree(operator, range.start..middle, write);
        self.text(operator);
        self.subtree(operator, middle..range.end, write);
        self.text(")");
    }

    /// Writes an expression that is true exactly if the comparison holds.
    fn holds(&mut self, comparison: Comparison, left: &Typed, right: &Typed) {
        let rules = self.rules;
        if let Some(operand) = beside_null(left, right) {
            return match comparison {
                // Null is at least, at most and equal to null.
                Comparison::Eq | Comparison::Ge | Comparison::Le => self.null_test(operand, IS_NULL),
                Comparison::Ne => self.null_test(operand, IS_NOT_NULL),
                Comparison::Gt | Comparison::Lt => self.boolean(false),
            };
        }
        match comparison {
            Comparison::Ne => self.fails(Comparison::Eq, left, right),
            _ if comparison.holds_between_nulls() && left.nullable && right.nullable => {
                if comparison == Comparison::Eq && self.is_direct(left, right) {
                    return self.pair(rules.null_safe(true), left, right);
                }
                let computed = left.is_computed() || right.is_computed();
                if computed && self.is_direct(left, right) {
                    return self.between_computed(comparison, left, right);
                }
                self.text("(");
                rules.compare(self, comparison, left, right);
                self.text(" OR (");
                self.null_test(left, IS_NULL);
                self.text(" AND ");
                self.null_test(right, IS_NULL);
                self.text("))");
            }
            _ => rules.compare(self, comparison, left, right),
        }
    }

    /// Writes an expression that is true exactly if the comparison does not hold.
    fn fails(&mut self, comparison: Comparison, left: &Typed, right: &Typed) {
        let rules = self.rules;
        if let Some(operand) = beside_null(left, right) {
            return match comparison {
                Comparison::Eq | Comparison::Ge | Comparison::Le => self.null_test(operand, IS_NOT_NULL),
                Comparison::Ne => self.null_test(operand, IS_NULL),
                Comparison::Gt | Comparison::Lt => self.boolean(true),
            };
        }
        let direct = self.is_direct(left, right);
        match comparison {
            Comparison::Ne => self.holds(Comparison::Eq, left, right),
            _ if direct && !left.nullable && !right.nullable => {
                rules.compare(self, comparison.negated(), left, right);
            }
            Comparison::Eq if direct && !stands_for_others(left) && !stands_for_others(right) => {
                self.pair(rules.null_safe(false), left, right);
            }
            _ => {
                self.text("(");
                self.holds(comparison, left, right);
                self.text(")");
                self.text(rules.is_true(false));
            }
        }
    }

    /// Writes a comparison that holds between nulls, with each side written only once, because either may be
    /// long.
    fn between_computed(&mut self, comparison: Comparison, left: &Typed, right: &Typed) {
        let rules = self.rules;
        match comparison {
            Comparison::Ge => rules.at_least(self, left, right),
            Comparison::Le => rules.at_least(self, right, left),
            _ => {
                let (before, between) = rules.null_safe(true);
                self.text("(");
                self.text(before);
                self.operand(left);
                self.text(between);
                self.operand(right);
                self.text(")");
            }
        }
    }

    fn pair(&mut self, (before, between): (&str, &str), left: &Typed, right: &Typed) {
        self.text("(");
        self.text(before);
        self.side(left, right);
        self.text(between);
        self.side(right, left);
        self.text(")");
    }

    /// Writes one side of a comparison for equality. If the other side is a constant that [stands for
    /// itself](stands_for_others), the stored cell can be compared without being converted.
    fn side(&mut self, side: &Typed, other: &Typed) {
        match (&side.term, &other.term) {
            (Term::Column(column), Term::Constant(_)) => self.rules.ordered(self, *column),
            _ => self.operand(side),
        }
    }

    /// Writes whether a value is null. NaN may be null in SQL, but is not in OData.
    fn null_test(&mut self, operand: &Typed, test: &str) {
        let may_be_no_number = self.rules.no_number_is_null() && operand.may_be_no_number();
        match &operand.term {
            Term::Arithmetic(_, left, right) if may_be_no_number => {
                let sides = [left, right];
                let operator = if test == IS_NULL { " OR " } else { " AND " };
                self.joined(operator, 2, &mut |writer, at| writer.null_test(sides[at], test));
            }
            Term::Negate(number) if may_be_no_number => self.null_test(number, test),
            Term::Call(_, arguments) if may_be_no_number => self.null_test(&arguments[0], test),
            Term::Case(cases) if may_be_no_number => self.null_test_of_case(cases, test),
            Term::Column(column) => {
                self.text(if test == IS_NULL { "" } else { "NOT " });
                self.rules.is_null(self, *column);
            }
            _ => {
                self.operand(operand);
                self.text(test);
            }
        }
    }

    fn is_direct(&self, left: &Typed, right: &Typed) -> bool {
        self.rules.compares_directly(left) && self.rules.compares_directly(right)
    }
}

/// Whether a constant may be the displayed form of text that is stored differently: it contains the
/// replacement character.
fn stands_for_others(operand: &Typed) -> bool {
    matches!(&operand.term, Term::Constant(Constant::String(text)) if text.contains('\u{FFFD}'))
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
