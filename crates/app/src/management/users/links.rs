//! One-time links that administrators make: invitations, and links for a new password.

use domain::account::User;
use domain::account::attributes::Attribute;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::audit::{Action, NewAuditEvent};
use domain::id::UserId;
use domain::secret::{OneTimeLinkText, Password};
use store::{MOST_MAILS, NewLink, NewMail, NewOneTimeLink, OneTimeLinkRefusal, UserRefusal};

use super::{UserDraft, UserService};
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::{letters, one_time_links};
use crate::management::administration::{Administration, AdministrationError, FieldFault};

/// A link that was made.
#[derive(Debug)]
pub struct MadeLink {
    /// What is stored of it.
    pub stored: OneTimeLink,
    /// Its address with the secret, which is shown only now; `None` if it is sent by mail instead.
    pub address: Option<OneTimeLinkText>,
}

/// How the link reaches its user: by mail, or shown to whoever makes it. By default it is sent if the server can send mail and
/// the user has an address.
pub type Sending = Option<bool>;

impl UserService {
    /// Creates a user without a password, and a link by which the person chooses the first one. Until then nobody can sign in
    /// as this user.
    ///
    /// # Errors
    /// As for [`UserService::create`]; the draft has no password, and the user is active.
    pub async fn invite(
        &self,
        caller: &Caller,
        draft: UserDraft,
        sending: Sending,
        origin: &RequestOrigin,
    ) -> Result<(User, MadeLink), AdministrationError> {
        self.may_create(caller, origin).await?;
        let faults = draft.faults_of_invitation();
        if !faults.is_empty() {
            return Err(AdministrationError::Invalid(faults));
        }
        // 256 random bits that nobody keeps.
        let unknown = Password::new(self.context.vault.new_client_secret().secret.expose());
        let new = self.new_user(caller, draft, unknown, origin).await?;
        let mut creation = caller.audit(Action::CreateUser, self.context.now(), origin);
        creation.subject = Some(new.name.clone());
        let to = self.receiver(new.attributes.get(Attribute::Email), sending)?;
        let (address, link) = self.new_link(LinkPurpose::Invitation, &new.name, to);
        let event = self.link_event(caller, &new.name, &link, origin);
        let judged = self.context.store.invite_user(new, link, [creation, event]).await?;
        let (user, stored) = Administration::of(&self.context).settled(caller, judged, origin).await?;
        self.context.mail_stored.announce();
        Ok((user, MadeLink { stored, address }))
    }

    /// Makes a link by which a user chooses a new password. Until it is used, the current password stays valid.
    ///
    /// # Errors
    /// As for [`UserService::to_change`]; [`AdministrationError::Invalid`] if the user is inactive.
    pub async fn make_link(
        &self,
        caller: &Caller,
        id: UserId,
        purpose: LinkPurpose,
        sending: Sending,
        origin: &RequestOrigin,
    ) -> Result<MadeLink, AdministrationError> {
        let user = self.to_change(caller, id, origin).await?;
        if !user.active {
            let message = "cannot be made for a user who is inactive; activate the user first";
            return Err(AdministrationError::Invalid(vec![FieldFault::new("purpose", message)]));
        }
        let to = self.receiver(letters::address_of(&user), sending)?;
        let (address, link) = self.new_link(purpose, &user.name, to);
        let mut event = self.link_event(caller, &user.name, &link, origin);
        event.account = Some(id);
        let new = NewOneTimeLink { user: id, user_epoch: user.epoch, link, unless_since: None };
        let judged = self.context.store.insert_one_time_link(new, event).await?;
        let judged = judged.map_err(as_of_user);
        let stored = Administration::of(&self.context).settled(caller, judged, origin).await?;
        self.context.mail_stored.announce();
        Ok(MadeLink { stored, address })
    }

    /// The valid links of a user, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`, [`AdministrationError::Unknown`].
    pub async fn links(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<Vec<OneTimeLink>, AdministrationError> {
        self.find(caller, id, origin).await?;
        Ok(self.context.store.list_one_time_links(id, self.context.now()).await?)
    }

    /// Ends all links of a user.
    ///
    /// # Errors
    /// As for [`UserService::to_change`]; [`AdministrationError::Unknown`] also if the user has none.
    pub async fn end_links(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let user = self.to_change(caller, id, origin).await?;
        let mut event = caller.audit(Action::EndOneTimeLinks, self.context.now(), origin);
        event.subject = Some(user.name);
        event.account = Some(id);
        let judged = self.context.store.end_one_time_links(id, event).await?.map_err(as_of_user);
        Administration::of(&self.context).settled(caller, judged, origin).await
    }

    /// The address to which a link is sent; `None` if it is shown.
    fn receiver(&self, known: Option<&str>, sending: Sending) -> Result<Option<String>, AdministrationError> {
        let can_send = self.context.settings.mail.is_some();
        let missing = match (sending, known) {
            (Some(false), _) => return Ok(None),
            (None, _) if !can_send => return Ok(None),
            (None, known) => return Ok(known.map(str::to_owned)),
            (Some(true), _) if !can_send => "needs a mail server, which `mail.host` names",
            (Some(true), Some(to)) => return Ok(Some(to.to_owned())),
            (Some(true), None) => "needs a mail address of the user",
        };
        Err(AdministrationError::Invalid(vec![FieldFault::new("send", missing)]))
    }

    /// A link, and its address if it is shown.
    fn new_link(
        &self,
        purpose: LinkPurpose,
        name: &str,
        to: Option<String>,
    ) -> (Option<OneTimeLinkText>, NewLink) {
        let (secret, digest) = self.context.vault.new_one_time_link();
        let expires_at = self.context.now().plus_secs(purpose.lifetime_secs());
        let address = one_time_links::address(&self.context, &secret);
        let mail = to.as_deref().map(|to| {
            let letter = letters::of_link(&self.context, purpose, name, to, &address, expires_at);
            NewMail { sealed: self.context.vault.seal_letter(&digest, &letter), most: MOST_MAILS }
        });
        let shown = to.is_none().then_some(address);
        (shown, NewLink { purpose, digest, sent_to: to, continue_to: None, mail, expires_at })
    }

    fn link_event(
        &self,
        caller: &Caller,
        name: &str,
        link: &NewLink,
        origin: &RequestOrigin,
    ) -> NewAuditEvent {
        let mut event = caller.audit(Action::CreateOneTimeLink, self.context.now(), origin);
        event.subject = Some(name.to_owned());
        let how = if link.mail.is_some() { "sent by mail" } else { "shown" };
        event.describe(format!("{}, {how}", link.purpose.in_words()));
        event
    }
}

/// The same refusal among those of users.
fn as_of_user(refusal: OneTimeLinkRefusal) -> UserRefusal {
    match refusal {
        OneTimeLinkRefusal::RightsChanged => UserRefusal::RightsChanged,
        OneTimeLinkRefusal::BeyondRights => UserRefusal::BeyondRights,
        OneTimeLinkRefusal::Full => UserRefusal::TooManyMails,
        OneTimeLinkRefusal::Unknown | OneTimeLinkRefusal::TooSoon => UserRefusal::Unknown,
    }
}
