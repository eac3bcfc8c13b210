//! Clients that register themselves ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)) and manage their registration
//! ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)).
//!
//! Such a client belongs to the Administrator who created its initial access token, or without one to the first active
//! administrator, who can see and delete it like any other; nobody who uses it gets a right to it. A stranger can store
//! a row by registering, so registrations are limited for each network and in total, and a client that never obtains a
//! token is deleted.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ClientId, InitialAccessTokenId};
use domain::secret::{ClientSecret, Digest, RegistrationTokenText};
use oauth::application::{Application, ApplicationSettings};
use oauth::client_registration::{self, Facts, MetadataFault, SoftwareStatement};
use oauth::jwt::Object;
use oauth::registration::InvalidField;
use oauth::scope::ScopeRegistry;
use store::{Amendment, ApplicationRefusal, NewApplication, NewRegistration, RegistrationTokens};
use vault::RegistrationToken;
use vault::jose::KeySet;

use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::revocations::Revocations;
use crate::node::sectors::ReadSector;
use crate::protocol::attesters::Attesters;
use crate::protocol::client::NewCredentials;
use crate::{Context, Fault};
use sector::sector_is_read;

mod admission;
mod limits;
mod sector;
mod software_statements;

pub use crate::node::settings::{ClientRegistrationSettings, RegistrationMode};
pub use admission::{InitialCredential, RegistrationRight};
pub(crate) use limits::Registrations;

/// Why a client is not registered, or its registration not changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientRegistrationRefusal {
    /// Clients cannot register themselves here.
    #[error("clients cannot register themselves at this server")]
    Off,
    /// A token is needed, and there is none.
    #[error("send the token in the Authorization header with the scheme Bearer")]
    NoToken,
    /// The token is unknown, has expired, was used up or belongs to another registration.
    #[error("the token is invalid")]
    InvalidToken,
    /// The members break a rule.
    #[error("{}", .0.description)]
    Invalid(MetadataFault),
    /// Too many registrations from this network.
    #[error("too many registrations; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which another one is accepted.
        retry_after_secs: u32,
    },
    /// The server has as many such clients as it accepts.
    #[error("this server accepts no further clients; ask its administrator")]
    Full,
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for ClientRegistrationRefusal {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<MetadataFault> for ClientRegistrationRefusal {
    fn from(fault: MetadataFault) -> Self {
        Self::Invalid(fault)
    }
}

impl From<ApplicationRefusal> for ClientRegistrationRefusal {
    fn from(refusal: ApplicationRefusal) -> Self {
        match refusal {
            ApplicationRefusal::TooManyRegistrations => Self::Full,
            ApplicationRefusal::InitialTokenUnusable | ApplicationRefusal::Unknown => Self::InvalidToken,
            ApplicationRefusal::ScopeDeleted => {
                Self::Invalid(MetadataFault::metadata("scope names one that was deleted meanwhile"))
            }
            ApplicationRefusal::Faulty(faults) => {
                let words: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
                Self::Invalid(MetadataFault::metadata(words.join("; ")))
            }
            other => Self::Fault(Fault::Broken(format!("a client is not stored: {other:?}").into())),
        }
    }
}

/// A registration, as the client learns it.
#[derive(Debug)]
pub struct RegisteredClient {
    /// The metadata, without credentials.
    pub information: Object,
    /// The client id.
    pub client_id: ClientId,
    /// The secret, which is shown only now; not every client has one.
    pub secret: Option<ClientSecret>,
    /// The token by which the client manages its registration.
    pub token: RegistrationTokenText,
}

/// The registration endpoint.
#[derive(Clone)]
pub struct ClientRegistrationService {
    context: Arc<Context>,
}

service!(ClientRegistrationService);

impl ClientRegistrationService {
    /// Registers a client.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal`]; `InvalidToken` if another client has used up the initial access token meanwhile.
    pub async fn register(
        &self,
        admission: RegistrationRight,
        members: &Object,
        origin: &RequestOrigin,
    ) -> Result<RegisteredClient, ClientRegistrationRefusal> {
        let context = &self.context;
        let RegistrationRight { owner, token: initial } = admission;
        let known = self.known(members, None).await?;
        let decided = decide(members, &known, context, None)?;
        self.read_sector(&decided, None, origin).await?;
        let (client_id, credentials) = NewCredentials::of(context).new_client(&decided)?;
        let (secret, new_secret) = credentials.unzip();
        let (token, digest) = context.vault.new_registration_token(RegistrationToken::Management);
        let mut audit = origin.audit(Action::RegisterApplication, Outcome::Success, context.now());
        audit.subject = Some(decided.name.clone());
        audit.detail = Some(how_it_registered(initial.as_ref().map(|(id, _)| *id), known.statement.as_ref()));
        let new = NewApplication {
            client_id: client_id.clone(),
            owner,
            settings: decided,
            secret: new_secret,
            at: context.now(),
        };
        let registration = NewRegistration {
            token: digest,
            initial_token: initial.map(|(_, digest)| digest),
            most_clients: context.settings.client_registration.most_clients,
        };
        let registered = context.store.register_client(new, registration, audit).await?;
        if matches!(registered, Err(ApplicationRefusal::InitialTokenUnusable)) {
            return Err(self.invalid_token(origin).await);
        }
        let application = registered?;
        context.entities.forget_origins();
        let information = client_registration::client_information(&application, &known.scopes);
        Ok(RegisteredClient { information, client_id, secret, token })
    }

    /// The registration of the client that presents its token.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal::InvalidToken`], including for an unknown client.
    pub async fn read(
        &self,
        client_id: &str,
        token: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<RegisteredClient, ClientRegistrationRefusal> {
        let held = self.held(client_id, token, origin).await?;
        let scopes = Entities::of(&self.context).scope_registry().await?;
        let information = client_registration::client_information(&held.application, &scopes);
        let client_id = held.application.client_id;
        Ok(RegisteredClient { information, client_id, secret: None, token: held.text })
    }

    /// Replaces a registration, and the token by which the client manages it.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal`].
    pub async fn replace(
        &self,
        client_id: &str,
        token: Option<&str>,
        members: Object,
        origin: &RequestOrigin,
    ) -> Result<RegisteredClient, ClientRegistrationRefusal> {
        let held = self.held(client_id, token, origin).await?;
        let context = &self.context;
        self.credentials_are_its_own(&members, &held.application)?;
        // Checked here for the right error; the check is repeated when the settings are written.
        let known = self.known(&members, Some(&held.application.client_id)).await?;
        let scopes = Arc::clone(&known.scopes);
        let existing = Some(&held.application.settings);
        let decided = decide(&members, &known, context, existing)?;
        let read = self.read_sector(&decided, existing, origin).await?;
        let mut audit = self.audit(Action::UpdateApplication, &held.application, origin);
        audit.note_new_name(&held.application.settings.name, Some(&decided.name));
        let amendment = self.amendment(members, known, read);
        let (text, next) = context.vault.new_registration_token(RegistrationToken::Management);
        let tokens = RegistrationTokens { held: held.digest, next };
        let id = held.application.id;
        let updated = context.store.update_registered_client(id, tokens, amendment, audit).await?;
        let (application, _) = updated?;
        context.entities.forget_applications();
        let information = client_registration::client_information(&application, &scopes);
        Ok(RegisteredClient { information, client_id: application.client_id, secret: None, token: text })
    }

    /// Deletes a registration with all access that was granted to the client.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal`].
    pub async fn delete(
        &self,
        client_id: &str,
        token: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<(), ClientRegistrationRefusal> {
        let held = self.held(client_id, token, origin).await?;
        let context = &self.context;
        let audit = self.audit(Action::DeleteApplication, &held.application, origin);
        let (id, ends) = (held.application.id, revocations_expire_at(context.now()));
        let events = context.store.delete_registered_client(id, held.digest, ends, audit).await??;
        Revocations::of(context).apply(&events);
        context.entities.forget_applications();
        Ok(())
    }

    async fn invalid_token(&self, origin: &RequestOrigin) -> ClientRegistrationRefusal {
        Refusals::of(&self.context).note_request(RefusalReason::RegistrationTokenInvalid, None, origin).await;
        ClientRegistrationRefusal::InvalidToken
    }

    async fn held(
        &self,
        client_id: &str,
        token: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<Held, ClientRegistrationRefusal> {
        let token = token.ok_or(ClientRegistrationRefusal::NoToken)?;
        let digest = self.context.vault.registration_token_digest(RegistrationToken::Management, token);
        let named = client_id.parse::<ClientId>().ok().zip(digest);
        let found = match named {
            Some((id, digest)) => {
                let found = self.context.store.find_registered_client(&id, &digest).await?;
                found.map(|application| (application, digest))
            }
            None => None,
        };
        match found {
            Some((application, digest)) => {
                Ok(Held { application, digest, text: RegistrationTokenText::new(token) })
            }
            None => Err(self.invalid_token(origin).await),
        }
    }

    /// "The client MUST include its `client_id` field in the request, and it MUST be the same as its currently issued
    /// client identifier. If the client includes the `client_secret` field in the request, the value of this field MUST
    /// match the currently issued client secret" ([RFC 7592
    /// §2.2](https://www.rfc-editor.org/rfc/rfc7592#section-2.2)).
    fn credentials_are_its_own(
        &self,
        members: &Object,
        application: &Application,
    ) -> Result<(), MetadataFault> {
        let text = |name: &str| members.get(name).filter(|value| !value.is_null());
        if text("client_id").and_then(|id| id.as_str()) != Some(application.client_id.as_str()) {
            return Err(MetadataFault::metadata("client_id must be that of the registration"));
        }
        let Some(secret) = text("client_secret") else { return Ok(()) };
        let secret = secret.as_str().map(ClientSecret::new);
        let now = self.context.now();
        let is_live = secret.is_some_and(|secret| {
            let mut live = application.live_secrets(now);
            live.any(|stored| self.context.vault.secret_matches(&secret, &stored.digest))
        });
        if is_live {
            Ok(())
        } else {
            Err(MetadataFault::metadata("client_secret must be that of the registration, or absent"))
        }
    }

    async fn known(
        &self,
        members: &Object,
        client: Option<&ClientId>,
    ) -> Result<Known, ClientRegistrationRefusal> {
        Ok(Known {
            scopes: Entities::of(&self.context).scope_registry().await?,
            statement: self.statement(members).await?,
            attestable: Attesters::of(&self.context).may_attest(client).await?,
        })
    }

    fn amendment(&self, members: Object, known: Known, read: ReadSector) -> Amendment {
        let context = Arc::clone(&self.context);
        Amendment::by(move |existing| {
            let decided = decide(&members, &known, &context, Some(existing));
            let decided = decided.and_then(|settings| sector_is_read(&read, settings, existing));
            decided.map(|settings| (settings, Vec::new())).map_err(|fault| {
                let field = String::new();
                vec![InvalidField { field, message: fault.description, lacks_right: false }]
            })
        })
    }

    fn audit(&self, action: Action, application: &Application, origin: &RequestOrigin) -> NewAuditEvent {
        let mut audit = origin.audit(action, Outcome::Success, self.context.now());
        audit.application = Some(application.id);
        audit.subject = Some(application.settings.name.clone());
        audit.detail = Some("by its registration access token".to_owned());
        audit
    }
}

/// How a client registered itself, for the audit log.
fn how_it_registered(token: Option<InitialAccessTokenId>, statement: Option<&SoftwareStatement>) -> String {
    let token = token.map(|id| format!("the initial access token {id}"));
    let statement = statement.map(|statement| format!("a software statement of {}", statement.issuer()));
    match (token, statement) {
        (None, None) => "it registered itself".to_owned(),
        (Some(one), None) | (None, Some(one)) => format!("it registered itself with {one}"),
        (Some(token), Some(statement)) => format!("it registered itself with {token} and {statement}"),
    }
}

/// A registration whose token was presented.
struct Held {
    application: Application,
    digest: Digest,
    text: RegistrationTokenText,
}

/// What the rules need that is read elsewhere.
struct Known {
    scopes: Arc<ScopeRegistry>,
    statement: Option<SoftwareStatement>,
    attestable: bool,
}

fn decide(
    members: &Object,
    known: &Known,
    context: &Context,
    existing: Option<&ApplicationSettings>,
) -> Result<ApplicationSettings, MetadataFault> {
    let policy = &context.settings.client_registration.policy;
    let facts = Facts {
        scopes: &known.scopes,
        policy,
        minimum_profile: context.settings.minimum_profile,
        statement: known.statement.as_ref(),
        reachable: context.settings.reachable(),
        private_use_schemes: &context.settings.private_use_schemes,
        certificates: context.settings.client_certificates.kinds(),
        attestable: known.attestable,
        existing,
    };
    let settings = client_registration::decide(members, facts)?;
    let key_set = settings.client_metadata.authentication.jwks.as_ref();
    if let Some(fault) = key_set.and_then(|set| KeySet::of(set).err()) {
        return Err(MetadataFault::metadata(format!("jwks {fault}")));
    }
    Ok(settings)
}
