//! The texts of an application. Lengths are in Unicode scalar values.

use url::Url;

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ClientMetadata, ClientPages};
use domain::characters::{self, CharacterFault};

const LONGEST_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 256;
const MOST_CONTACTS: usize = 10;
const LONGEST_CONTACT: usize = 254;
const LONGEST_URL: usize = 2048;

/// Checks the name. A name that is already registered may stay as it is; pages show its faults.
pub(super) fn name(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> String {
    let Some(name) = payload.name.as_deref() else {
        findings.fault("name", "is required");
        return String::new();
    };
    let name = name.trim();
    if name.is_empty() {
        findings.fault("name", "must not be empty");
    }
    not_too_long("name", name, LONGEST_NAME, findings);
    if context.existing.is_none_or(|existing| existing.name != name) {
        characters_are_plain("name", characters::check_name_of_application(name), findings);
    }
    name.to_owned()
}

/// Checks the description; it may contain line breaks and tabs.
pub(super) fn description(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> String {
    let description = payload.description.as_deref().unwrap_or_default().trim();
    not_too_long("description", description, LONGEST_DESCRIPTION, findings);
    if context.existing.is_none_or(|existing| existing.description != description) {
        let in_one_line = description.replace(['\n', '\r', '\t'], " ");
        characters_are_plain("description", characters::check(&in_one_line), findings);
    }
    description.to_owned()
}

pub(super) fn contacts(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
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
        let contact = contact.trim();
        if contact.is_empty() {
            findings.fault(&field, "must not be empty");
        }
        not_too_long(&field, contact, LONGEST_CONTACT, findings);
        let known =
            context.existing.is_some_and(|existing| existing.contacts.iter().any(|old| old == contact));
        if !known {
            characters_are_plain(&field, characters::check(contact), findings);
        }
        kept.push(contact.to_owned());
    }
    kept
}

pub(super) fn logo_url(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let Some(asked) = payload.logo_url.as_deref() else {
        return context.existing.and_then(|existing| existing.logo_url.clone());
    };
    if asked.is_empty() {
        return None;
    }
    not_too_long("logoUrl", asked, LONGEST_URL, findings);
    match Url::parse(asked) {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => {
            findings.warn(
                "logoUrl",
                "is shown on the consent page as a URL: pages load no images from other sites",
            );
        }
        _ => findings.fault("logoUrl", "must be an https URL without a user name"),
    }
    if !asked.bytes().all(|byte| byte.is_ascii_graphic()) {
        findings.fault(
            "logoUrl",
            "must be printable ASCII; percent-encode other characters, or write a host in punycode",
        );
    }
    Some(asked.to_owned())
}

/// The pages for people.
pub(super) fn pages(
    payload: &ApplicationPayload,
    existing: &ClientMetadata,
    findings: &mut Findings,
) -> ClientPages {
    let Some(pages) = &payload.pages else { return existing.pages.clone() };
    for field in pages.faults() {
        findings.fault(
            field,
            "must be an http or https address of at most 2048 bytes, in printable ASCII and without a user name",
        );
    }
    pages.clone()
}

fn not_too_long(field: &str, text: &str, longest: usize, findings: &mut Findings) {
    let length = text.chars().count();
    if length > longest {
        findings.fault(field, format!("is {length} characters long; at most {longest} are allowed"));
    }
}

fn characters_are_plain(field: &str, checked: Result<(), CharacterFault>, findings: &mut Findings) {
    if let Err(fault) = checked {
        findings.fault(field, fault.to_string());
    }
}
