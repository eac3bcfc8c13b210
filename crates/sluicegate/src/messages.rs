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
    let lines: Vec<String> = faults.map(|(field, message)| format!("{} {message}", given(&field))).collect();
    anyhow!("{}", lines.join("; "))
}

/// The flag or argument for a member of the management API.
pub(crate) fn given(field: &str) -> String {
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
        "maxAuthenticationAge" => "--max-authentication-age",
        "domain" => "the origin",
        "identifier" => "the identifier",
        "expiresAt" => "--expires",
        "maxUses" => "--max-uses",
        "risk" => "--risk",
        "assignableBy" => "--assignable-by",
        "implies" => "--implies",
        "accessTokenSigningAlg" => "--access-token-signing-alg",
        "introspectionSignedResponseAlg" => "--introspection-signed-response-alg",
        "tokenEndpointAuthMethod" => "--token-endpoint-auth-method",
        "tokenEndpointAuthSigningAlg" => "--token-endpoint-auth-signing-alg",
        "dpopBoundAccessTokens" => "--dpop-bound-access-tokens",
        "requirePushedAuthorizationRequests" => "--require-pushed-authorization-requests",
        "requireSignedRequestObject" => "--require-signed-request-object",
        "requestObjectSigningAlg" => "--request-object-signing-alg",
        "requestUris" => "--request-uri",
        "authorizationSignedResponseAlg" => "--authorization-signed-response-alg",
        "tlsClientCertificateBoundAccessTokens" => "--tls-client-certificate-bound-access-tokens",
        "whitelist" => "the list of trusted origins",
        "passwordInfo.passwordExpiration" => "--password-expires",
        other => other,
    };
    place_in_list(field).map_or_else(|| flag.to_owned(), |index| format!("{flag} (number {})", index + 1))
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
