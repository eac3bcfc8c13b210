//! The output of `sluicegate application`.

use std::sync::Arc;

use domain::time::Timestamp;
use oauth::application::{Application, GrantType};
use oauth::scope::ScopeRegistry;
use serde_json::Value;
use web::application_in_json;

use crate::messages::date_time;
use crate::terminal::{say, show_json};

pub(super) fn show(application: &Application, now: Timestamp, registry: &Arc<ScopeRegistry>, as_json: bool) {
    let members = application_in_json(application, now, Arc::clone(registry));
    if as_json {
        return show_json(&members);
    }
    let settings = &application.settings;
    let grant_types: Vec<&str> = settings.grant_types.iter().copied().map(GrantType::as_str).collect();
    let last_used = application.last_used_at.map_or_else(|| "never".to_owned(), date_time);
    let handed_over =
        application.handed_over.as_ref().map_or_else(String::new, |handover| date_time(handover.at));
    let lines = [
        ("id", application.id.to_string()),
        ("name", settings.name.clone()),
        ("description", settings.description.clone()),
        ("clientId", application.client_id.to_string()),
        ("type", settings.client_type.as_str().to_owned()),
        ("profile", settings.profile.as_str().to_owned()),
        ("owner", application.owner_name.clone()),
        ("redirect URLs", settings.redirect_urls.join(" ")),
        ("grant types", grant_types.join(" ")),
        ("scopes", registry.text(&settings.scopes)),
        ("token life", settings.access_token_lifetime_secs.map_or_else(|| "limit 100".to_owned(), seconds)),
        ("contacts", settings.contacts.join(" ")),
        ("logo", settings.logo_url.clone().unwrap_or_default()),
        ("CORS origins", settings.cors_origins.join(" ")),
        ("registered", format!("{} by {}", date_time(application.created_at), application.created_by())),
        ("handed over", handed_over),
        ("last used", format!("{last_used} (updated once a minute)")),
    ];
    for (name, value) in lines {
        say(&format!("{name:14} {value}"));
    }
    for (name, value) in others(&members) {
        say(&format!("{name:14} {value}"));
    }
    for secret in application.live_secrets(now) {
        let end = secret.expires_at.map_or_else(String::new, |end| format!(", ends {}", date_time(end)));
        say(&format!(
            "secret {:7} …{}, created {}{end}",
            secret.id,
            secret.hint,
            date_time(secret.created_at)
        ));
    }
}

/// The members that [`show`] has words of its own for.
const IN_WORDS: [&str; 19] = [
    "id",
    "name",
    "description",
    "clientId",
    "clientType",
    "profile",
    "redirectUrls",
    "grantTypes",
    "scopes",
    "accessTokenLifetime",
    "contacts",
    "logoUrl",
    "corsOrigins",
    "createdAt",
    "createdBy",
    "handedOverTo",
    "handedOverAt",
    "lastUsedAt",
    "secrets",
];

/// Every other member of the management API that is set, by its name there.
fn others(members: &Value) -> Vec<(&str, String)> {
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(elements) => !elements.is_empty(),
        _ => true,
    };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = members.as_object().into_iter().flatten();
    let others = members.filter(|(name, value)| !IN_WORDS.contains(&name.as_str()) && is_set(value));
    others.map(|(name, value)| (name.as_str(), shown(value))).collect()
}

fn seconds(count: u32) -> String {
    format!("{count} s")
}
