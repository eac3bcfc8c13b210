//! The question of the consent page, and what the user chooses there.

use domain::time::Timestamp;
use oauth::authorize::{self, Choice, DataChange, Destination, Offer};
use oauth::client_document;
use oauth::scope::BuiltInScope;

use super::{AuthorizationService, AuthorizeAnswer, Checked};
use crate::Fault;
use crate::identity::caller::LiveSession;

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
    /// How the decision changes the data of the consent; `None` if nothing is chosen.
    pub(super) async fn chosen(
        &self,
        valid: &Checked,
        session: &LiveSession,
        choice: Option<&Choice>,
    ) -> Result<Option<DataChange>, Fault> {
        if !valid.valid.reaches_data() {
            return Ok(Some(DataChange::Keep));
        }
        Ok(authorize::choose(&self.offer_to(valid, session).await?, choice))
    }

    /// The data that the consent page offers; what the user allowed before is ticked.
    async fn offer_to(&self, valid: &Checked, session: &LiveSession) -> Result<Offer, Fault> {
        let user = session.session.user;
        let consent = self.context.store.find_consent(user, valid.application.id).await?;
        let before = consent.filter(|consent| consent.scopes.contains(BuiltInScope::OData));
        let before = before.as_ref().and_then(|before| before.data.as_ref());
        self.context.offer(valid.valid.data(), user, before).await
    }

    pub(super) async fn ask_consent(
        &self,
        mut valid: Checked,
        session: Option<&LiveSession>,
        nothing_chosen: bool,
    ) -> Result<AuthorizeAnswer, Fault> {
        if let Err(refusal) = self.keep_object(&mut valid).await? {
            return Ok(AuthorizeAnswer::Page(refusal));
        }
        let data = match session {
            Some(session) if valid.valid.reaches_data() => Some(self.offer_to(&valid, session).await?),
            _ => None,
        };
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
