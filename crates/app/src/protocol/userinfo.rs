//! The userinfo endpoint ([OpenID Connect Core
//! §5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)). It only reads.

use std::sync::Arc;

use oauth::oidc::claims::UserClaims;
use oauth::oidc::userinfo;
use oauth::resource;
use oauth::scope::BuiltInScope;
use oauth::signing::JwtType;

use crate::identity::caller::{Caller, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::StoredGrants;
use crate::node::signing_keys::JwtKeys;
use crate::{Context, Fault};

/// What the endpoint returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserInfo {
    /// Claims.
    Claims(UserClaims),
    /// Claims that are signed, because the application registered for it.
    Signed(String),
}

/// Why nothing is returned.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoRefusal {
    /// The token lacks the scope `openid`, or no user gave the access.
    #[error("the access token lacks the scope openid, or no user gave it")]
    InsufficientScope,
    /// The grant of the token has ended.
    #[error("the access token is invalid, has expired or was revoked")]
    Dead,
    /// The token is limited to data, or to resources of others.
    #[error("the access token is limited to other resources than this server itself")]
    OtherResources,
    /// The server cannot answer at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The userinfo endpoint.
#[derive(Clone)]
pub struct UserInfoService {
    context: Arc<Context>,
}

service!(UserInfoService);

impl UserInfoService {
    /// The claims about the user of an access token. The endpoint belongs to this server as a whole: a token for data alone
    /// is for another audience ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2), [RFC 9068
    /// §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)).
    ///
    /// # Errors
    /// [`UserInfoRefusal`].
    pub async fn answer(&self, caller: &Caller, origin: &RequestOrigin) -> Result<UserInfo, UserInfoRefusal> {
        let (Via::Bearer { application, scopes }, Some(token)) = (caller.via(), caller.token()) else {
            return Err(UserInfoRefusal::Dead);
        };
        if !resource::include_more_than_data(&token.details.resources, &self.context.settings.public_url) {
            Refusals::of(&self.context)
                .note(caller, "the token is limited to other resources", origin)
                .await?;
            return Err(UserInfoRefusal::OtherResources);
        }
        let grant = token.grant.filter(|_| scopes.contains(BuiltInScope::OpenId));
        let Some(grant) = grant else {
            Refusals::of(&self.context).note(caller, "lacks openid", origin).await?;
            return Err(UserInfoRefusal::InsufficientScope);
        };
        let grant = StoredGrants::of(&self.context).find(grant).await.map_err(Fault::from)?;
        let application = self.context.store.find_application(*application).await.map_err(Fault::from)?;
        let grant = grant.ok_or(UserInfoRefusal::Dead)?;
        let application = application.ok_or(UserInfoRefusal::Dead)?;
        let (user, settings) = (&caller.account().user, &application.settings);
        let subject = crate::subject::subject_of(user, &application);
        let claims = userinfo::claims(&subject, user, scopes, &grant.details.claims, &settings.scopes);
        let Some(registered) = settings.client_metadata.openid.userinfo_algorithm() else {
            return Ok(UserInfo::Claims(claims));
        };
        let algorithm = settings.allowed_algorithm(registered);
        JwtKeys::of(&self.context).ensure(algorithm, origin).await?;
        let issuer = &self.context.settings.public_url;
        let claims = userinfo::to_be_signed(claims, issuer, application.client_id.as_str());
        Ok(UserInfo::Signed(JwtKeys::of(&self.context).sign(JwtType::Plain, algorithm, &claims).await?))
    }
}
