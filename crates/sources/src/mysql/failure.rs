//! From [the numbers of errors](https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html), and
//! [those of MariaDB](https://mariadb.com/kb/en/mariadb-error-code-reference/), to reasons.

use odata::statement::Unanswerable;

use super::fields::Fields;
use crate::driver::Intent;
use crate::{BrokenRule, SourceError, Violation};

/// The maximum length of a message in a detail, in characters.
const MAX_MESSAGE: usize = 300;

/// An error that the server has reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: u16,
    /// Five letters and digits; empty before somebody has signed in.
    state: String,
    message: String,
}

impl Refusal {
    /// Reads the packet of an error.
    pub(super) fn read(packet: &[u8]) -> Self {
        let mut fields = Fields::of(packet.get(1..).unwrap_or_default());
        let code = fields.u16().unwrap_or_default();
        let (state, message) = match fields.rest().split_first() {
            Some((b'#', rest)) if rest.len() >= 5 => rest.split_at(5),
            _ => (&[][..], fields.rest()),
        };
        let message = String::from_utf8_lossy(message).chars().take(MAX_MESSAGE).collect();
        Self { code, state: String::from_utf8_lossy(state).into_owned(), message }
    }

    /// Number and message. A message about a value repeats the value, so it is left out: also those about a path of XML, an
    /// expression of a search and a statement that is put together in the database, and what a trigger or a function says.
    fn detail(&self) -> String {
        let is_about_value = matches!(self.state.get(..2), Some("22" | "23" | "45"))
            || matches!(self.code, 1064 | 1105 | 1139 | 1292 | 1366 | 1411 | 1416 | 1525 | 1644 | 1690);
        if is_about_value {
            format!("the database reported the error {}", self.code)
        } else {
            format!("{}: {}", self.code, self.message)
        }
    }

    /// The rule that a change breaks, if it is that.
    fn violation(&self) -> Option<Violation> {
        let rule = match self.code {
            1022 | 1062 | 1586 => BrokenRule::Unique,
            1216 | 1217 | 1451 | 1452 => BrokenRule::Reference,
            1048 | 1263 | 1364 => BrokenRule::Missing,
            // A check in MySQL, one in MariaDB, an exception in a trigger.
            3819 | 4025 | 1644 => BrokenRule::Condition,
            // In another form, of another character set, too long, out of range, not JSON.
            1118 | 1264 | 1265 | 1292 | 1300 | 1366 | 1367 | 1406 | 1411 | 1441 | 1525 | 1690 | 3140 => {
                BrokenRule::Value
            }
            3105 | 1906 => BrokenRule::Fixed,
            167 | 1467 => BrokenRule::NumbersUsedUp,
            // A trigger or a generated column divides by zero.
            1365 => return None,
            // Whatever else is no value of a type: of geometry, of JSON, of regular expressions.
            _ if self.state.starts_with("22") => BrokenRule::Value,
            _ => return None,
        };
        // `Column 'Name' cannot be null`, `Data too long for column 'Name' at row 1`,
        // `Out of range value for column 'Name' at row 1`.
        let is_about_column = matches!(rule, BrokenRule::Missing) || matches!(self.code, 1264 | 1406);
        let column = self.message.split('\'').nth(1).filter(|_| is_about_column);
        Some(Violation::about(rule, column))
    }

    /// Why a statement failed on a connection for this intent.
    pub(super) fn reason_for(&self, intent: Intent) -> SourceError {
        let violation = (intent == Intent::Change).then(|| self.violation()).flatten();
        violation.map_or_else(|| self.reason(), SourceError::Violation)
    }

    /// Why a statement failed, or signing in.
    pub(super) fn reason(&self) -> SourceError {
        let detail = self.detail();
        match self.code {
            // A table, a column or a view is gone, or is another one than when the transaction began.
            1051 | 1054 | 1072 | 1109 | 1146 | 1176 | 1356 | 1412 | 1615 => {
                SourceError::StructureChanged { detail }
            }
            1045 | 1129 | 1130 | 1251 | 1524 | 1698 | 1820 | 1862 | 3118 | 3159 | 4151 => {
                SourceError::SignInRefused { detail }
            }
            1044 | 1142 | 1143 | 1227 | 1345 | 1370 => SourceError::NotPermitted { detail },
            1046 | 1049 => SourceError::NoDatabase { detail },
            1290 | 1792 | 1836 => SourceError::ReadOnly,
            // By the time limit of MariaDB, that of MySQL, or because somebody stopped it.
            1317 | 1969 | 3024 => SourceError::TimedOut,
            1205..=1207 | 1213 | 1614 | 3572 => SourceError::Locked,
            1040 | 1203 | 1226 => SourceError::Busy,
            3 | 1021 | 1037 | 1038 | 1041 | 1114 | 1135 | 1461 => SourceError::Exhausted { detail },
            // The dialect has a subquery with too many rows where something is divided by zero, the cotangent of zero where a
            // length is negative, and the exponential function of a great number where a text is too long.
            1242 | 1365 => SourceError::Unanswerable(Unanswerable::DivisionByZero),
            1690 if self.message.contains("in 'cot(") => {
                SourceError::Unanswerable(Unanswerable::NegativeLength)
            }
            1690 if ["in 'exp(1000 + ", "in 'exp((1000 + "]
                .iter()
                .any(|start| self.message.contains(start)) =>
            {
                SourceError::ValueTooLarge
            }
            1264 | 1441 | 1690 => SourceError::Unanswerable(Unanswerable::OutOfRange),
            1053 | 1077..=1081 | 1152 | 1158..=1161 | 1927 | 1184 | 4031 => {
                SourceError::Unreachable { detail }
            }
            126..=127 | 144 | 145 | 1033 | 1034 | 1194 | 1195 | 1712 | 1877 => {
                SourceError::Damaged { detail }
            }
            // A function, a character set or a collation that the server does not have, or more than it can do.
            1104 | 1115 | 1116 | 1117 | 1128 | 1153 | 1235 | 1273 | 1305 | 1390 | 1436 | 1630 => {
                SourceError::Unsupported { detail }
            }
            _ => SourceError::Failed { detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16) -> Refusal {
        Refusal::read(&[&[0xff], &code.to_le_bytes()[..], b"#HY000no value \"hunter2\""].concat())
    }

    #[test]
    fn each_number_has_its_reason() {
        let reason = |code: u16| format!("{:?}", refusal(code).reason());
        for (codes, expected) in [
            (&[1146, 1054, 1356, 1412, 1615][..], "StructureChanged"),
            (&[1142, 1143, 1044], "NotPermitted"),
            (&[1792], "ReadOnly"),
            (&[1969, 3024, 1317], "TimedOut"),
            (&[1205, 1213, 3572], "Locked"),
            (&[1040, 1203, 1226], "Busy"),
            (&[1021, 1038, 1041, 1461], "Exhausted"),
            (&[1242, 1365], "Unanswerable(DivisionByZero)"),
            (&[1690, 1264], "Unanswerable(OutOfRange)"),
            (&[1045, 1698, 1130, 3159], "SignInRefused"),
            (&[1049], "NoDatabase"),
            (&[1053, 1927, 4031], "Unreachable"),
            (&[1305, 1235, 1273], "Unsupported"),
            (&[1194, 1712], "Damaged"),
            (&[1064, 1105, 0], "Failed"),
        ] {
            for code in codes {
                assert!(reason(*code).starts_with(expected), "{code}: {}", reason(*code));
            }
        }
    }

    #[test]
    fn a_value_of_whatever_type_that_does_not_fit_is_the_fault_of_the_change() {
        let refusal = |code: u16, state: &str| {
            Refusal::read(
                &[&[0xff], &code.to_le_bytes()[..], format!("#{state}no value").as_bytes()].concat(),
            )
        };
        let violation = SourceError::Violation(Violation::of(BrokenRule::Value));
        for (code, state) in
            [(3037, "22023"), (3141, "22032"), (1416, "22003"), (1292, "22007"), (3140, "22032")]
        {
            assert_eq!(refusal(code, state).reason_for(Intent::Change), violation, "{code}");
        }
        let division = SourceError::Unanswerable(Unanswerable::DivisionByZero);
        assert_eq!(refusal(1365, "22012").reason_for(Intent::Change), division);
        assert!(matches!(refusal(3037, "22023").reason_for(Intent::Read), SourceError::Failed { .. }));
    }

    #[test]
    fn the_cotangent_of_zero_stands_for_a_negative_length() {
        let refusal =
            Refusal::read(b"\xff\x9a\x06#22003DOUBLE value is out of range in 'cot((`t`.`n` - `t`.`n`))'");
        assert_eq!(refusal.reason(), SourceError::Unanswerable(Unanswerable::NegativeLength));
    }

    #[test]
    fn the_exponential_function_of_a_great_number_stands_for_a_text_that_is_too_long() {
        let refusal = Refusal::read(
            b"\xff\x9a\x06#22003DOUBLE value is out of range in 'exp(1000 + octet_length(`t`.`a`))'",
        );
        assert_eq!(refusal.reason(), SourceError::ValueTooLarge);
    }

    #[test]
    fn a_detail_repeats_no_value_and_has_an_end() {
        assert_eq!(refusal(1292).detail(), "the database reported the error 1292");
        assert_eq!(refusal(1146).detail(), "1146: no value \"hunter2\"");
        for code in [1064, 1105, 1139, 1644] {
            assert_eq!(refusal(code).detail(), format!("the database reported the error {code}"));
        }
        let state = Refusal::read(b"\xff\x01\x04#22007hunter2");
        assert_eq!(state.detail(), "the database reported the error 1025");
        let long = Refusal::read(&[b"\xff\x10\x04".as_slice(), "ä".repeat(9_000).as_bytes()].concat());
        assert_eq!(long.detail().chars().count(), MAX_MESSAGE + 6);
        for broken in [&b""[..], b"\xff", b"\xff\x10", b"\xff\x10\x04#"] {
            assert!(matches!(Refusal::read(broken).reason(), SourceError::Failed { .. } | SourceError::Busy));
        }
    }
}
