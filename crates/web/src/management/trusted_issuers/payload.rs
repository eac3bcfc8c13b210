//! The payload about a trusted issuer.

use std::collections::BTreeMap;

use app::management::trusted_issuers::faults;
use oauth::signing::JwsAlgorithm;
use oauth::trusted_issuer::{Audience, IssuerSettings, NewTrustedIssuer, Purpose, SubjectKind, Workload};

use super::super::key_set;
use super::super::refusal::judged;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::Detail;

/// The payload for creating and replacing a trusted issuer. An omitted member has its default.
#[derive(Debug)]
pub(crate) struct TrustedIssuerPayload(NewTrustedIssuer);

impl FromJson for TrustedIssuerPayload {
    /// Members that only the server sets may be sent back.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "createdAt", "updatedAt"]);
        let issuer = fields.required_string("issuer").unwrap_or_default().to_owned();
        let settings = settings(&mut fields, faults);
        fields.finish();
        Self(NewTrustedIssuer { issuer, settings })
    }
}

impl TrustedIssuerPayload {
    pub(super) fn content(&self) -> Result<NewTrustedIssuer, Vec<Detail>> {
        judged(faults(&self.0)).map(|()| self.0.clone())
    }
}

fn settings(fields: &mut Fields<'_>, faults: &PayloadFaults) -> IssuerSettings {
    let initial = IssuerSettings::default();
    let audience =
        fields.string("audience").map(|name| Audience::find(name).ok_or("issuer or token_endpoint"));
    let subject_is =
        fields.string("subjectIs").map(|name| SubjectKind::find(name).ok_or("user_name, email or listed"));
    IssuerSettings {
        jwks: key_set::read(fields),
        jwks_uri: fields.string("jwksUri").map(str::to_owned),
        algorithms: words(fields, "algorithms", JwsAlgorithm::NAMES, JwsAlgorithm::from_name),
        purposes: words(
            fields,
            "purposes",
            "identity_assertion, jwt_bearer, workload, access_token, software_statement or client_attestation",
            Purpose::find,
        ),
        audience: known(fields, "audience", audience),
        subject_claim: fields.string("subjectClaim").map_or(initial.subject_claim, str::to_owned),
        subject_is: known(fields, "subjectIs", subject_is),
        subjects: table(fields, "subjects"),
        clients: texts(fields, "clients"),
        resources: texts(fields, "resources"),
        scopes: texts(fields, "scopes"),
        scope_names: table(fields, "scopeNames"),
        service: fields.string("service").map(str::to_owned),
        untyped_access_tokens: fields.boolean("untypedAccessTokens").unwrap_or_default(),
        workloads: workloads(fields, faults),
        reusable_assertions: fields.boolean("reusableAssertions").unwrap_or_default(),
        workload_grant: fields.boolean("workloadGrant").unwrap_or_default(),
    }
}

/// The value of a member that must be one of a few words.
fn known<T: Default>(fields: &Fields<'_>, name: &str, read: Option<Result<T, &str>>) -> T {
    match read {
        None => T::default(),
        Some(Ok(value)) => value,
        Some(Err(words)) => {
            fields.fault(name, format!("must be {words}"));
            T::default()
        }
    }
}

fn words<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    known: &str,
    find: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let given = fields.strings(name).unwrap_or_default();
    let mut found = Vec::with_capacity(given.len());
    for (at, word) in given.into_iter().enumerate() {
        match find(word) {
            Some(value) => found.push(value),
            None => fields.fault(&format!("{name}[{at}]"), format!("must be {known}")),
        }
    }
    found
}

fn texts(fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    fields.strings(name).unwrap_or_default().into_iter().map(str::to_owned).collect()
}

/// An object of texts.
fn table(fields: &mut Fields<'_>, name: &'static str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    match fields.value(name) {
        None => {}
        Some(Json::Object(members)) => {
            for (from, to) in members {
                match to {
                    Json::String(to) => {
                        entries.insert(from.clone(), to.clone());
                    }
                    _ => fields.fault(name, "must have only texts as values"),
                }
            }
        }
        Some(_) => fields.fault(name, "must be an object"),
    }
    entries
}

fn workloads(fields: &mut Fields<'_>, faults: &PayloadFaults) -> Vec<Workload> {
    let read = |element: &Json, path: &str| {
        let mut fields = Fields::of(element, path, faults);
        let workload = Workload {
            subject: fields.required_string("subject").unwrap_or_default().to_owned(),
            client: fields.required_string("client").unwrap_or_default().to_owned(),
        };
        fields.finish();
        workload
    };
    fields.array("workloads", read).unwrap_or_default()
}
