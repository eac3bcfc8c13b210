//! Personal access tokens: making, listing and ending them. Only a person in a browser makes one; a program cannot make its
//! access last longer.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::PersonalAccessTokenId;
use domain::secret::PersonalAccessTokenText;
use oauth::authorize::{Choice, DataChange, DataQuestion, Offer, RejectedChoice, choose};
use oauth::personal_access_token::{
    MOST_OF_A_USER, PersonalAccessToken, PersonalAccessTokenDraft, PersonalAccessTokenFault, terms,
};
use store::{NewPersonalAccessToken, PersonalAccessTokenRefusal};

use crate::identity::acting::Actor;
use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::allowed::{AllowedNames, ReachedData};
use crate::protocol::data_access::{ReachableData, chosen_in_words};
use crate::{Context, Fault};

/// A personal access token with the data that it reaches.
#[derive(Debug, Clone)]
pub struct NamedPersonalAccessToken {
    /// The token, without its value.
    pub token: PersonalAccessToken,
    /// The data.
    pub data: ReachedData,
}

/// A token that was made.
#[derive(Debug)]
pub struct MadePersonalAccessToken {
    /// What is stored of it.
    pub stored: PersonalAccessToken,
    /// The token itself, which is shown only now.
    pub token: PersonalAccessTokenText,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeRefusal {
    /// The server accepts no personal access tokens.
    #[error("this server accepts no personal access tokens")]
    SwitchedOff,
    /// The user may not read data over OData, so a token would be of no use.
    #[error("you may not read data over OData, so a token would be of no use; ask an administrator")]
    Forbidden,
    /// What was filled in cannot be made; all faults are listed.
    #[error("the token cannot be made")]
    Invalid(Vec<PersonalAccessTokenFault>),
    /// The choice among the data sources cannot be allowed.
    #[error("the choice of data sources cannot be allowed")]
    Rejected(Box<RejectedChoice>),
    /// The user has too many.
    #[error("you have {MOST_OF_A_USER} tokens already; end one that you do not need")]
    Full,
    /// The session or the rights of the user have ended meanwhile.
    #[error("your account has changed; sign in again")]
    Changed,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a token was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndRefusal {
    /// The user has no token of that id.
    #[error("the user has no personal access token of that id")]
    Unknown,
    /// The caller's rights changed between the decision and the write.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Tokens that people make for programs that cannot sign in.
#[derive(Clone)]
pub struct PersonalAccessTokenService {
    context: Arc<Context>,
}

service!(PersonalAccessTokenService);

impl PersonalAccessTokenService {
    /// Whether the user of this session may make tokens.
    ///
    /// # Errors
    /// [`MakeRefusal::SwitchedOff`], [`MakeRefusal::Forbidden`].
    pub fn may_make(&self, live: &LiveSession) -> Result<(), MakeRefusal> {
        if !self.context.settings.accepts_personal_access_tokens() {
            return Err(MakeRefusal::SwitchedOff);
        }
        if !live.caller.may(Permission::UseDataSourceWithOData) {
            return Err(MakeRefusal::Forbidden);
        }
        Ok(())
    }

    /// The data sources that the page offers. Those of which `choice` has ticked too many are reported already now.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn question(&self, live: &LiveSession, choice: Option<Choice>) -> Result<DataQuestion, Fault> {
        Ok(DataQuestion::meanwhile(self.offer(live).await?, choice))
    }

    async fn offer(&self, live: &LiveSession) -> Result<Offer, Fault> {
        let user = live.caller.account().user.id;
        ReachableData::of(&self.context).offer(None, true, user, None).await
    }

    /// Makes a token for the user of this session.
    ///
    /// # Errors
    /// [`MakeRefusal`]; nothing was stored then.
    pub async fn make(
        &self,
        live: &LiveSession,
        draft: &PersonalAccessTokenDraft,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<MadePersonalAccessToken, MakeRefusal> {
        self.may_make(live)?;
        let (context, now) = (&self.context, self.context.now());
        let offer = self.offer(live).await?;
        let chosen = choose(&offer, choice);
        let data = chosen.as_ref().ok().and_then(DataChange::chosen);
        let changes = data.as_ref().is_some_and(|data| !data.changes.is_empty());
        let most_days = context.settings.personal_access_tokens.most_days;
        let terms = terms(draft, changes, most_days, now).map_err(MakeRefusal::Invalid)?;
        let change = chosen.map_err(MakeRefusal::Rejected)?;
        let (token, digest) = context.vault.new_personal_access_token();
        let user = &live.caller.account().user;
        let new = NewPersonalAccessToken {
            digest,
            user: user.id,
            user_epoch: user.epoch,
            name: terms.name,
            scopes: terms.scopes,
            data: data.map(Box::new),
            at: now,
            expires_at: terms.expires_at,
        };
        let mut audit = live.caller.audit(Action::CreatePersonalAccessToken, now, origin);
        audit.detail = Some(chosen_in_words(&offer, &change));
        let made = context.store.insert_personal_access_token(new, audit).await.map_err(Fault::from)?;
        let made = Refusals::of(context).judged(&live.caller, made, origin).await;
        let stored = made.map_err(|refusal| match refusal {
            PersonalAccessTokenRefusal::Full => MakeRefusal::Full,
            PersonalAccessTokenRefusal::Unknown | PersonalAccessTokenRefusal::RightsChanged => {
                MakeRefusal::Changed
            }
        })?;
        Ok(MadePersonalAccessToken { stored, token })
    }

    /// Lists the tokens of the user, by id. There are at most [`MOST_OF_A_USER`], and those that have just expired.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<NamedPersonalAccessToken>, Fault> {
        let user = actor.subject().user.id;
        let tokens = self.context.store.list_personal_access_tokens(user).await?;
        let mut named = Vec::with_capacity(tokens.len());
        for token in tokens {
            let reached = AllowedNames::of(&self.context);
            let data = reached.of_access(user, &token.scopes, token.data.as_deref()).await?;
            named.push(NamedPersonalAccessToken { token, data });
        }
        Ok(named)
    }

    /// Finds a token of the user.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn find(
        &self,
        actor: &Actor,
        id: PersonalAccessTokenId,
    ) -> Result<Option<NamedPersonalAccessToken>, Fault> {
        Ok(self.list(actor).await?.into_iter().find(|found| found.token.id == id))
    }

    /// Ends a token of the user. This node refuses it when this returns, every other node within a second.
    ///
    /// # Errors
    /// [`EndRefusal`]; nothing has changed then.
    pub async fn end(
        &self,
        actor: &Actor,
        id: PersonalAccessTokenId,
        origin: &RequestOrigin,
    ) -> Result<(), EndRefusal> {
        let audit = actor.audit(&self.context, Action::EndPersonalAccessToken, origin);
        let user = actor.subject().user.id;
        let ended = self.context.store.delete_personal_access_token(user, id, audit).await;
        let ended = ended.map_err(Fault::from)?;
        let ended = Refusals::of(&self.context).judged(actor.caller(), ended, origin).await;
        ended.map_err(|refusal| match refusal {
            PersonalAccessTokenRefusal::RightsChanged => EndRefusal::RightsChanged,
            PersonalAccessTokenRefusal::Unknown | PersonalAccessTokenRefusal::Full => EndRefusal::Unknown,
        })?;
        self.context.entities.forget_users();
        Ok(())
    }
}
