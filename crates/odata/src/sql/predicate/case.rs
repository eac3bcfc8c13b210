//! Values that depend on conditions.

use super::{IS_NULL, Writer};
use crate::tree::typed::Typed;

impl Writer<'_> {
    /// Writes the value beside the first condition that is true, which is null if none is.
    pub(super) fn case(&mut self, cases: &[(Typed, Typed)]) {
        self.cases(cases, Self::operand);
        self.text(" END)");
    }

    /// Writes whether that value is null.
    pub(super) fn null_test_of_case(&mut self, cases: &[(Typed, Typed)], test: &str) {
        self.cases(cases, |writer, value| {
            writer.text("(");
            writer.null_test(value, test);
            writer.text(")");
        });
        self.text(" ELSE ");
        self.boolean(test == IS_NULL);
        self.text(" END)");
    }

    fn cases(&mut self, cases: &[(Typed, Typed)], write: impl Fn(&mut Self, &Typed)) {
        self.text("(CASE");
        for (condition, value) in cases {
            self.text(" WHEN ");
            self.truth(condition);
            self.text(" THEN ");
            write(self, value);
        }
    }
}
