//! Testing whether the server can send mail.

use std::sync::Arc;

use domain::account::Permission;
use domain::account::attributes::{Attribute, UserAttributes};
use domain::audit::{Action, Outcome};
use mail::SendFailure;

use crate::Context;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::letters;
use crate::management::administration::{Administration, AdministrationError, FieldFault};

/// The outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTest {
    /// The mail server has taken the mail.
    Sent,
    /// No mail server is set.
    NotSet,
    /// It was not sent.
    Failed(SendFailure),
}

/// Testing whether mail can be sent.
#[derive(Clone)]
pub struct MailService {
    context: Arc<Context>,
}

service!(MailService);

impl MailService {
    /// All faults of the address.
    pub fn faults_of(to: &str) -> Vec<FieldFault> {
        let mut attributes = UserAttributes::default();
        attributes.set(Attribute::Email, to);
        if attributes.get(Attribute::Email).is_none() {
            return vec![FieldFault::new("to", "is required")];
        }
        let faults = attributes.faults().into_iter();
        faults.map(|(_, fault)| FieldFault::new("to", fault.to_string())).collect()
    }

    /// Whether the caller may test.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `Administrator`.
    pub async fn may_test(&self, caller: &Caller, origin: &RequestOrigin) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await
    }

    /// Sends a mail to this address at once, and waits for the outcome.
    ///
    /// # Errors
    /// [`AdministrationError`]; a mail that cannot be sent is an outcome.
    pub async fn test(
        &self,
        caller: &Caller,
        to: &str,
        origin: &RequestOrigin,
    ) -> Result<MailTest, AdministrationError> {
        self.may_test(caller, origin).await?;
        let faults = Self::faults_of(to);
        if !faults.is_empty() {
            return Err(AdministrationError::Invalid(faults));
        }
        let Some(mailer) = &self.context.settings.mail else { return Ok(MailTest::NotSet) };
        let sent = mailer.send(&letters::of_test(&self.context, to.trim())).await;
        let mut event = caller.audit(Action::TestMail, self.context.now(), origin);
        if let Err(failure) = sent {
            event.outcome = Outcome::Refused;
            event.describe(failure.to_string());
        }
        self.context.store.append_audit(vec![event]).await?;
        Ok(sent.map_or_else(MailTest::Failed, |()| MailTest::Sent))
    }
}
