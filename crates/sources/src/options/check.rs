//! Compares given options with the schema.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::certificates::authorities_in;

use super::{DataStore, OptionSchema, ValueKind};

/// A fault of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFault {
    /// The key of the option; shortened, and without control characters.
    pub key: String,
    /// What is wrong, as the end of a sentence that starts with the key. It never contains the value.
    pub message: String,
}

/// The maximum length of a host name in characters
/// ([RFC 1123 §2.1](https://www.rfc-editor.org/rfc/rfc1123#section-2.1)).
const LONGEST_HOST: usize = 255;

impl DataStore {
    /// All faults of the options, without opening anything. A secret for which `is_kept` holds is stored
    /// already and may be omitted.
    pub fn faults(
        &self,
        given: &BTreeMap<String, String>,
        is_kept: impl Fn(&str) -> bool,
    ) -> Vec<OptionFault> {
        let mut faults = Vec::new();
        let mut fault =
            |key: &str, message: String| faults.push(OptionFault { key: key.to_owned(), message });
        for option in self.options {
            match given.get(option.name) {
                None if option.required && !(option.secret && is_kept(option.name)) => {
                    fault(option.name, "is required".to_owned());
                }
                None => {}
                // Removes the stored value.
                Some(value) if option.secret && !option.required && value.is_empty() => {}
                Some(value) => {
                    if let Err(message) = option.check(value) {
                        fault(option.name, message);
                    }
                }
            }
        }
        for key in given.keys().filter(|key| self.option(key).is_none()) {
            let key: String = key.chars().filter(|character| !character.is_control()).take(64).collect();
            fault(&key, format!("is not an option of {}", self.name));
        }
        faults
    }
}

impl OptionSchema {
    /// Whether the option may have this value.
    ///
    /// # Errors
    /// A description of the fault, as the end of a sentence that starts with the key.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self.value {
            ValueKind::Text { longest } => text(value, longest),
            ValueKind::Integer { min, max } => integer(value, min, max),
            ValueKind::Choice(words) if words.contains(&value) => Ok(()),
            ValueKind::Choice(words) => Err(format!("must be one of {}", words.join(", "))),
            ValueKind::Host => host(value),
            ValueKind::Port => integer(value, 1, i64::from(u16::MAX)),
            ValueKind::Declaration { longest, .. } | ValueKind::Certificates { longest }
                if value.len() > longest =>
            {
                Err(format!("is longer than {longest} bytes"))
            }
            ValueKind::Certificates { .. } => authorities_in(value).map(drop).map_err(str::to_owned),
            ValueKind::Declaration { check, .. } => check(value),
        }
    }
}

fn text(value: &str, longest: usize) -> Result<(), String> {
    if value.is_empty() {
        Err("must not be empty".to_owned())
    } else if value.chars().any(char::is_control) {
        Err("must not contain control characters".to_owned())
    } else if value.len() > longest {
        Err(format!("is longer than {longest} bytes"))
    } else {
        Ok(())
    }
}

fn integer(value: &str, min: i64, max: i64) -> Result<(), String> {
    let fault = || format!("must be a whole number from {min} to {max}");
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<i64> = value.parse().ok().filter(|_| is_plain);
    number.filter(|number| (min..=max).contains(number)).map(drop).ok_or_else(fault)
}

/// Accepts an IP address without brackets, and names in ASCII as they are looked up in the domain name system.
fn host(value: &str) -> Result<(), String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = value.strip_suffix('.').unwrap_or(value);
    let is_name = name.len() <= LONGEST_HOST
        && name.split('.').all(is_label)
        // A name that looks like an address is one in an unusual notation, such as 127.1.
        && !name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if value.parse::<IpAddr>().is_ok() || is_name {
        Ok(())
    } else {
        Err("must be a host name or an IP address".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(value: ValueKind) -> OptionSchema {
        OptionSchema {
            name: "option",
            required: true,
            secret: false,
            default: None,
            value,
            description: "An option.",
        }
    }

    #[test]
    fn each_kind_of_value_has_its_rule() {
        let text = ValueKind::Text { longest: 4 };
        let integer = ValueKind::Integer { min: -5, max: 10 };
        let choice = ValueKind::Choice(&["one", "two"]);
        for (kind, good, bad) in [
            (text, ["a", "aäa"].as_slice(), ["", "a\n", "aaaaa"].as_slice()),
            (
                integer,
                &["-5", "0", "10", "007"],
                &["", "-6", "11", "+1", "1.0", "x", "-", "99999999999999999999"],
            ),
            (choice, &["one", "two"], &["", "One", "three"]),
            (ValueKind::Port, &["1", "65535"], &["0", "65536", "http"]),
            (
                ValueKind::Host,
                &["db", "db.example.com", "db_1.example.", "10.0.0.1", "::1", "1db.example"],
                &["", ".", "a..b", "-a", "a-", "[::1]", "127.1", "0x7f.1", "a b", "db:5432", "dä.example"],
            ),
        ] {
            for value in good {
                assert_eq!(option(kind).check(value), Ok(()), "{kind:?} {value}");
            }
            for value in bad {
                assert!(option(kind).check(value).is_err(), "{kind:?} {value}");
            }
        }
        let long = format!("{}.example", "a".repeat(64));
        assert!(option(ValueKind::Host).check(&long).is_err());
    }

    const STORE: DataStore = DataStore {
        id: 9,
        name: "Test",
        url_schemes: &[],
        options: &[
            OptionSchema { name: "user", ..OPTION },
            OptionSchema { name: "password", secret: true, ..OPTION },
            OptionSchema { name: "token", secret: true, required: false, ..OPTION },
        ],
    };

    const OPTION: OptionSchema = OptionSchema {
        name: "",
        required: true,
        secret: false,
        default: None,
        value: ValueKind::Text { longest: 16 },
        description: "An option.",
    };

    #[test]
    fn a_secret_may_be_left_out_only_if_it_is_stored() {
        let given = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let messages = |given: &BTreeMap<String, String>, kept: &[&str]| {
            let faults = STORE.faults(given, |name| kept.contains(&name));
            faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<Vec<_>>()
        };
        let user = given(&[("user", "ada")]);
        assert_eq!(messages(&user, &[]), ["password is required"]);
        assert!(messages(&user, &["password"]).is_empty());
        assert_eq!(messages(&given(&[]), &["user", "password"]), ["user is required"]);
        assert!(messages(&given(&[("user", "ada"), ("password", "x"), ("token", "")]), &[]).is_empty());
        assert_eq!(
            messages(&given(&[("user", "ada"), ("password", "")]), &["password"]),
            ["password must not be empty"]
        );
        let long = "hunter2".repeat(9);
        let faults = messages(&given(&[("user", "ada"), ("password", &long)]), &[]);
        assert_eq!(faults, ["password is longer than 16 bytes"], "without the value");
    }
}
