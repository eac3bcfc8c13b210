//! Refreshing: one conditional update for each rotation, and no other write.

use super::TokenService;
use crate::node::entity_cache::{Entities, StoredGrants};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use domain::audit::{Action, Outcome};
use domain::id::{GrantId, UserId};
use domain::limit::Limit;
use domain::secret::RefreshTokenText;
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::Grant;
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::refresh_token::{self, Refresh, RefreshDecision, Renewal, Rotation};
use oauth::token_payload::RefreshToken;
use store::Rotated;

use super::{Narrowing, NewAccessToken, no_key};
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::metrics::{OutcomeLabels, Word};
use crate::protocol::refusal::ProtocolRefusal;

/// How often a refresh that lost against a concurrent one of the same grant is decided again. After the first
/// loss the grant has advanced, so the decision is a repetition or a replay, which cannot lose.
const TRIES: usize = 3;

impl TokenService {
    pub(super) async fn refresh_token(
        &self,
        request: &Refresh,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        if request.sent_as_a_code {
            self.context.metrics.power_bi_refresh_quirk.inc();
        }
        let token = self.context.vault.open_refresh_token(request.token.expose()).ok();
        if let Some(token) = &token
            && let Some(answer) = self.rotate_cached(request, client, narrowing, token).await?
        {
            return Ok(answer);
        }
        for _ in 0..TRIES {
            let grant = match &token {
                Some(token) => StoredGrants::of(&self.context).find(token.grant).await?,
                None => None,
            };
            let decided = self.decide_refresh(request, client, narrowing, token.as_ref(), grant).await?;
            let (renewal, grant) = match decided {
                (RefreshDecision::Renew(renewal), Some(grant)) => (renewal, grant),
                (RefreshDecision::Renew(_), None) => return Err(Refusal::GrantGone.into()),
                (RefreshDecision::Replay(id), grant) => {
                    let user = grant.map(|grant| grant.user);
                    return self.revoke_replayed_grant(id, user, client, origin).await;
                }
            };
            if let Some(refresh) = self.rotate(&renewal, &grant, request).await? {
                return self.renew(client, &renewal, &grant, refresh).await;
            }
        }
        Err(crate::Fault::Busy.into())
    }

    /// Rotates a grant in the state that this node last saw, without reading it. The rotation is a
    /// conditional write, so the store refuses it if anything has changed since. `None` in that case, and for
    /// everything that is not a rotation, means: read the grant and decide again.
    async fn rotate_cached(
        &self,
        request: &Refresh,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        token: &RefreshToken,
    ) -> Result<Option<TokenResponse>, ProtocolRefusal> {
        let Some(grant) = StoredGrants::of(&self.context).last_seen(token.grant) else { return Ok(None) };
        let decided = self.decide_refresh(request, client, narrowing, Some(token), Some(grant)).await;
        if let Ok((
            RefreshDecision::Renew(renewal @ Renewal { rotation: Rotation::Rotate { .. }, .. }),
            Some(grant),
        )) = decided
            && let Some(refresh) = self.rotate(&renewal, &grant, request).await?
        {
            return self.renew(client, &renewal, &grant, refresh).await.map(Some);
        }
        self.context.entities.forget_grant(token.grant);
        Ok(None)
    }

    async fn renew(
        &self,
        client: &AuthenticatedClient,
        renewal: &Renewal,
        grant: &Grant,
        refresh: RefreshTokenText,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        self.context.usage.grant(grant.id, self.context.now());
        let access = NewAccessToken {
            grant: Some(grant.id),
            user: grant.user,
            user_epoch: grant.user_epoch,
            scopes: renewal.scopes.clone(),
            lifetime_secs: renewal.lifetime_secs,
            binding: client.binding(),
            details: renewal.details.clone(),
        };
        let issued = self.respond(client, access, Some(refresh)).await?;
        let limits = self.context.settings.refresh_limits();
        let refresh_expiry = limits.tell(grant.expires_at, self.context.now());
        let response = TokenResponse { refresh_expiry, ..issued };
        if !refresh_token::yields_an_id_token(grant, &response.scopes) {
            return Ok(response);
        }
        let user = Entities::of(&self.context).account(grant.user).await?;
        let user = user.as_deref().map(|account| &account.user);
        self.with_id_token(client, response, user, &grant.details, None).await
    }

    async fn decide_refresh(
        &self,
        request: &Refresh,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        token: Option<&RefreshToken>,
        grant: Option<Grant>,
    ) -> Result<(RefreshDecision, Option<Grant>), ProtocolRefusal> {
        let user = match &grant {
            Some(grant) => Entities::of(&self.context).account(grant.user).await?,
            None => None,
        };
        let mut decision = refresh_token::decide(
            request,
            refresh_token::Facts {
                scopes: narrowing.scopes,
                client,
                token,
                grant: grant.as_ref(),
                user: user.as_deref().map(|account| &account.user),
                grace_secs: i64::from(self.context.settings.refresh_grace_secs),
                limits: self.context.settings.refresh_limits(),
                lifetime_limit_secs: Entities::of(&self.context)
                    .limit(Limit::OAuthAccessTokenLifetime)
                    .await?,
                now: self.context.now(),
            },
        )?;
        if let (RefreshDecision::Renew(renewal), Some(grant)) = (&mut decision, &grant) {
            self.narrow(&mut renewal.details, grant.user, narrowing).await?;
            user.iter().for_each(access_note::user);
        }
        Ok((decision, grant))
    }

    /// The refresh token for the response; `None` if another request has advanced the grant meanwhile.
    async fn rotate(
        &self,
        renewal: &Renewal,
        grant: &Grant,
        request: &Refresh,
    ) -> Result<Option<RefreshTokenText>, ProtocolRefusal> {
        match renewal.rotation {
            Rotation::SameAgain => Ok(Some(request.token.clone())),
            Rotation::RepeatSuccessor { generation } => {
                self.count_replay("repeated");
                let successor = RefreshToken { grant: grant.id, generation };
                Ok(Some(self.seal_refresh(successor, grant.key)?))
            }
            Rotation::Rotate { from } => {
                let now = self.context.now();
                let key = self.context.vault.active_key(now).ok_or_else(no_key)?;
                match self.context.store.rotate_grant(grant.id, from, key, now).await? {
                    Rotated::Lost => Ok(None),
                    Rotated::Done => {
                        let moved =
                            Grant { generation: from + 1, rotated_at: Some(now), key, ..grant.clone() };
                        self.context.entities.cache_grant(moved);
                        let successor = RefreshToken { grant: grant.id, generation: from + 1 };
                        Ok(Some(self.seal_refresh(successor, key)?))
                    }
                }
            }
        }
    }

    /// The token was replaced long ago, or its successor was used: one of the two holders of the family is a
    /// thief, so the family is revoked for both.
    async fn revoke_replayed_grant(
        &self,
        grant: GrantId,
        user: Option<UserId>,
        client: &AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        self.count_replay("revoked");
        let mut audit = origin.audit(Action::ReplayRefreshToken, Outcome::Refused, self.context.now());
        audit.application = Some(client.application().id);
        audit.subject = Some(format!("grant {grant}"));
        if let Some(user) = user {
            Entities::of(&self.context).name_user(&mut audit, user).await;
        }
        let events =
            self.context.store.revoke_grant(grant, revocations_expire_at(self.context.now()), audit).await?;
        Revocations::of(&self.context).apply(&events);
        Err(Refusal::RefreshTokenReplayed.into())
    }

    fn count_replay(&self, outcome: &'static str) {
        self.context.metrics.refresh_replays.inc(OutcomeLabels { outcome: Word(outcome) });
    }
}
