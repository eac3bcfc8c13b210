//! Messages about faults and errors for the terminal.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use app::management::data_sources::DataSourceError;
use domain::time::Timestamp;

/// A time for people, to the second, in UTC.
pub(crate) fn date_time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

/// Combines all faults of the input into one error. Use cases name members of the management API; a user of
/// the terminal has given flags instead.
pub(crate) fn sentence(faults: impl Iterator<Item = (String, String)>) -> anyhow::Error {
    sentence_with(faults, given)
}

/// The same, with other words for the members.
pub(crate) fn sentence_with(
    faults: impl Iterator<Item = (String, String)>,
    words: impl Fn(&str) -> String,
) -> anyhow::Error {
    let lines: Vec<String> = faults.map(|(field, message)| format!("{} {message}", words(&field))).collect();
    InvalidArguments(lines.join("; ")).into()
}

/// Values of flags and arguments that are wrong, in words.
#[derive(Debug)]
pub(crate) struct InvalidArguments(pub(crate) String);

impl std::fmt::Display for InvalidArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidArguments {}

/// The flag or argument for a member of the management API: one of the table, or the flag with the same words.
pub(crate) fn given(field: &str) -> String {
    let (member, _) = field.split_once('[').unwrap_or((field, ""));
    let place = place_in_list(field).map_or_else(String::new, |index| format!(" (number {})", index + 1));
    match (argument_of(member), member.split_once('.')) {
        (Some(argument), _) => format!("{argument}{place}"),
        (None, Some(("options", option))) => format!("the option {option}"),
        (None, Some((object, inner))) => format!("{inner}{place} in {}", flag(object)),
        (None, None) => format!("{}{place}", flag(member)),
    }
}

/// The flag for the JSON object with a member.
pub(crate) fn given_in(flag: &str, field: &str) -> String {
    format!("{field} in {flag}")
}

/// A name such as `jwksUri` as a flag.
fn flag(member: &str) -> String {
    let mut flag = "--".to_owned();
    for character in member.chars() {
        if character.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(character.to_ascii_lowercase());
    }
    flag
}

/// What gives a member for which there is no flag with the same words.
fn argument_of(member: &str) -> Option<&'static str> {
    Some(match member {
        "name" => "the name",
        "userName" => "the user's name",
        "redirectUrls" => "--redirect-url",
        "grantTypes" => "--grant-type",
        "scopes" => "--scope",
        "clientType" => "--public",
        "contacts" => "--contact",
        "permissions" => "--permission",
        "permissions.roles" => "--role",
        "passwordInfo.password" => "the password",
        "options.path" => "the path",
        "options.keys" => "--key",
        "options.Password" => "--password-stdin",
        "value" => "the value",
        "sharedUsers" => "the user to share with",
        "dataStore" => "the kind of database",
        "corsOrigins" => "--cors-origin",
        "introspectionAudiences" => "--introspection-audience",
        "options.storageForms" => "--storage-form",
        "domain" => "the origin",
        "identifier" => "the identifier",
        "expiresAt" => "--expires",
        "whitelist" => "the list of trusted origins",
        "passwordInfo.passwordStatus" | "passwordInfo.passwordExpiration" => "--password-expires",
        "requestUris" => "--request-uri",
        "issuer" => "the issuer",
        "statusInfo.status" => "--disabled",
        _ if member.starts_with("attributes.") => "--attribute",
        _ => return None,
    })
}

/// The index, from 0, of the list element that a fault is about.
pub(crate) fn place_in_list(field: &str) -> Option<usize> {
    field.split_once('[')?.1.trim_end_matches(']').parse().ok()
}

/// Advice for an error, found through its causes.
pub(crate) fn advice(error: &anyhow::Error) -> &'static str {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if causes.any(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied) {
        ". Run this as the user to whom the file and its folder belong"
    } else {
        ""
    }
}

/// Converts a refusal of an administrative operation to a message for the terminal.
pub(crate) fn of_administration(refused: AdministrationError) -> anyhow::Error {
    match refused {
        AdministrationError::Invalid(faults) => {
            sentence(faults.into_iter().map(|fault| (fault.field, fault.message)))
        }
        other => other.into(),
    }
}

/// Converts a refusal of an operation on a data source to a message for the terminal.
pub(crate) fn of_data_source(refused: DataSourceError) -> anyhow::Error {
    match refused {
        DataSourceError::Invalid(faults) | DataSourceError::Options(faults) => {
            sentence(faults.into_iter().map(|fault| (fault.field, fault.message)))
        }
        DataSourceError::NameTaken => {
            anyhow!("another data source has the name; names are compared without case")
        }
        DataSourceError::Unusable(error) => anyhow!("the database cannot be used: {error}"),
        other => other.into(),
    }
}
