//! The device flow: the codes of a device, and the decision of its user.

use std::sync::Arc;

use domain::secret::DeviceCodeText;
use oauth::application::Application;
use oauth::authorize::{Choice, DataQuestion};
use oauth::client_authentication::AuthenticatedClient;
use oauth::device::{self, DeviceAuthorization, DeviceRequest, UserCode, UserCodeRefusal};
use oauth::parameters::{RESOURCE, SCOPE};
use oauth::refusal::Refusal;
use oauth::scope::ScopeRegistry;
use oauth::token::polling::INTERVAL_SECS;
use store::{DeviceInsertion, NewDeviceAuthorization};

use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::node::access_note;
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::DEVICE_CODE_LIFETIME_SECS;
use crate::node::strangers::Left;
use crate::protocol::access_request::{AccessDecisions, AccessRequest, JudgedDecision, NotStored};
use crate::protocol::authorize::ConsentDecision;
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::client_document::DescribedClients;
use crate::protocol::data_access::ReachableData;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::protocol::resources::RequestedResources;
use crate::{Context, Fault};

/// How many requests of one application may wait for their users at once. Anybody can start the flow of a public
/// application, so a further one replaces the oldest there.
const MOST_WAITING: u32 = 1_000;

/// How often new codes are made if one is taken, which practically never happens twice.
const TRIES: usize = 3;

/// The answer to a device ([RFC 8628 §3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2)).
#[derive(Debug)]
pub struct IssuedDeviceCodes {
    /// `device_code`.
    pub device_code: DeviceCodeText,
    /// `user_code`, in the form for people.
    pub user_code: String,
    /// `verification_uri`.
    pub verification_uri: String,
    /// `verification_uri_complete`.
    pub verification_uri_complete: String,
    /// `expires_in`, in seconds.
    pub expires_in: i64,
    /// `interval`, in seconds.
    pub interval: i64,
}

/// Everything that a person must know to decide about a device.
#[derive(Debug)]
pub struct DeviceQuestion {
    /// The code, as the device shows it.
    pub user_code: String,
    /// The application of the device.
    pub application: Application,
    /// Whether somebody who runs this server answers for it.
    pub is_verified: bool,
    /// The descriptions of the requested scopes.
    pub scopes: Vec<String>,
    /// The data sources that it asks for; `None` if it asks for no data.
    pub data: Option<DataQuestion>,
}

/// What became of a decision.
#[derive(Debug)]
pub enum DeviceOutcome {
    /// It was carried out; the name of the application.
    Done(String),
    /// The user must choose other data, and is asked again.
    ChooseAgain(Box<DeviceQuestion>),
}

/// Why a user code leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum CodeRefusal {
    /// A rule refused it.
    #[error(transparent)]
    Refused(#[from] UserCodeRefusal),
    /// The user has signed out, or has changed the password.
    #[error("sign in again")]
    SignInAgain,
    /// The application demands a second factor, and the user has none.
    #[error("set up a second factor first")]
    SecondFactorMissing,
    /// Too many wrong codes.
    #[error("too many wrong codes; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which another code is looked up.
        retry_after_secs: u32,
    },
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for CodeRefusal {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// An open request of a device, with what belongs to it.
struct Open {
    request: DeviceAuthorization,
    code: UserCode,
    application: Application,
    is_verified: bool,
    registry: Arc<ScopeRegistry>,
}

impl Open {
    fn access(&self) -> AccessRequest<'_> {
        AccessRequest { request: self.request.polled(), registry: &self.registry }
    }

    /// The question for its user.
    fn question(self, data: Option<DataQuestion>) -> DeviceQuestion {
        DeviceQuestion {
            is_verified: self.is_verified,
            user_code: self.code.for_people(),
            scopes: self.access().descriptions(),
            application: self.application,
            data,
        }
    }
}

/// The device authorization endpoint, and the decisions of users about devices.
#[derive(Clone)]
pub struct DeviceService {
    context: Arc<Context>,
}

service!(DeviceService);

impl DeviceService {
    /// Handles a device authorization request.
    ///
    /// # Errors
    /// [`ProtocolRefusal`]: a refusal of the protocol, too many waiting devices, or a failure of the server.
    pub async fn authorize(&self, request: ClientRequest<'_>) -> Result<IssuedDeviceCodes, ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate_beginning(request).await?;
        RateLimits::of(&self.context).leave_as(&client, Left::Device, request.origin)?;
        let requested = request.parameters.one(SCOPE).ok().flatten();
        let registry =
            Entities::of(&self.context).scopes_for(&client.application().settings.scopes, requested).await?;
        let mut wanted = DeviceRequest::parse(request.parameters, &client, &registry)?;
        wanted.details.data = ReachableData::of(&self.context)
            .requested_data(request.parameters, client.application(), &wanted.scopes)
            .await?;
        let resources = request.parameters.all(RESOURCE)?;
        wanted.details.resources = RequestedResources::of(&self.context).existing(resources).await??;
        ReachableData::of(&self.context)
            .limits_meet(&wanted.details.resources, wanted.details.data.as_deref())
            .await??;
        let client =
            DescribedClients::of(&self.context).with_stored_application(client, request.origin).await?;
        for _ in 0..TRIES {
            if let Some(issued) = self.issue(&client, &wanted).await? {
                return Ok(issued);
            }
        }
        Err(Fault::Busy.into())
    }

    /// Stores a request under new codes; `None` if one of them is taken.
    async fn issue(
        &self,
        client: &AuthenticatedClient,
        wanted: &DeviceRequest,
    ) -> Result<Option<IssuedDeviceCodes>, ProtocolRefusal> {
        let now = self.context.now();
        let codes = self.context.vault.new_device_codes();
        let new = NewDeviceAuthorization {
            device_digest: codes.device_digest,
            user_digest: codes.user_digest,
            code: self.context.vault.new_code_id(now),
            application: client.application().id,
            application_epoch: client.application().epoch,
            scopes: wanted.scopes.clone(),
            details: wanted.details.clone(),
            at: now,
            expires_at: now.plus_secs(DEVICE_CODE_LIFETIME_SECS),
            most: MOST_WAITING,
            replaces_oldest: !client.is_confidential(),
        };
        match self.context.store.insert_device_authorization(new).await? {
            DeviceInsertion::Stored => {}
            DeviceInsertion::CodeTaken => return Ok(None),
            DeviceInsertion::TooMany => {
                return Err(RateLimits::of(&self.context).too_often(RETRY_SECS));
            }
            DeviceInsertion::Gone => {
                self.context.entities.forget_applications();
                return Err(Refusal::UnknownClient.into());
            }
        }
        let verification_uri = format!("{}/device", self.context.settings.public_url);
        let user_code = codes.user_code.for_people();
        Ok(Some(IssuedDeviceCodes {
            device_code: codes.device_code,
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            verification_uri,
            user_code,
            expires_in: DEVICE_CODE_LIFETIME_SECS,
            interval: INTERVAL_SECS,
        }))
    }

    /// What the device with this code asks for.
    ///
    /// # Errors
    /// [`CodeRefusal`].
    pub async fn question(
        &self,
        typed: &str,
        session: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<DeviceQuestion, CodeRefusal> {
        let open = self.find(typed, session, origin).await?;
        if session.lacks_second_factor_for(&open.application) {
            return Err(CodeRefusal::SecondFactorMissing);
        }
        let offer = AccessDecisions::of(&self.context).offer_of(open.access(), session.session.user).await?;
        Ok(open.question(offer.map(DataQuestion::from)))
    }

    /// Carries out the user's decision about the device with this code. Without a `choice`, everything that the page
    /// offered is allowed.
    ///
    /// # Errors
    /// [`CodeRefusal`]; nothing was stored then.
    pub async fn decide(
        &self,
        typed: &str,
        session: &LiveSession,
        decision: ConsentDecision,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<DeviceOutcome, CodeRefusal> {
        let open = self.find(typed, session, origin).await?;
        if decision == ConsentDecision::Allow && session.lacks_second_factor_for(&open.application) {
            return Err(CodeRefusal::SecondFactorMissing);
        }
        let judged = AccessDecisions::of(&self.context)
            .judge(open.access(), session, decision, choice, origin)
            .await?;
        let (answer, audit) = match judged {
            JudgedDecision::Storable(storable) => *storable,
            JudgedDecision::ChooseAgain(data) => {
                return Ok(DeviceOutcome::ChooseAgain(Box::new(open.question(data.map(|data| *data)))));
            }
        };
        let answered = self.context.store.answer_device_authorization(open.request.id, answer, audit).await?;
        match AccessDecisions::of(&self.context).settle(answered, session, origin).await {
            Ok(()) => Ok(DeviceOutcome::Done(open.application.settings.name.clone())),
            Err(NotStored::Closed) => Err(UserCodeRefusal::Decided.into()),
            Err(NotStored::SignInAgain) => Err(CodeRefusal::SignInAgain),
        }
    }

    /// Wrong codes are counted, before the code is looked up, for the user and for the network of the browser. A code
    /// that is right is not counted.
    async fn find(
        &self,
        typed: &str,
        session: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<Open, CodeRefusal> {
        let (user, network, now) = (session.session.user, origin.network(), self.context.now());
        let begun = self.context.rates.begin_user_code(user, network, now);
        begun.map_err(|wait| CodeRefusal::TooOften {
            retry_after_secs: self.context.metrics.count_rate_limited(wait),
        })?;
        let code = UserCode::parse(typed).ok_or(UserCodeRefusal::Unknown)?;
        let digest = self.context.vault.user_code_digest(code);
        let found = self.context.store.find_by_user_code(digest).await?;
        let request = device::find_open(found, now)?;
        let application = self.context.store.find_application(request.application).await?;
        let application = application.filter(|found| found.epoch == request.application_epoch);
        let application = application.ok_or(UserCodeRefusal::Expired)?;
        self.context.rates.user_code_was_right(user, network);
        access_note::application(application.id);
        let is_verified = Entities::of(&self.context).is_verified(&application).await?;
        Ok(Open {
            request,
            code,
            application,
            is_verified,
            registry: Entities::of(&self.context).scope_registry().await?,
        })
    }
}

/// When an application with too many waiting devices may try again. Their codes expire one after the other.
const RETRY_SECS: u32 = 30;
