//! The texts of an application. Lengths count Unicode scalar values.

use url::Url;

use super::{ApplicationPayload, Context, Findings};

const LONGEST_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 256;
const MOST_CONTACTS: usize = 10;
const LONGEST_CONTACT: usize = 254;
const LONGEST_URL: usize = 2048;

pub(super) fn name(payload: &ApplicationPayload, findings: &mut Findings) -> String {
    let Some(name) = payload.name.as_deref() else {
        findings.fault("name", "is required");
        return String::new();
    };
    let name = name.trim();
    if name.is_empty() {
        findings.fault("name", "must not be empty");
    }
    checked("name", name, LONGEST_NAME, findings)
}

pub(super) fn description(payload: &ApplicationPayload, findings: &mut Findings) -> String {
    let description = payload.description.as_deref().unwrap_or_default();
    let printable = description.replace(['\n', '\r', '\t'], " ");
    checked("description", printable.trim(), LONGEST_DESCRIPTION, findings);
    description.trim().to_owned()
}

pub(super) fn contacts(
    payload: &ApplicationPayload,
    context: Context<'_>,
    findings: &mut Findings,
) -> Vec<String> {
    let Some(contacts) = &payload.contacts else {
        return context.existing.map(|existing| existing.contacts.clone()).unwrap_or_default();
    };
    if contacts.len() > MOST_CONTACTS {
        findings.fault(
            "contacts",
            format!("has {} entries; at most {MOST_CONTACTS} are allowed", contacts.len()),
        );
        return Vec::new();
    }
    let mut kept = Vec::new();
    for (at, contact) in contacts.iter().enumerate() {
        let field = format!("contacts[{at}]");
        if contact.trim().is_empty() {
            findings.fault(&field, "must not be empty");
        }
        kept.push(checked(&field, contact.trim(), LONGEST_CONTACT, findings));
    }
    kept
}

pub(super) fn logo_url(
    payload: &ApplicationPayload,
    context: Context<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let Some(asked) = payload.logo_url.as_deref() else {
        return context.existing.and_then(|existing| existing.logo_url.clone());
    };
    if asked.is_empty() {
        return None;
    }
    let text = checked("logoUrl", asked, LONGEST_URL, findings);
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => {}
        _ => findings.fault("logoUrl", "must be an https URL without a user name"),
    }
    Some(text)
}

fn checked(field: &str, text: &str, longest: usize, findings: &mut Findings) -> String {
    let length = text.chars().count();
    if length > longest {
        findings.fault(field, format!("is {length} characters long; at most {longest} are allowed"));
    }
    if text.chars().any(is_unprintable) {
        findings.fault(field, "must not contain control characters");
    }
    text.to_owned()
}

/// Controls, and the invisible characters that turn the direction of text around and so make a name look like another.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}
