//! The user whom a request names.

use std::sync::Arc;

use domain::id::UserId;
use oauth::application::Application;
use oauth::backchannel::{BackchannelRequest, UserHint};
use oauth::oidc::logout::Hint;
use oauth::refusal::Refusal;

use super::BackchannelService;
use crate::Fault;
use crate::node::entity_cache::{Account, Entities};
use crate::protocol::id_token_hint::IdTokenHints;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::subject;

/// How many users are read at once in search of a `sub`.
const USERS_PER_PAGE: u32 = 1_000;

/// How many times users are read; the search then ends without a result.
const MOST_PAGES: u32 = 100;

impl BackchannelService {
    /// The active user whom the request names. Hints are counted for the application, before the user is looked up, so
    /// that it cannot try out names; [`BackchannelService::authenticate`] does not count a hint that leads to a stored
    /// request.
    pub(super) async fn user_of(
        &self,
        wanted: &BackchannelRequest,
        application: &Application,
    ) -> Result<Arc<Account>, ProtocolRefusal> {
        let rates = &self.context.rates;
        let begun = rates.begin_user_hint(application.id, self.context.now());
        begun.map_err(|wait| RateLimits::of(&self.context).too_often(wait))?;
        let found = match &wanted.hint {
            UserHint::Name(name) => self.context.store.find_user_by_name(name).await?.map(|user| user.id),
            UserHint::IdToken(text) => {
                let hint = IdTokenHints::of(&self.context).read(text).ok_or(Refusal::IdTokenHintInvalid)?;
                self.user_of_hint(&hint, application).await?
            }
        };
        let account = match found {
            Some(id) => Entities::of(&self.context).account(id).await?,
            None => None,
        };
        let has_subject = |account: &Account| {
            let expected = wanted.subject.as_deref();
            expected.is_none_or(|expected| expected == subject::subject_of(&account.user, application))
        };
        let account = account.filter(|account| account.user.active && has_subject(account));
        Ok(account.ok_or(Refusal::UserHintUnknown)?)
    }

    /// The user with the `sub` of an ID token. A `sub` is a digest, so it is compared with those of the users who have
    /// allowed the application something; the ID token was issued for one of them. A user who has revoked that is unknown
    /// to the application.
    async fn user_of_hint(
        &self,
        hint: &Hint,
        application: &Application,
    ) -> Result<Option<UserId>, ProtocolRefusal> {
        if hint.client_id != application.client_id {
            return Err(Refusal::IdTokenHintOfAnotherClient.into());
        }
        let mut after = UserId::new(0);
        for _ in 0..MOST_PAGES {
            let store = &self.context.store;
            let page = store.list_users_who_allowed(application.id, after, USERS_PER_PAGE).await;
            let page = page.map_err(Fault::from)?;
            let found = page.iter().find(|(_, seed)| subject::of_seed(seed, application) == hint.subject);
            if let Some((user, _)) = found {
                return Ok(Some(*user));
            }
            match page.last() {
                Some((last, _)) if page.len() == USERS_PER_PAGE as usize => after = *last,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}
