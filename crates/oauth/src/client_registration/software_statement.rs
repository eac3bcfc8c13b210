//! Software statements: client metadata that somebody else has signed ([RFC 7591
//! §2.3](https://www.rfc-editor.org/rfc/rfc7591#section-2.3)).
//!
//! A statement is about the software, not about one installation of it: every copy presents the same one, so it is not used up.

use serde_json::Value;

use super::fault::MetadataFault;
use crate::error::ErrorCode;
use crate::jwt::{Claims, JwtFault, Object, TimeRules};
use crate::trusted_issuer::{Purpose, TrustedIssuer};
use domain::time::Timestamp;

/// The member of a registration that contains the statement.
const MEMBER: &str = "software_statement";

/// The accepted values of `typ`: the specification defines none of its own.
pub const STATEMENT_TYPES: &[Option<&str>] = &[None, Some("jwt")];

/// A statement need not expire. Longer than a century is never.
const TIMES: TimeRules =
    TimeRules { expiry_required: false, most_lifetime_secs: 100 * 365 * 86_400, most_age_secs: None };

/// Claims that say something about the statement or about a registration, not about the software.
const NOT_METADATA: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "client_id_issued_at",
    "client_secret",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
    MEMBER,
];

/// The two forms of keys.
const KEYS: [&str; 2] = ["jwks", "jwks_uri"];

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct StatementFacts<'a> {
    /// The issuer whose key has signed the statement.
    pub trusted: &'a TrustedIssuer,
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// A statement of an issuer that is trusted for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareStatement {
    text: String,
    issuer: String,
    metadata: Object,
}

impl SoftwareStatement {
    /// Judges the claims of a statement whose signature a key of the issuer verifies.
    ///
    /// # Errors
    /// `unapproved_software_statement` if the issuer is not trusted for statements, `invalid_software_statement` for any
    /// other reason ([RFC 7591 §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
    pub fn accept(text: &str, claims: Claims, facts: StatementFacts<'_>) -> Result<Self, MetadataFault> {
        issuer_is_trusted(&claims, facts.trusted)?;
        claims.times_hold(facts.now, TIMES).map_err(|fault| MetadataFault::statement_unverified(&fault))?;
        audience_includes_this_server(&claims, facts.issuer)?;
        software_is_named(&claims)?;
        let mut metadata = claims.into_object();
        metadata.retain(|name, value| !NOT_METADATA.contains(&name.as_str()) && !value.is_null());
        Ok(Self { text: text.to_owned(), issuer: facts.trusted.issuer.clone(), metadata })
    }

    /// The statement as the client sent it, which "MUST be returned unmodified" ([RFC 7591
    /// §3.2.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1)).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who has signed it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The members of a registration with what the statement says instead: "client metadata values conveyed in the software
    /// statement MUST take precedence over those conveyed using plain JSON elements" ([RFC 7591
    /// §3.1.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.1.1)). Keys are one thing in two forms.
    pub fn merged(&self, plain: &Object) -> Object {
        let mut merged = plain.clone();
        if KEYS.iter().any(|name| self.metadata.contains_key(*name)) {
            merged.retain(|name, _| !KEYS.contains(&name.as_str()));
        }
        merged.extend(self.metadata.clone());
        merged
    }
}

/// The statement in the members of a registration.
///
/// # Errors
/// If it is not text.
pub fn software_statement(members: &Object) -> Result<Option<&str>, MetadataFault> {
    match members.get(MEMBER) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid("must be a string")),
    }
}

impl MetadataFault {
    /// Nobody here has decided to trust the issuer of the statement.
    pub fn statement_of_stranger() -> Self {
        let description =
            "the issuer of software_statement is not trusted for software statements".to_owned();
        Self { code: ErrorCode::UnapprovedSoftwareStatement, description }
    }

    /// No key of the issuer verifies the statement, or a time in it does not fit.
    pub fn statement_unverified(fault: &JwtFault) -> Self {
        invalid(&format!("is not accepted: {fault}"))
    }

    /// The issuer has no keys that verify anything.
    pub fn statement_without_keys() -> Self {
        invalid("cannot be verified: its issuer publishes no keys that can be used")
    }
}

fn invalid(words: &str) -> MetadataFault {
    let description = format!("{MEMBER} {words}");
    MetadataFault { code: ErrorCode::InvalidSoftwareStatement, description }
}

/// An issuer that is trusted for something else is a stranger here.
fn issuer_is_trusted(claims: &Claims, trusted: &TrustedIssuer) -> Result<(), MetadataFault> {
    let is_of_issuer = claims.text("iss") == Ok(Some(&trusted.issuer));
    if is_of_issuer && trusted.settings.has(Purpose::SoftwareStatement) {
        Ok(())
    } else {
        Err(MetadataFault::statement_of_stranger())
    }
}

/// A statement is usually meant for many servers and names none; one that names some must name this one.
fn audience_includes_this_server(claims: &Claims, issuer: &str) -> Result<(), MetadataFault> {
    let is_for_all = claims.get("aud").is_none();
    if is_for_all || claims.audiences().is_ok_and(|audiences| audiences.contains(&issuer)) {
        Ok(())
    } else {
        Err(invalid("is for another server: aud is not the issuer of this one"))
    }
}

/// `software_id` distinguishes a statement from another token of the same issuer ([RFC 8725
/// §3.12](https://www.rfc-editor.org/rfc/rfc8725#section-3.12)), because it has no `typ` of its own.
fn software_is_named(claims: &Claims) -> Result<(), MetadataFault> {
    claims
        .required_text("software_id")
        .map(drop)
        .map_err(|_| invalid("must name the software in software_id"))
}

#[cfg(test)]
mod tests {
    use domain::id::TrustedIssuerId;
    use serde_json::json;

    use super::*;
    use crate::trusted_issuer::IssuerSettings;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const SERVER: &str = "https://gate.example";
    const VENDOR: &str = "https://vendor.example";

    fn trusted(purposes: &[Purpose]) -> TrustedIssuer {
        TrustedIssuer {
            id: TrustedIssuerId::new(1),
            issuer: VENDOR.to_owned(),
            settings: IssuerSettings { purposes: purposes.to_vec(), ..IssuerSettings::default() },
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn accept_of(changes: &Value, purposes: &[Purpose]) -> Result<SoftwareStatement, MetadataFault> {
        let mut claims = json!({"iss": VENDOR, "software_id": "crane", "client_name": "Crane"});
        let all = claims.as_object_mut().unwrap();
        all.extend(changes.as_object().unwrap().clone());
        all.retain(|_, value| !value.is_null());
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let facts = StatementFacts { trusted: &trusted(purposes), issuer: SERVER, now: NOW };
        SoftwareStatement::accept("a.b.c", claims, facts)
    }

    fn accept(changes: &Value) -> Result<SoftwareStatement, MetadataFault> {
        accept_of(changes, &[Purpose::SoftwareStatement])
    }

    #[test]
    fn an_issuer_that_is_trusted_for_something_else_is_a_stranger() {
        let others: Vec<Purpose> =
            Purpose::ALL.iter().copied().filter(|purpose| *purpose != Purpose::SoftwareStatement).collect();
        for (changes, purposes) in
            [(json!({}), &others[..]), (json!({"iss": "https://other.example"}), Purpose::ALL)]
        {
            let fault = accept_of(&changes, purposes).unwrap_err();
            assert_eq!(fault.code, ErrorCode::UnapprovedSoftwareStatement);
        }
    }

    #[test]
    fn a_statement_may_be_for_every_server_and_for_ever() {
        for changes in [
            json!({}),
            json!({"aud": SERVER}),
            json!({"aud": ["https://other.example", SERVER]}),
            json!({"exp": 1_800_000_001, "iat": 1_000_000_000}),
        ] {
            accept(&changes).unwrap();
        }
    }

    #[test]
    fn a_statement_that_breaks_a_rule_is_invalid() {
        for changes in [
            json!({"aud": "https://other.example"}),
            json!({"aud": []}),
            json!({"aud": 7}),
            json!({"exp": 1_800_000_000}),
            json!({"exp": "never"}),
            json!({"nbf": 1_800_000_061}),
            json!({"iat": 1_800_000_061}),
            json!({"software_id": null}),
            json!({"software_id": ""}),
            json!({"software_id": 7}),
        ] {
            let fault = accept(&changes).expect_err(&changes.to_string());
            assert_eq!(fault.code, ErrorCode::InvalidSoftwareStatement, "{changes}");
        }
    }

    #[test]
    fn its_claims_replace_the_plain_members_and_never_credentials() {
        let statement = accept(&json!({
            "sub": "x", "client_id": "mine", "client_secret": "s", "registration_access_token": "t",
            "software_statement": "a.b.c", "jwks_uri": "https://vendor.example/keys",
        }))
        .unwrap();
        let plain = json!({
            "client_name": "Mine", "scope": "openid", "client_id": "own", "jwks": {"keys": []},
            "jwks_uri": "https://other.example/keys", "software_statement": "a.b.c",
        });
        let merged = statement.merged(plain.as_object().unwrap());
        let expected = json!({
            "client_name": "Crane", "software_id": "crane", "scope": "openid", "client_id": "own",
            "jwks_uri": "https://vendor.example/keys", "software_statement": "a.b.c",
        });
        assert_eq!(Value::Object(merged), expected);
    }

    #[test]
    fn only_a_text_is_a_statement() {
        for (members, expected) in [
            (json!({}), Some(None)),
            (json!({"software_statement": null}), Some(None)),
            (json!({"software_statement": "a.b.c"}), Some(Some("a.b.c"))),
            (json!({"software_statement": {}}), None),
        ] {
            assert_eq!(software_statement(members.as_object().unwrap()).ok(), expected);
        }
    }
}
