//! Faults and errors in words for whoever sits at a terminal.

/// A whole number, for a flag or an argument.
pub(super) fn whole_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it must be a whole number".to_owned())
}

/// Every fault of what was given, as one error. A use case names members of the management API; whoever sits at a
/// terminal has given flags.
pub(super) fn sentence(faults: impl Iterator<Item = (String, String)>) -> anyhow::Error {
    let lines: Vec<String> = faults.map(|(field, message)| format!("{} {message}", given(&field))).collect();
    anyhow::anyhow!("{}", lines.join("; "))
}

/// What somebody gave at a terminal for a member of the management API.
pub(super) fn given(field: &str) -> String {
    let (member, _) = field.split_once('[').unwrap_or((field, ""));
    let flag = match member {
        "name" => "the name",
        "userName" => "the user's name",
        "description" => "--description",
        "redirectUrls" => "--redirect-url",
        "grantTypes" => "--grant-type",
        "scopes" => "--scope",
        "profile" => "--profile",
        "clientType" => "--public",
        "accessTokenLifetime" => "--access-token-lifetime",
        "contacts" => "--contact",
        "logoUrl" => "--logo-url",
        "permissions" => "--permission",
        "permissions.roles" => "--role",
        "passwordInfo.password" => "the password",
        "options.path" => "the path",
        "options.keys" => "--key",
        "value" => "the value",
        "transferTo" => "--transfer-to",
        "sharedUsers" => "the user to share with",
        "dataStore" => "the kind of database",
        "corsOrigins" => "--cors-origin",
        "tokenFormat" => "--token-format",
        "options.storageForms" => "--storage-form",
        "domain" => "the origin",
        "whitelist" => "the list of trusted origins",
        "passwordInfo.passwordExpiration" => "--password-expires",
        other => other,
    };
    place_in_list(field).map_or_else(|| flag.to_owned(), |index| format!("{flag} (number {})", index + 1))
}

/// Which element of a list a fault is about, counted from 0.
pub(super) fn place_in_list(field: &str) -> Option<usize> {
    field.split_once('[')?.1.trim_end_matches(']').parse().ok()
}

/// What to do about an error, where its causes alone tell.
pub(super) fn advice(error: &anyhow::Error) -> &'static str {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if causes.any(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied) {
        ". Run this as the user to whom the file and its folder belong"
    } else {
        ""
    }
}
