//! The question of the consent page, and what the user chooses there.

use std::sync::Arc;

use domain::id::UserId;
use oauth::application::Application;
use oauth::authorize::{Choice, DataQuestion, Offer};
use oauth::destination::Destination;
use oauth::grant::Consent;

use super::{AuthorizationService, AuthorizeAnswer, Checked};
use crate::Fault;
use crate::node::entity_cache::Entities;
use crate::protocol::data_access::ReachableData;

/// Everything that a person must know to decide on consent.
#[derive(Debug)]
pub struct ConsentQuestion {
    /// The application that asks.
    pub application: Arc<Application>,
    /// Whether somebody who runs this server answers for it.
    pub is_verified: bool,
    /// The descriptions of the requested scopes.
    pub scopes: Vec<String>,
    /// The data sources that it asks for; `None` if it asks for no data.
    pub data: Option<DataQuestion>,
    /// Where the browser goes next.
    pub destination: Destination,
    /// The request as a query string, for the form.
    pub query: String,
    /// The request as a query string, for another user to sign in.
    pub query_after_sign_in: String,
}

impl AuthorizationService {
    /// The data that the consent page offers; `None` if the request is not about data.
    pub(super) async fn offer(
        &self,
        valid: &Checked,
        user: UserId,
        before: Option<&Consent>,
    ) -> Result<Option<Offer>, Fault> {
        if !valid.valid.reaches_data() {
            return Ok(None);
        }
        ReachableData::of(&self.context)
            .offer(valid.valid.data(), valid.valid.asks_to_write(), user, before)
            .await
            .map(Some)
    }

    /// The consent page for a user who looks at other data sources before deciding.
    pub(super) async fn ask_meanwhile(
        &self,
        valid: Checked,
        user: UserId,
        choice: Option<&Choice>,
    ) -> Result<AuthorizeAnswer, Fault> {
        let before = self.context.store.find_consent(user, valid.application.id).await?;
        let offer = self.offer(&valid, user, before.as_ref()).await?;
        let question = offer.map(|offer| DataQuestion::meanwhile(offer, choice.cloned()));
        self.ask_consent(valid, question).await
    }

    pub(super) async fn ask_consent(
        &self,
        mut valid: Checked,
        data: Option<DataQuestion>,
    ) -> Result<AuthorizeAnswer, Fault> {
        if let Err(refusal) = self.keep_object(&mut valid).await? {
            return Ok(AuthorizeAnswer::Page(refusal));
        }
        let is_verified = Entities::of(&self.context).is_verified(&valid.application).await?;
        Ok(AuthorizeAnswer::Consent(Box::new(ConsentQuestion {
            scopes: valid.registry.descriptions(valid.valid.consent_scopes()),
            is_verified,
            data,
            destination: valid.valid.target().destination(),
            query: valid.query(),
            query_after_sign_in: valid.query_after_sign_in(),
            application: valid.application,
        })))
    }
}
