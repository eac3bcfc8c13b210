//! The payload for an initial access token.

use app::management::initial_access_tokens::terms;
use domain::time::Timestamp;
use oauth::client_registration::InitialAccessTokenDraft;

use super::super::refusal::details;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{Detail, from_rfc3339};

/// For whom the token is, until when it is valid and how many clients may register with it.
#[derive(Debug)]
pub(crate) struct InitialAccessTokenPayload(InitialAccessTokenDraft);

impl FromJson for InitialAccessTokenPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let draft = InitialAccessTokenDraft {
            description: fields.string("description").unwrap_or_default().to_owned(),
            expires_at: expiry(&mut fields),
            max_uses: fields.integer("maxUses"),
        };
        fields.finish();
        Self(draft)
    }
}

fn expiry(fields: &mut Fields<'_>) -> Option<Timestamp> {
    const NAME: &str = "expiresAt";
    let text = fields.string(NAME)?;
    let at = from_rfc3339(text);
    if at.is_none() {
        fields.fault(NAME, "must be a time such as 2030-12-31T00:00:00Z");
    }
    at
}

impl InitialAccessTokenPayload {
    pub(super) fn draft(&self, now: Timestamp) -> Result<InitialAccessTokenDraft, Vec<Detail>> {
        terms(&self.0, now).map(|_| self.0.clone()).map_err(details)
    }
}
