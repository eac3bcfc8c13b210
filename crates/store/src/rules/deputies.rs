//! Tracks credentials that somebody who acted on behalf of the owner of an application has provided.
//!
//! Such a person must not get the rights of the owner, which an application with the grant type `client_credentials` has.
//! While the application has another grant type, the person may manage it with its credentials. They must be replaced before
//! the owner makes it act for the owner.

use domain::audit::NewAuditEvent;
use oauth::application::{ApplicationSettings, GrantType, KnownToDeputies};
use oauth::client_authentication::AcceptedCredential;
use oauth::registration::InvalidField;

use super::SecretsAfter;
use crate::ApplicationRefusal;

/// Notes in the settings who knows the secret after a write that makes one. `replaces_all` says whether no other is
/// left.
pub fn note_new_secret(event: &NewAuditEvent, settings: &mut ApplicationSettings, replaces_all: bool) {
    let known = &mut settings.client_metadata.deputies.secret;
    *known = event.is_by_deputy() || *known && !replaces_all;
}

/// Notes in the settings of a new application who knows its credentials.
pub fn note_first_credentials(event: &NewAuditEvent, settings: &mut ApplicationSettings, has_secret: bool) {
    let metadata = &mut settings.client_metadata;
    metadata.deputies = KnownToDeputies {
        secret: event.is_by_deputy() && has_secret,
        keys: event.is_by_deputy() && metadata.authentication.has_keys(),
    };
}

/// Notes the same in the settings that replace others.
pub fn note_credentials(
    event: &NewAuditEvent,
    before: &ApplicationSettings,
    settings: &mut ApplicationSettings,
    secrets: &SecretsAfter<'_>,
) {
    let (old, new) = (&before.client_metadata, &mut settings.client_metadata);
    new.deputies.secret = match secrets {
        SecretsAfter::Same | SecretsAfter::Unreadable => old.deputies.secret,
        SecretsAfter::Deleted => false,
        SecretsAfter::ReplacedBy(_) => event.is_by_deputy(),
    };
    let (before, after) = (&old.authentication, &new.authentication);
    new.deputies.keys = if event.is_by_deputy() && after.keys_differ_from(before) {
        after.has_keys()
    } else {
        old.deputies.keys && !after.has_no_keys_of(before)
    };
}

/// An application acts for its owner only with credentials that nobody else has provided.
///
/// # Errors
/// [`ApplicationRefusal::Faulty`].
pub fn owner_alone_knows_the_credentials(settings: &ApplicationSettings) -> Result<(), ApplicationRefusal> {
    let metadata = &settings.client_metadata;
    let is_secret = AcceptedCredential::of(settings).is_secret();
    let (is_known, remedy) = if is_secret {
        (metadata.deputies.secret, "knows the secret; reset it first")
    } else {
        (metadata.deputies.keys, "has provided the keys; replace them in the same request")
    };
    if !is_known || !settings.grant_types.contains(&GrantType::ClientCredentials) {
        return Ok(());
    }
    Err(ApplicationRefusal::Faulty(vec![InvalidField {
        field: "grantTypes".to_owned(),
        message: format!(
            "cannot contain client_credentials, because somebody who acted on behalf of the owner {remedy}"
        ),
        lacks_right: false,
    }]))
}
