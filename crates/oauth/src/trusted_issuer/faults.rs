//! What the content of an issuer may be.

use domain::id::ClientId;
use url::Url;

use super::{IssuerSettings, NewTrustedIssuer, Purpose, SubjectKind, SubjectPattern};

/// The maximum number of elements of a list.
const MOST_ELEMENTS: usize = 100;
/// The maximum number of entries of the tables of subjects and workloads.
const MOST_ENTRIES: usize = 1_000;
/// The maximum number of characters of a name or a subject.
const LONGEST_NAME: usize = 256;
/// The maximum number of characters of a URL.
const LONGEST_URL: usize = 1_024;
/// The maximum number of characters of the name of a service.
const LONGEST_SERVICE: usize = 64;

/// A fault of the content of an issuer, to follow the name of its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// It is not a usable URL.
    #[error(
        "must be an https URL of at most {LONGEST_URL} characters, without user information and fragment"
    )]
    NotHttps,
    /// `iss` has a query.
    #[error("must not have a query")]
    HasQuery,
    /// Keys are given in two ways.
    #[error("must not be given together with jwks")]
    KeysTwice,
    /// Nothing is accepted.
    #[error(
        "must name at least one of identity_assertion, jwt_bearer, workload, access_token, software_statement and \
         client_attestation"
    )]
    NoPurpose,
    /// A list is too long.
    #[error("has too many elements")]
    TooMany,
    /// A text is empty, too long or has a control character.
    #[error("must have 1 to {LONGEST_NAME} characters, none of which is a control character")]
    NotAName,
    /// Tokens about users need the clients that may present them, and attestations those that they are about.
    #[error("must name the clients for which tokens about users and attestations are accepted, or * for all")]
    NoClient,
    /// The table of subjects is empty.
    #[error("must name a user for at least one value, because subjectIs is listed")]
    NoSubject,
    /// A resource is not a URL.
    #[error("must be an absolute URL without a fragment")]
    NotAResource,
    /// The name of the service is malformed.
    #[error("must have 1 to {LONGEST_SERVICE} characters out of letters, digits, dot, underscore and hyphen")]
    NotAService,
    /// Access tokens need the name of a service.
    #[error("must be given, because purposes names access_token")]
    NoService,
    /// Workloads are needed.
    #[error("must map at least one subject to an application, because purposes names workload")]
    NoWorkload,
    /// A pattern is malformed.
    #[error(
        "must begin with another character than *, and have 1 to {LONGEST_NAME} characters and at most 4 *"
    )]
    NotAPattern,
    /// A client id is malformed.
    #[error("must be a client id")]
    NotAClientId,
}

impl NewTrustedIssuer {
    /// All faults, each with the path of its member in the management API.
    pub fn faults(&self) -> Vec<(String, IssuerFault)> {
        let mut faults = Vec::new();
        match https(&self.issuer) {
            None => faults.push(("issuer".to_owned(), IssuerFault::NotHttps)),
            Some(url) if url.query().is_some() => faults.push(("issuer".to_owned(), IssuerFault::HasQuery)),
            Some(_) => {}
        }
        self.settings.key_faults(&mut faults);
        self.settings.purpose_faults(&mut faults);
        self.settings.list_faults(&mut faults);
        self.settings.workload_faults(&mut faults);
        faults
    }
}

type Faults = Vec<(String, IssuerFault)>;

impl IssuerSettings {
    /// Whether some of its tokens are about users.
    fn is_about_users(&self) -> bool {
        let others = [Purpose::Workload, Purpose::SoftwareStatement, Purpose::ClientAttestation];
        self.purposes.iter().any(|purpose| !others.contains(purpose))
    }

    fn key_faults(&self, faults: &mut Faults) {
        let Some(uri) = &self.jwks_uri else { return };
        if https(uri).is_none() {
            faults.push(("jwksUri".to_owned(), IssuerFault::NotHttps));
        }
        if self.jwks.is_some() {
            faults.push(("jwksUri".to_owned(), IssuerFault::KeysTwice));
        }
    }

    fn purpose_faults(&self, faults: &mut Faults) {
        let mut needs = |is_missing: bool, field: &str, fault| {
            if is_missing {
                faults.push((field.to_owned(), fault));
            }
        };
        needs(self.purposes.is_empty(), "purposes", IssuerFault::NoPurpose);
        let is_about_clients = self.is_about_users() || self.has(Purpose::ClientAttestation);
        needs(is_about_clients && self.clients.is_empty(), "clients", IssuerFault::NoClient);
        let is_listed = self.subject_is == SubjectKind::Listed && self.is_about_users();
        needs(is_listed && self.subjects.is_empty(), "subjects", IssuerFault::NoSubject);
        let is_service = self.has(Purpose::AccessToken);
        needs(is_service && self.service.is_none(), "service", IssuerFault::NoService);
        let is_workload = self.has(Purpose::Workload);
        needs(is_workload && self.workloads.is_empty(), "workloads", IssuerFault::NoWorkload);
        let malformed = self.service.as_deref().is_some_and(|service| !is_service_name(service));
        needs(malformed, "service", IssuerFault::NotAService);
    }

    fn list_faults(&self, faults: &mut Faults) {
        let mut check = |field: String, is_valid: bool, fault| {
            if !is_valid {
                faults.push((field, fault));
            }
        };
        check("subjectClaim".to_owned(), is_name(&self.subject_claim), IssuerFault::NotAName);
        let lists = [("clients", &self.clients), ("resources", &self.resources), ("scopes", &self.scopes)];
        for (name, list) in lists {
            check(name.to_owned(), list.len() <= MOST_ELEMENTS, IssuerFault::TooMany);
            for (at, element) in list.iter().enumerate().take(MOST_ELEMENTS) {
                let fault =
                    if name == "resources" { IssuerFault::NotAResource } else { IssuerFault::NotAName };
                let is_valid = if name == "resources" { is_resource(element) } else { is_name(element) };
                check(format!("{name}[{at}]"), is_valid, fault);
            }
        }
        check("purposes".to_owned(), self.purposes.len() <= Purpose::ALL.len(), IssuerFault::TooMany);
        check("algorithms".to_owned(), self.algorithms.len() <= MOST_ELEMENTS, IssuerFault::TooMany);
        for (name, table) in [("subjects", &self.subjects), ("scopeNames", &self.scope_names)] {
            check(name.to_owned(), table.len() <= MOST_ENTRIES, IssuerFault::TooMany);
            let are_names = table.iter().all(|(from, to)| is_name(from) && is_name(to));
            check(name.to_owned(), are_names, IssuerFault::NotAName);
        }
    }

    fn workload_faults(&self, faults: &mut Faults) {
        if self.workloads.len() > MOST_ENTRIES {
            faults.push(("workloads".to_owned(), IssuerFault::TooMany));
        }
        for (at, workload) in self.workloads.iter().enumerate().take(MOST_ENTRIES) {
            if SubjectPattern::parse(&workload.subject).is_none() || !is_name(&workload.subject) {
                faults.push((format!("workloads[{at}].subject"), IssuerFault::NotAPattern));
            }
            if workload.client.parse::<ClientId>().is_err() {
                faults.push((format!("workloads[{at}].client"), IssuerFault::NotAClientId));
            }
        }
    }
}

fn https(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST_URL && text.starts_with("https://"))?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (is_plain && url.has_host()).then_some(url)
}

fn is_resource(text: &str) -> bool {
    text.len() <= LONGEST_URL && Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn is_service_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= LONGEST_SERVICE && text.bytes().all(is_allowed)
}
