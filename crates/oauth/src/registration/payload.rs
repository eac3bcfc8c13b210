//! The JSON of an application as it was sent.

use serde_json::{Map, Value};

use super::{Fault, Findings};

/// The members of a payload that are understood, of the right types and no more than that. What was left out, or is
/// `null`, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationPayload {
    /// `name`.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `redirectUrls`.
    pub redirect_urls: Option<Vec<String>>,
    /// `profile`.
    pub profile: Option<String>,
    /// `grantTypes`.
    pub grant_types: Option<Vec<String>>,
    /// `scopes`.
    pub scopes: Option<Vec<String>>,
    /// `clientType`.
    pub client_type: Option<String>,
    /// `tokenFormat`.
    pub token_format: Option<String>,
    /// `accessTokenLifetime`, in seconds.
    pub access_token_lifetime: Option<i64>,
    /// `contacts`.
    pub contacts: Option<Vec<String>>,
    /// `logoUrl`; an empty one takes the picture away.
    pub logo_url: Option<String>,
}

/// What an answer carries and a request may therefore carry too, to no effect.
const READ_ONLY: &[&str] = &[
    "id",
    "clientId",
    "clientSecret",
    "createdAt",
    "updatedAt",
    "createdBy",
    "lastUsedAt",
    "secrets",
    "warnings",
];

impl ApplicationPayload {
    /// Reads a payload; the wrapped form `{"applications":[{…}]}` with exactly one element too, which older samples of
    /// Hybrid Data Pipeline register with.
    ///
    /// # Errors
    /// Every member that is unknown or of the wrong type.
    pub fn read(json: &Value) -> Result<Self, Vec<Fault>> {
        let mut findings = Findings::default();
        let Some(members) = unwrapped(json, &mut findings) else { return Err(findings.faults) };
        let mut payload = Self::default();
        for (name, value) in members {
            payload.take(name, value, &mut findings);
        }
        if findings.faults.is_empty() { Ok(payload) } else { Err(findings.faults) }
    }

    fn take(&mut self, name: &str, value: &Value, findings: &mut Findings) {
        match name {
            _ if READ_ONLY.contains(&name) => {}
            "name" => self.name = text(name, value, findings),
            "description" => self.description = text(name, value, findings),
            "redirectUrls" => self.redirect_urls = texts(name, value, findings),
            "profile" => self.profile = text(name, value, findings),
            "grantTypes" => self.grant_types = texts(name, value, findings),
            "scopes" => self.scopes = texts(name, value, findings),
            "clientType" => self.client_type = text(name, value, findings),
            "tokenFormat" => self.token_format = text(name, value, findings),
            "accessTokenLifetime" => self.access_token_lifetime = whole_number(name, value, findings),
            "contacts" => self.contacts = texts(name, value, findings),
            "logoUrl" => self.logo_url = text(name, value, findings),
            _ => findings.fault(shown(name), "is no member of an application"),
        }
    }
}

fn unwrapped<'a>(json: &'a Value, findings: &mut Findings) -> Option<&'a Map<String, Value>> {
    let Value::Object(members) = json else {
        findings.fault("body", "must be a JSON object");
        return None;
    };
    let Some(Value::Array(wrapped)) = members.get("applications").filter(|_| members.len() == 1) else {
        return Some(members);
    };
    if let [Value::Object(only)] = wrapped.as_slice() {
        return Some(only);
    }
    findings.fault("applications", "must hold exactly one application");
    None
}

fn text(name: &str, value: &Value, findings: &mut Findings) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        _ => {
            findings.fault(name, "must be a string");
            None
        }
    }
}

fn texts(name: &str, value: &Value, findings: &mut Findings) -> Option<Vec<String>> {
    let elements = match value {
        Value::Null => return None,
        Value::Array(elements) => elements,
        _ => {
            findings.fault(name, "must be an array of strings");
            return None;
        }
    };
    let mut texts = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        match element {
            Value::String(text) => texts.push(text.clone()),
            _ => findings.fault(format!("{name}[{at}]"), "must be a string"),
        }
    }
    Some(texts)
}

fn whole_number(name: &str, value: &Value, findings: &mut Findings) -> Option<i64> {
    match value {
        Value::Null => None,
        _ if value.as_i64().is_some() => value.as_i64(),
        _ => {
            findings.fault(name, "must be a whole number of seconds");
            None
        }
    }
}

/// An unknown name, cut to a length that fits a message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
