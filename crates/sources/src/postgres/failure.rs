//! From [the codes of PostgreSQL](https://www.postgresql.org/docs/current/errcodes-appendix.html) to reasons.

use odata::statement::Unanswerable;

use crate::SourceError;

/// The maximum length of a message in a detail, in characters.
const MAX_MESSAGE: usize = 300;

/// An error that the server has reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Five letters and digits.
    pub(super) code: String,
    message: String,
}

impl Refusal {
    /// Reads the fields of an error: each is a letter and a text that ends with zero.
    pub(super) fn read(body: &[u8]) -> Self {
        let (mut code, mut message) = (String::new(), String::new());
        for field in body.split(|byte| *byte == 0) {
            match field.split_first() {
                Some((b'C', text)) => code = String::from_utf8_lossy(text).into_owned(),
                Some((b'M', text)) => {
                    message = String::from_utf8_lossy(text).chars().take(MAX_MESSAGE).collect();
                }
                _ => {}
            }
        }
        Self { code, message }
    }

    /// Code and message. The message about a value repeats the value, so it is left out.
    fn detail(&self) -> String {
        match self.class() {
            "22" | "23" => format!("the database reported the error {}", self.code),
            _ => format!("{}: {}", self.code, self.message),
        }
    }

    fn class(&self) -> &str {
        self.code.get(..2).unwrap_or_default()
    }

    /// Why a statement failed, or signing in.
    pub(super) fn reason(&self) -> SourceError {
        let detail = self.detail();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> Refusal {
        Refusal::read(format!("SERROR\0VERROR\0C{code}\0Minvalid input \"hunter2\"\0\0").as_bytes())
    }

    #[test]
    fn each_code_has_its_reason() {
        let reason = |code: &str| format!("{:?}", refusal(code).reason());
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
            ("XX000 22P02 42601 P0001", "Failed"),
            ("", "Failed"),
        ] {
            for code in codes.split(' ') {
                assert!(reason(code).starts_with(expected), "{code}: {}", reason(code));
            }
        }
    }

    #[test]
    fn a_detail_repeats_no_value_and_has_an_end() {
        assert_eq!(refusal("22P02").detail(), "the database reported the error 22P02");
        assert_eq!(refusal("42P01").detail(), "42P01: invalid input \"hunter2\"");
        let long = Refusal::read(format!("M{}\0C42P01\0\0", "ä".repeat(9_000)).as_bytes());
        assert_eq!(long.detail().chars().count(), MAX_MESSAGE + 7);
        assert_eq!(Refusal::read(b"").code, "");
        assert_eq!(Refusal::read(b"C\xff\0").code, "\u{fffd}");
    }
}
