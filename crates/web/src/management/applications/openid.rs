//! The members of OpenID Connect of an application, in the spelling of the management API.

use oauth::application::OpenIdMetadata;
use oauth::application::SubjectType;
use serde_json::{Map, Value};

use crate::json::{Fields, PayloadFaults, parse};

/// The names of all members.
const MEMBERS: [&str; 14] = [
    "subjectType",
    "sectorIdentifierUri",
    "idTokenSignedResponseAlg",
    "userinfoSignedResponseAlg",
    "defaultMaxAge",
    "requireAuthTime",
    "defaultAcrValues",
    "postLogoutRedirectUris",
    "initiateLoginUri",
    "frontchannelLogoutUri",
    "frontchannelLogoutSessionRequired",
    "backchannelLogoutUri",
    "backchannelLogoutSessionRequired",
    "backchannelTokenDeliveryMode",
];

/// Parses the object outside of a request.
///
/// # Errors
/// All faults, and the names of all members, in a sentence.
pub fn parse_openid_members(text: &str) -> Result<OpenIdMetadata, String> {
    let json = parse(text.as_bytes()).map_err(|malformed| format!("is not JSON: {malformed}"))?;
    let faults = PayloadFaults::default();
    let metadata = read(Fields::of(&json, "", &faults));
    let faults = faults.into_details();
    if faults.is_empty() {
        return Ok(metadata);
    }
    let sentences: Vec<String> =
        faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    Err(format!("{}; the members are {}", sentences.join("; ").trim_start(), MEMBERS.join(", ")))
}

/// Reads the object; it replaces every member.
pub(super) fn read(mut fields: Fields<'_>) -> OpenIdMetadata {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let subject_type = fields.string("subjectType").map(SubjectType::from_name);
    if subject_type == Some(None) {
        fields.fault("subjectType", "must be public or pairwise");
    }
    let mut text = |name| fields.string(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let metadata = OpenIdMetadata {
        subject_type: subject_type.flatten().unwrap_or_default(),
        sector_identifier_uri: text("sectorIdentifierUri"),
        id_token_signed_response_alg: text("idTokenSignedResponseAlg"),
        userinfo_signed_response_alg: text("userinfoSignedResponseAlg"),
        initiate_login_uri: text("initiateLoginUri"),
        frontchannel_logout_uri: text("frontchannelLogoutUri"),
        backchannel_logout_uri: text("backchannelLogoutUri"),
        backchannel_token_delivery_mode: text("backchannelTokenDeliveryMode"),
        default_max_age: fields.integer("defaultMaxAge"),
        require_auth_time: fields.boolean("requireAuthTime").unwrap_or(false),
        default_acr_values: fields.strings("defaultAcrValues").map(owned).unwrap_or_default(),
        post_logout_redirect_uris: fields.strings("postLogoutRedirectUris").map(owned).unwrap_or_default(),
        frontchannel_logout_session_required: fields
            .boolean("frontchannelLogoutSessionRequired")
            .unwrap_or(false),
        backchannel_logout_session_required: fields
            .boolean("backchannelLogoutSessionRequired")
            .unwrap_or(false),
    };
    fields.finish();
    metadata
}

/// The object in responses, without members that have their default; `None` if all have it.
pub(super) fn shown(metadata: &OpenIdMetadata) -> Option<Value> {
    let mut members = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let flag = |flag: bool| flag.then_some(Value::Bool(true));
    let list = |list: &[String]| (!list.is_empty()).then(|| Value::from(list.to_vec()));
    let pairwise = metadata.subject_type == SubjectType::Pairwise;
    set("subjectType", pairwise.then(|| metadata.subject_type.as_str().into()));
    set("sectorIdentifierUri", text(&metadata.sector_identifier_uri));
    set("idTokenSignedResponseAlg", text(&metadata.id_token_signed_response_alg));
    set("userinfoSignedResponseAlg", text(&metadata.userinfo_signed_response_alg));
    set("defaultMaxAge", metadata.default_max_age.map(Value::from));
    set("requireAuthTime", flag(metadata.require_auth_time));
    set("defaultAcrValues", list(&metadata.default_acr_values));
    set("postLogoutRedirectUris", list(&metadata.post_logout_redirect_uris));
    set("initiateLoginUri", text(&metadata.initiate_login_uri));
    set("frontchannelLogoutUri", text(&metadata.frontchannel_logout_uri));
    set("frontchannelLogoutSessionRequired", flag(metadata.frontchannel_logout_session_required));
    set("backchannelLogoutUri", text(&metadata.backchannel_logout_uri));
    set("backchannelLogoutSessionRequired", flag(metadata.backchannel_logout_session_required));
    set("backchannelTokenDeliveryMode", text(&metadata.backchannel_token_delivery_mode));
    (!members.is_empty()).then(|| members.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_read_shown_and_named_in_errors() {
        let all = r#"{"subjectType":"pairwise","sectorIdentifierUri":"https://a.example/s","idTokenSignedResponseAlg":"ES256",
            "userinfoSignedResponseAlg":"ES256","defaultMaxAge":5,"requireAuthTime":true,"defaultAcrValues":["a"],
            "postLogoutRedirectUris":["https://a.example/"],"initiateLoginUri":"https://a.example/in","frontchannelLogoutUri":"https://a.example/f",
            "frontchannelLogoutSessionRequired":true,"backchannelLogoutUri":"https://a.example/b",
            "backchannelLogoutSessionRequired":true,"backchannelTokenDeliveryMode":"poll"}"#;
        let metadata = parse_openid_members(all).unwrap();
        let shown = shown(&metadata).unwrap();
        let mut names: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        let mut members = MEMBERS.to_vec();
        names.sort_unstable();
        members.sort_unstable();
        assert_eq!(names, members);
        let fault = parse_openid_members(r#"{"colour":"red"}"#).unwrap_err();
        assert!(fault.starts_with("colour is not a member") && fault.contains("subjectType"), "{fault}");
    }
}
