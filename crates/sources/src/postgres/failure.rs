//! From [the codes of PostgreSQL](https://www.postgresql.org/docs/current/errcodes-appendix.html) to reasons.

use odata::statement::Unanswerable;

use crate::driver::Intent;
use crate::{BrokenRule, SourceError, Violation};

/// The maximum length of a message in a detail, in characters.
const MAX_MESSAGE: usize = 300;

/// How far the server had come with a statement when it refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It began the transaction, or signed the user of the data source in.
    Beginning,
    /// It read the text, in which there is no value of a client.
    Parsing,
    /// It read the parameters: whatever form the type of a column demands, a value may lack it.
    Binding,
    /// It ran the statement.
    Running,
}

/// An error that the server has reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Five letters and digits.
    pub(super) code: String,
    message: String,
    /// The columns that it names: one by itself, or those of a key.
    columns: Vec<String>,
}

impl Refusal {
    /// Reads the fields of an error: each is a letter and a text that ends with zero.
    pub(super) fn read(body: &[u8]) -> Self {
        let (mut code, mut message, mut columns) = (String::new(), String::new(), Vec::new());
        for field in body.split(|byte| *byte == 0) {
            match field.split_first() {
                Some((b'C', text)) => code = String::from_utf8_lossy(text).into_owned(),
                Some((b'M', text)) => {
                    message = String::from_utf8_lossy(text).chars().take(MAX_MESSAGE).collect();
                }
                Some((b'c', text)) => columns.push(String::from_utf8_lossy(text).into_owned()),
                Some((b'D', text)) => columns.extend(columns_of_key(&String::from_utf8_lossy(text))),
                _ => {}
            }
        }
        Self { code, message, columns }
    }

    /// Code and message. As soon as the server has values, its message may repeat one, whatever the code: that a text is no
    /// search and that there is no table with that name are errors of syntax and of names. Only what is about the server, the
    /// connection or a right is told then.
    fn detail(&self, stage: Stage) -> String {
        let tells_no_value = matches!(stage, Stage::Beginning | Stage::Parsing)
            || self.code == "42501"
            || matches!(
                self.class(),
                "08" | "25" | "28" | "3D" | "40" | "53" | "54" | "55" | "57" | "58" | "XX"
            );
        if tells_no_value && !matches!(self.class(), "22" | "23") {
            format!("{}: {}", self.code, self.message)
        } else {
            format!("the database reported the error {}", self.code)
        }
    }

    /// Whether a parameter has not the form that the type of its column demands. Each type has its own code for that: a syntax error,
    /// an unknown name of a table, a function, a role.
    fn is_about_form(&self, stage: Stage) -> bool {
        stage == Stage::Binding && matches!(self.class(), "42" | "3F") && self.code != "42501"
    }

    /// The rule that a change breaks, if it is that.
    fn violation(&self, stage: Stage) -> Option<Violation> {
        let rule = match self.code.as_str() {
            // Uniqueness, or an exclusion.
            "23505" | "23P01" => BrokenRule::Unique,
            "23503" => BrokenRule::Reference,
            "23502" => BrokenRule::Missing,
            // A check of a table or of a domain, an option of a view, or an exception in a trigger.
            "23514" | "44000" | "23000" | "P0001" => BrokenRule::Condition,
            "428C9" => BrokenRule::Fixed,
            "2200H" => BrokenRule::NumbersUsedUp,
            // A trigger or a generated column divides by zero, or takes a text of a negative length.
            "22012" | "22011" => return None,
            // All data that the database refuses: in another form, too long, out of range.
            _ if self.class() == "22" || self.is_about_form(stage) => BrokenRule::Value,
            _ => return None,
        };
        // The message about a reference names the columns of either table.
        let columns = if rule == BrokenRule::Reference { Vec::new() } else { self.columns.clone() };
        Some(Violation { rule, columns })
    }

    fn class(&self) -> &str {
        self.code.get(..2).unwrap_or_default()
    }

    /// Why a statement failed at this stage, on a connection for this intent.
    pub(super) fn reason_for(&self, intent: Intent, stage: Stage) -> SourceError {
        let may_break_rule = intent == Intent::Change && stage != Stage::Beginning;
        let violation = may_break_rule.then(|| self.violation(stage)).flatten();
        violation.map_or_else(|| self.reason(stage), SourceError::Violation)
    }

    /// Why signing in failed.
    pub(super) fn reason_of_sign_in(&self) -> SourceError {
        // PgBouncer calls a wrong password a violation of the protocol.
        if self.code == "08P01" {
            return SourceError::SignInRefused { detail: self.detail(Stage::Beginning) };
        }
        self.reason(Stage::Beginning)
    }

    fn reason(&self, stage: Stage) -> SourceError {
        let detail = self.detail(stage);
        match self.code.as_str() {
            // Undefined: table, column, schema. Of another type: a column, a table, a cast.
            "42P01" | "42703" | "3F000" | "42804" | "42809" | "42846" => {
                SourceError::StructureChanged { detail }
            }
            "42501" => SourceError::NotPermitted { detail },
            "25006" => SourceError::ReadOnly,
            // By the time limit of the statement, the transaction or between statements.
            "57014" | "25P03" | "25P04" => SourceError::TimedOut,
            // A lock, a deadlock, a conflict with the replication of a standby server.
            "55P03" | "40P01" | "40001" => SourceError::Locked,
            "53300" => SourceError::Busy,
            "22012" => SourceError::Unanswerable(Unanswerable::DivisionByZero),
            "22011" => SourceError::Unanswerable(Unanswerable::NegativeLength),
            // A number, a date or an interval outside of its range.
            "22003" | "22008" | "22015" => SourceError::Unanswerable(Unanswerable::OutOfRange),
            "3D000" => SourceError::NoDatabase { detail },
            "XX001" | "XX002" => SourceError::Damaged { detail },
            // An undefined function or operator, or one that is ambiguous. Another undefined object: statements name no
            // other than the collation of Unicode, which a server may lack. A character that the encoding of the
            // database lacks.
            "42883" | "42725" | "42704" | "22P05" => SourceError::Unsupported { detail },
            _ => self.reason_of_class(detail),
        }
    }

    fn reason_of_class(&self, detail: String) -> SourceError {
        match self.class() {
            "08" | "57" => SourceError::Unreachable { detail },
            "28" => SourceError::SignInRefused { detail },
            "53" => SourceError::Exhausted { detail },
            "54" | "0A" => SourceError::Unsupported { detail },
            "58" => SourceError::Damaged { detail },
            _ => SourceError::Failed { detail },
        }
    }
}

/// The columns in `Key (a, b)=(1, 2) already exists.`, whatever the language of the server.
fn columns_of_key(detail: &str) -> Vec<String> {
    let named = detail.split_once('(').and_then(|(_, rest)| rest.split_once(")=(")).map(|(named, _)| named);
    let unquoted = |name: &str| name.trim_matches('"').replace("\"\"", "\"");
    named.map(|named| named.split(", ").map(unquoted).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> Refusal {
        Refusal::read(format!("SERROR\0VERROR\0C{code}\0Minvalid input \"hunter2\"\0\0").as_bytes())
    }

    #[test]
    fn each_code_has_its_reason() {
        let reason = |code: &str| format!("{:?}", refusal(code).reason_for(Intent::Read, Stage::Running));
        for (codes, expected) in [
            ("42P01 42703 3F000 42804 42846", "StructureChanged"),
            ("42501", "NotPermitted"),
            ("25006", "ReadOnly"),
            ("57014 25P03 25P04", "TimedOut"),
            ("55P03 40P01 40001", "Locked"),
            ("53300", "Busy"),
            ("53100 53200 53400", "Exhausted"),
            ("22012", "Unanswerable(DivisionByZero)"),
            ("22011", "Unanswerable(NegativeLength)"),
            ("22003 22008 22015", "Unanswerable(OutOfRange)"),
            ("28P01 28000", "SignInRefused"),
            ("3D000", "NoDatabase"),
            ("08006 57P01 57P02 57P03 57P05", "Unreachable"),
            ("42883 42704 22P05 54001 0A000", "Unsupported"),
            ("58030 XX001", "Damaged"),
            ("XX000 42601", "Failed"),
            ("22001 22P02 P0001", "Failed"),
            ("", "Failed"),
        ] {
            for code in codes.split(' ') {
                assert!(reason(code).starts_with(expected), "{code}: {}", reason(code));
            }
        }
    }

    #[test]
    fn a_pooler_that_refuses_a_password_is_there() {
        for code in ["08P01", "28P01", "28000"] {
            let reason = refusal(code).reason_of_sign_in();
            assert!(matches!(reason, SourceError::SignInRefused { .. }), "{code}: {reason:?}");
        }
        assert!(matches!(refusal("08006").reason_of_sign_in(), SourceError::Unreachable { .. }));
    }

    #[test]
    fn only_a_change_breaks_a_rule() {
        for code in "23505 23503 23502 23514 22001 22P02 428C9 P0001".split(' ') {
            let reason = refusal(code).reason_for(Intent::Change, Stage::Running);
            assert!(matches!(reason, SourceError::Violation(_)), "{code}: {reason:?}");
        }
        for code in "22001 22003 22007 22008 22015 22021 22023 22P02 22P03 22P05".split(' ') {
            let violation = SourceError::Violation(Violation::of(BrokenRule::Value));
            assert_eq!(refusal(code).reason_for(Intent::Change, Stage::Running), violation, "{code}");
        }
        let used_up = SourceError::Violation(Violation::of(BrokenRule::NumbersUsedUp));
        assert_eq!(refusal("2200H").reason_for(Intent::Change, Stage::Running), used_up);
        assert_eq!(refusal("40001").reason_for(Intent::Change, Stage::Running), SourceError::Locked);
    }

    #[test]
    fn a_parameter_in_another_form_is_a_value_that_does_not_fit_whatever_its_type_calls_that() {
        let at = |code: &str, stage| refusal(code).reason_for(Intent::Change, stage);
        for code in "42601 42602 42P01 42704 42883 42725 42703 3F000 22P02".split(' ') {
            let violation = SourceError::Violation(Violation::of(BrokenRule::Value));
            assert_eq!(at(code, Stage::Binding), violation, "{code}");
        }
        for stage in [Stage::Parsing, Stage::Running] {
            assert!(matches!(at("42P01", stage), SourceError::StructureChanged { .. }));
            assert!(matches!(at("42601", stage), SourceError::Failed { .. }));
        }
        assert!(matches!(at("42501", Stage::Binding), SourceError::NotPermitted { .. }));
        let beginning = at("22023", Stage::Beginning);
        assert!(
            matches!(beginning, SourceError::Failed { .. }),
            "the settings of the source, such as a role"
        );
        let read = refusal("42P01").reason_for(Intent::Read, Stage::Binding);
        assert!(matches!(read, SourceError::StructureChanged { .. }), "a read has no such parameters");
    }

    #[test]
    fn a_detail_repeats_no_value_and_has_an_end() {
        let detail = |code: &str, stage| refusal(code).detail(stage);
        for stage in [Stage::Binding, Stage::Running] {
            for code in "22P02 23505 42601 42P01 42883 P0001 38000".split(' ') {
                assert_eq!(detail(code, stage), format!("the database reported the error {code}"));
            }
            assert_eq!(detail("57014", stage), "57014: invalid input \"hunter2\"");
        }
        assert_eq!(detail("22P02", Stage::Parsing), "the database reported the error 22P02");
        assert_eq!(detail("42P01", Stage::Parsing), "42P01: invalid input \"hunter2\"");
        let long = Refusal::read(format!("M{}\0C42P01\0\0", "ä".repeat(9_000)).as_bytes());
        assert_eq!(long.detail(Stage::Parsing).chars().count(), MAX_MESSAGE + 7);
        assert_eq!(Refusal::read(b"").code, "");
        assert_eq!(Refusal::read(b"C\xff\0").code, "\u{fffd}");
    }
}
