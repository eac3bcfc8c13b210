//! Notifying applications that a session has ended, by logout tokens that this server sends ([OpenID Connect
//! Back-Channel Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html)).
//!
//! An operation that ends a session stores the deliveries in the same transaction and waits for none of them. Each node
//! claims those that are due, a few at a time, and sends them. A delivery of a node that stops meanwhile is due again
//! when its claim is over, so an application may get the same message twice, but never misses one.

use bytes::Bytes;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use domain::time::Timestamp;
use fetch::{FetchError, FetchRequest};
use oauth::application::Application;
use oauth::oidc::back_channel::{self, Attempted};
use oauth::oidc::logout::LogoutToken;
use oauth::signing::JwtType;
use store::{LogoutClaim, LogoutDelivery};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use url::Url;

use crate::Fault;
use crate::node::NodeService;
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::request_origin::RequestOrigin;
use crate::node::signing_keys::JwtKeys;
use crate::subject;

/// The maximum number of applications that this node tells at the same time.
const MOST_APPLICATIONS: usize = 8;
/// The maximum number of tokens that this node sends to one application at the same time.
const MOST_PER_APPLICATION: u32 = 2;
/// How long a claim lasts, in seconds. A request is over long before.
const CLAIM_SECS: i64 = 60;
/// When a delivery is due again, in seconds, if this node was sending too many others to its host.
const BUSY_SECS: i64 = 2;
/// The maximum size of the body of a response. It is not read.
const LARGEST_BODY: usize = 16 * 1024;

/// Wakes the task that delivers, after this node has stored deliveries.
#[derive(Debug, Default)]
pub(crate) struct LogoutsStored(Notify);

impl LogoutsStored {
    /// Deliveries may have been stored.
    pub(crate) fn announce(&self) {
        self.0.notify_one();
    }
}

impl NodeService {
    /// Waits until an operation of this node may have stored deliveries of logout tokens.
    pub async fn logouts(&self) {
        self.context.logouts_stored.0.notified().await;
    }

    /// Delivers the logout tokens that are due. If one cannot be delivered, it is due again later.
    ///
    /// # Errors
    /// If the database fails; what was claimed is due again in a minute.
    pub async fn deliver_logouts(&self) -> Result<(), Fault> {
        let mut telling: Vec<ApplicationId> = Vec::new();
        let mut running = JoinSet::new();
        loop {
            while telling.len() < MOST_APPLICATIONS {
                let claimed = self.claim_logouts(telling.clone()).await?;
                let Some(first) = claimed.first() else { break };
                let application = first.application;
                telling.push(application);
                let node = self.clone();
                running.spawn(async move {
                    node.tell(application, claimed).await;
                    application
                });
            }
            let finished = tokio::select! {
                finished = running.join_next() => finished,
                () = self.logouts(), if !running.is_empty() => continue,
            };
            match finished {
                None => return Ok(()),
                Some(finished) => {
                    let finished = finished.map_err(|panic| Fault::Broken(Box::new(panic)))?;
                    telling.retain(|application| *application != finished);
                }
            }
        }
    }
}

impl NodeService {
    async fn claim_logouts(&self, except: Vec<ApplicationId>) -> Result<Vec<LogoutDelivery>, Fault> {
        let now = self.context.now();
        let until = now.plus_secs(CLAIM_SECS);
        let claim = LogoutClaim { now, until, except, most: MOST_PER_APPLICATION };
        Ok(self.context.store.claim_logout_deliveries(claim).await?)
    }

    /// Sends the tokens of one application. A failure of this server is logged; the delivery is due again when the claim
    /// is over.
    async fn tell(&self, application: ApplicationId, deliveries: Vec<LogoutDelivery>) {
        let mut running = JoinSet::new();
        for delivery in deliveries {
            let node = self.clone();
            running.spawn(async move { node.deliver(application, delivery).await });
        }
        for done in running.join_all().await {
            if let Err(fault) = done {
                fault.note("a logout token was not delivered; this will be tried again");
            }
        }
    }

    async fn deliver(&self, id: ApplicationId, delivery: LogoutDelivery) -> Result<(), Fault> {
        let application = self.context.store.find_application(id).await?;
        let address = application.as_ref().and_then(|application| {
            let openid = &application.settings.client_metadata.openid;
            let address = back_channel::address(openid, delivery.sid.as_deref())?;
            Some((application, Url::parse(address).ok()?))
        });
        let Some((application, url)) = address else {
            self.context.store.end_logout_delivery(delivery.id, delivery.attempts, None).await?;
            return Ok(());
        };
        let origin = RequestOrigin { address: None, request_id: "logout".to_owned() };
        let registered = application.settings.client_metadata.openid.id_token_algorithm();
        JwtKeys::of(&self.context)
            .ensure(application.settings.allowed_algorithm(registered), &origin)
            .await?;
        let body = self.logout_request(application, &delivery).await?;
        let request = FetchRequest {
            url: &url,
            accept: "*/*",
            post: Some(("application/x-www-form-urlencoded", &body)),
            largest_body: LARGEST_BODY,
        };
        match self.context.outbound.logouts.send(request).await {
            // The token was never sent, so this was not an attempt.
            Err(FetchError::Busy) => {
                let again = self.context.now().plus_secs(BUSY_SECS);
                self.context.store.return_logout_delivery(delivery.id, delivery.attempts, again).await?;
                Ok(())
            }
            sent => {
                let status = sent.map(|response| response.status.as_u16());
                self.note_attempt(application, &delivery, status).await
            }
        }
    }

    /// The body of the request. Each attempt has a token of its own, because tokens are valid for two minutes.
    async fn logout_request(
        &self,
        application: &Application,
        delivery: &LogoutDelivery,
    ) -> Result<Bytes, Fault> {
        let now = self.context.now();
        let token = LogoutToken {
            issuer: &self.context.settings.public_url,
            client_id: application.client_id.as_str(),
            subject: &subject::of_seed(&delivery.subject_seed, application),
            sid: delivery.sid.as_deref(),
            id: &self.context.vault.new_token_id(now).to_string(),
            now,
        };
        // "SHOULD […] the same key(s) that are used for ID tokens", so the algorithm is that of ID tokens.
        let registered = application.settings.client_metadata.openid.id_token_algorithm();
        let algorithm = application.settings.allowed_algorithm(registered);
        let signed = JwtKeys::of(&self.context).sign(JwtType::Logout, algorithm, &token.claims()).await?;
        // A signed text contains nothing that would have to be escaped.
        Ok(Bytes::from(format!("logout_token={signed}")))
    }

    /// Stores the outcome of the delivery, then logs it.
    async fn note_attempt(
        &self,
        application: &Application,
        delivery: &LogoutDelivery,
        status: Result<u16, FetchError>,
    ) -> Result<(), Fault> {
        let (id, attempts, now) = (delivery.id, delivery.attempts, self.context.now());
        let (client_id, answer) = (&application.client_id, in_words(status));
        let outcome = match back_channel::after_attempt(status.ok(), attempts) {
            Attempted::Delivered => {
                let audit = audit(application, delivery, Outcome::Success, now);
                self.context.store.end_logout_delivery(id, attempts, Some(audit)).await?;
                tracing::info!(%client_id, attempts, "a logout token was delivered");
                "delivered"
            }
            Attempted::Again { after_secs } => {
                self.context.store.postpone_logout_delivery(id, attempts, now.plus_secs(after_secs)).await?;
                tracing::warn!(%client_id, attempts, answer, after_secs, "a logout token will be sent again");
                "postponed"
            }
            Attempted::Abandoned => {
                let mut audit = audit(application, delivery, Outcome::Refused, now);
                audit.detail = Some(format!("the logout address {answer}, at attempt {attempts}"));
                self.context.store.end_logout_delivery(id, attempts, Some(audit)).await?;
                tracing::error!(%client_id, attempts, answer, "a logout token was not delivered");
                "abandoned"
            }
        };
        self.context.metrics.logout_deliveries.inc(OutcomeLabels { outcome: Word(outcome) });
        Ok(())
    }
}

/// What went wrong; the text continues after the name of the address.
fn in_words(status: Result<u16, FetchError>) -> String {
    match status {
        Ok(status) => format!("answers with status {status}"),
        Err(error) => error.to_string(),
    }
}

fn audit(
    application: &Application,
    delivery: &LogoutDelivery,
    outcome: Outcome,
    now: Timestamp,
) -> NewAuditEvent {
    let mut audit = NewAuditEvent::new(Action::NotifyLogout, outcome, now);
    audit.application = Some(application.id);
    audit.subject = Some(format!("user {}", delivery.user));
    audit
}
