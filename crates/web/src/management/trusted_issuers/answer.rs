//! The wire form of a trusted issuer.

use oauth::trusted_issuer::{IssuerSettings, TrustedIssuer};
use serde::Serialize;

use crate::respond::management::rfc3339;

/// A trusted issuer. The names of the settings are the stored ones.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrustedIssuerResponse {
    id: i64,
    issuer: String,
    #[serde(flatten)]
    settings: IssuerSettings,
    created_at: String,
    updated_at: String,
}

impl From<TrustedIssuer> for TrustedIssuerResponse {
    fn from(trusted: TrustedIssuer) -> Self {
        Self {
            id: trusted.id.get(),
            issuer: trusted.issuer,
            settings: trusted.settings,
            created_at: rfc3339(trusted.created_at),
            updated_at: rfc3339(trusted.updated_at),
        }
    }
}

/// A list of trusted issuers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrustedIssuerList {
    pub(super) trusted_issuers: Vec<TrustedIssuerResponse>,
}
