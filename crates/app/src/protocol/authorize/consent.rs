//! The question of the consent page, and what the user chooses there.

use domain::id::UserId;
use domain::time::Timestamp;
use oauth::authorize::{Destination, Offer};
use oauth::client_document;
use oauth::grant::Consent;
use oauth::scope::BuiltInScope;

use super::{AuthorizationService, AuthorizeAnswer, Checked};
use crate::Fault;

/// Everything that a person must know to decide on consent.
#[derive(Debug)]
pub struct ConsentQuestion {
    /// The name of the application.
    pub application: String,
    /// Its description by its developer.
    pub description: String,
    /// The contacts that its developer gives.
    pub contacts: Vec<String>,
    /// The address of the logo that its developer gives.
    pub logo_url: Option<String>,
    /// The host whose document describes it, if it was not registered.
    pub document_host: Option<String>,
    /// Whether the client registered itself, so that nobody at this server has.
    pub registered_itself: bool,
    /// The name of the user who registered it.
    pub created_by: String,
    /// The name of the current owner and the time of the handover, if the application was handed over to
    /// another user.
    pub handed_over: Option<(String, Timestamp)>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// The descriptions of the requested scopes.
    pub scopes: Vec<String>,
    /// The data sources that it asks for; `None` if it asks for no data.
    pub data: Option<Offer>,
    /// Whether the user pressed Allow without choosing any data.
    pub nothing_chosen: bool,
    /// Where the browser goes next.
    pub destination: Destination,
    /// The request as a query string, for the form.
    pub query: String,
}

impl AuthorizationService {
    /// The data that the consent page offers, where what the user allowed before is ticked; `None` if the request is not
    /// about data.
    pub(super) async fn offer(
        &self,
        valid: &Checked,
        user: UserId,
        before: Option<&Consent>,
    ) -> Result<Option<Offer>, Fault> {
        if !valid.valid.reaches_data() {
            return Ok(None);
        }
        let before = before.filter(|consent| consent.scopes.contains(BuiltInScope::OData));
        let before = before.and_then(|before| before.data.as_ref());
        self.context.offer(valid.valid.data(), user, before).await.map(Some)
    }

    pub(super) async fn ask_consent(
        &self,
        mut valid: Checked,
        data: Option<Offer>,
        nothing_chosen: bool,
    ) -> Result<AuthorizeAnswer, Fault> {
        if let Err(refusal) = self.keep_object(&mut valid).await? {
            return Ok(AuthorizeAnswer::Page(refusal));
        }
        let application = &valid.application;
        let settings = &application.settings;
        let handed_over = application.handed_over.as_ref();
        Ok(AuthorizeAnswer::Consent(Box::new(ConsentQuestion {
            application: settings.name.clone(),
            description: settings.description.clone(),
            contacts: settings.contacts.clone(),
            logo_url: settings.logo_url.clone(),
            document_host: client_document::host(&application.client_id),
            registered_itself: settings.client_metadata.self_registered.is_some(),
            created_by: application.created_by().to_owned(),
            handed_over: handed_over.map(|handover| (application.owner_name.clone(), handover.at)),
            registered_at: application.created_at,
            scopes: valid
                .registry
                .scopes_in(valid.valid.consent_scopes())
                .map(|scope| scope.description.clone())
                .collect(),
            data,
            nothing_chosen,
            destination: valid.valid.target().destination(),
            query: valid.query(),
        })))
    }
}
