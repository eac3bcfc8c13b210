//! What a device or another application asks of a user, who decides about it in a browser that has no part in the
//! request.

use std::sync::Arc;

use domain::audit::NewAuditEvent;
use domain::id::UserId;
use domain::time::Timestamp;
use oauth::authorize::{self, Choice, DataChange, DataQuestion, Offer};
use oauth::grant::GrantDetails;
use oauth::scope::ScopeRegistry;
use oauth::token::polling::{PolledKind, PolledRequest};
use oauth::user_authentication::SignInDetails;
use store::{AccessAnswer, AccessAnswered, NewConsent};

use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::revocations::Revocations;
use crate::protocol::authorize::ConsentDecision;
use crate::protocol::data_access::{ReachableData, chosen_in_words};
use crate::{Context, Fault};

/// A stored request, as far as the user's decision depends on it.
#[derive(Clone, Copy)]
pub(super) struct AccessRequest<'a> {
    pub(super) request: PolledRequest<'a>,
    pub(super) registry: &'a ScopeRegistry,
}

/// What a decision amounts to.
pub(super) enum JudgedDecision {
    /// It can be stored, with its audit event.
    Storable(Box<(AccessAnswer, NewAuditEvent)>),
    /// The user must choose again among the data of the offer, or looks at more of them first.
    ChooseAgain(Option<Box<DataQuestion>>),
}

/// Why a decision was not stored.
pub(super) enum NotStored {
    /// The user has decided before, or the request has expired.
    Closed,
    /// The user has signed out or has changed the password.
    SignInAgain,
}

impl AccessRequest<'_> {
    /// The descriptions of the requested scopes.
    pub(super) fn descriptions(self) -> Vec<String> {
        self.registry.descriptions(self.request.scopes)
    }

    /// How the request reached the user, for the audit log.
    const fn way(self) -> &'static str {
        match self.request.kind {
            PolledKind::Device => "on a device",
            PolledKind::Backchannel => "asked by the application",
        }
    }

    fn allowed(self, session: &LiveSession, data: DataChange, now: Timestamp) -> AccessAnswer {
        AccessAnswer::Allow {
            details: Box::new(GrantDetails {
                data: data.chosen().map(Box::new),
                // The session of this browser does not belong to the application.
                sign_in: Some(SignInDetails {
                    second_factor: session.session.second_factor,
                    ..SignInDetails::at(session.session.auth_time)
                }),
                ..self.request.details.clone()
            }),
            consent: NewConsent {
                user: session.session.user,
                user_epoch: session.session.user_epoch,
                application: self.request.application,
                application_epoch: self.request.application_epoch,
                scopes: self.request.scopes.clone(),
                data,
                revocations_expire_at: revocations_expire_at(now),
            },
        }
    }
}

/// Decisions of users about requests that reach them apart from the browser of the request.
#[derive(Clone, Copy)]
pub(crate) struct AccessDecisions<'a> {
    context: &'a Arc<Context>,
}

component!(AccessDecisions, Arc<Context>);

impl AccessDecisions<'_> {
    /// The data that the page offers; `None` if the request asks for none.
    pub(super) async fn offer_of(
        self,
        asked: AccessRequest<'_>,
        user: UserId,
    ) -> Result<Option<Offer>, Fault> {
        if !asked.request.scopes.reaches_data() {
            return Ok(None);
        }
        let (named, writes) =
            authorize::read_stored(asked.request.details.data.as_deref(), asked.request.scopes);
        let before = self.context.store.find_consent(user, asked.request.application).await?;
        ReachableData::of(self.context).offer(named.as_deref(), writes, user, before.as_ref()).await.map(Some)
    }

    /// Judges the decision of the user. Without a `choice`, everything that the page offered is allowed.
    pub(super) async fn judge(
        self,
        asked: AccessRequest<'_>,
        session: &LiveSession,
        decision: ConsentDecision,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<JudgedDecision, Fault> {
        let Some(action) = decision.action() else {
            let offer = self.offer_of(asked, session.session.user).await?;
            let question = offer.map(|offer| DataQuestion::meanwhile(offer, choice.cloned()));
            return Ok(JudgedDecision::ChooseAgain(question.map(Box::new)));
        };
        let mut audit = session.caller.audit(action, self.context.now(), origin);
        audit.application = Some(asked.request.application);
        audit.subject = Some(asked.registry.text(asked.request.scopes));
        audit.detail = Some(asked.way().to_owned());
        if decision == ConsentDecision::Deny {
            return Ok(storable(AccessAnswer::Deny, audit));
        }
        let Some(offer) = self.offer_of(asked, session.session.user).await? else {
            return Ok(storable(asked.allowed(session, DataChange::keep(), self.context.now()), audit));
        };
        let data = match authorize::choose(&offer, choice) {
            Ok(data) => data,
            Err(rejected) => {
                let question = DataQuestion::again(offer, *rejected);
                return Ok(JudgedDecision::ChooseAgain(Some(Box::new(question))));
            }
        };
        audit.detail = Some(format!("{}, {}", asked.way(), chosen_in_words(&offer, &data)));
        Ok(storable(asked.allowed(session, data, self.context.now()), audit))
    }

    /// Applies what storing the decision has revoked.
    pub(super) async fn settle(
        self,
        answered: AccessAnswered,
        session: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<(), NotStored> {
        match answered {
            AccessAnswered::Stored(ended) => {
                Revocations::of(self.context).apply(&ended);
                Ok(())
            }
            AccessAnswered::Closed => Err(NotStored::Closed),
            AccessAnswered::Gone => {
                let reason = RefusalReason::PasswordChanged;
                Refusals::of(self.context).note_request(reason, Some(&session.caller), origin).await;
                Err(NotStored::SignInAgain)
            }
        }
    }
}

fn storable(answer: AccessAnswer, audit: NewAuditEvent) -> JudgedDecision {
    JudgedDecision::Storable(Box::new((answer, audit)))
}
