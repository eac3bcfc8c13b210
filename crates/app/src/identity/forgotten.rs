//! Forgotten passwords. Whoever asks learns nothing: the answer is the same, and comes before anybody looks for the account.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::account::one_time_link::{LONGEST_CONTINUE_TO, LinkPurpose};
use domain::account::{Permission, User};
use domain::audit::{Action, Outcome};
use store::{MOST_MAILS_OF_STRANGERS, NewLink, NewMail, NewOneTimeLink, OneTimeLinkRefusal};
use tokio::sync::Notify;

use crate::identity::letters;
use crate::identity::one_time_links::address;
use crate::node::entity_cache::Entities;
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::request_origin::RequestOrigin;
use crate::node::strangers::Left;
use crate::{Context, Fault};

/// The maximum number of questions that wait on this node. Further ones are dropped.
const MOST_WAITING: usize = 1_000;
/// The maximum number of accounts that get a mail because they have the same address.
const MOST_ACCOUNTS: usize = 5;
/// A user gets at most one mail in this time, in seconds, however often somebody asks. The link of the last one works longer.
const BETWEEN_MAILS_SECS: i64 = 900;

/// What somebody has typed, and what waits for the user.
#[derive(Debug)]
struct Question {
    name: String,
    continue_to: Option<String>,
    origin: RequestOrigin,
}

/// Questions that were answered with "a mail is on its way, if", and are examined later.
#[derive(Debug, Default)]
pub(crate) struct ForgottenPasswords {
    waiting: Mutex<VecDeque<Question>>,
    added: Notify,
}

impl ForgottenPasswords {
    /// Returns whether there was room.
    fn add(&self, question: Question) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST_WAITING {
            return false;
        }
        waiting.push_back(question);
        drop(waiting);
        self.added.notify_one();
        true
    }

    fn next(&self) -> Option<Question> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Somebody asks too often.
#[derive(Debug, Clone, Copy)]
pub struct AskedTooOften {
    /// After how many seconds the next question is accepted.
    pub retry_after_secs: u32,
}

/// Forgotten passwords.
#[derive(Clone)]
pub struct ForgottenPasswordService {
    context: Arc<Context>,
}

service!(ForgottenPasswordService);

impl ForgottenPasswordService {
    /// Whether people may ask: only if the server can send mail.
    pub fn is_offered(&self) -> bool {
        self.context.settings.mail.is_some()
    }

    /// Takes a question for the account with this name, or for the accounts with this verified mail address. `continue_to` is
    /// the path and query of the request that waits for the user. The answer does not depend on whether there is one.
    ///
    /// # Errors
    /// If too many questions come from the same network.
    pub fn ask(&self, name: &str, continue_to: &str, origin: &RequestOrigin) -> Result<(), AskedTooOften> {
        let now = self.context.now();
        self.context.strangers.leave(Left::ForgottenPassword, origin.network(), now).map_err(|wait| {
            AskedTooOften { retry_after_secs: self.context.metrics.count_rate_limited(wait) }
        })?;
        let waits = is_authorization_request(continue_to) && continue_to.len() <= LONGEST_CONTINUE_TO;
        let question = Question {
            name: name.trim().to_owned(),
            continue_to: waits.then(|| continue_to.to_owned()),
            origin: origin.clone(),
        };
        if !self.context.forgotten.add(question) {
            count(&self.context, "dropped");
        }
        Ok(())
    }

    /// Waits until somebody has asked.
    pub async fn asked(&self) {
        self.context.forgotten.added.notified().await;
    }

    /// Examines all questions that wait, and stores the mails.
    ///
    /// # Errors
    /// If the database fails; the question is lost, and the person asks again.
    pub async fn examine(&self) -> Result<(), Fault> {
        let context = &self.context;
        while let Some(question) = context.forgotten.next() {
            let found = accounts(context, &question.name).await?;
            if found.is_empty() {
                count(context, "unknown");
            }
            for user in found {
                count(context, send(context, user, &question).await?);
            }
        }
        Ok(())
    }
}

/// Whether an address is that of an authorization request, whose page says which application asks. A mail of ours leads
/// nowhere else: anybody could otherwise send a user to the page for devices with a code filled in.
fn is_authorization_request(path_and_query: &str) -> bool {
    let paths = ["/oauth2/authorize?", "/api/mgmt/oauth2/authorize?"];
    paths.iter().any(|path| path_and_query.starts_with(path))
}

fn count(context: &Context, outcome: &'static str) {
    context.metrics.forgotten_passwords.inc(OutcomeLabels { outcome: Word(outcome) });
}

/// The accounts that somebody means, if they may choose a new password themselves.
async fn accounts(context: &Context, name: &str) -> Result<Vec<User>, Fault> {
    let mut found = Vec::new();
    if let Some(user) = context.store.find_user_by_name(name).await? {
        found.push(user);
    } else if name.contains('@') {
        let ids = context.store.users_with_verified_email(name).await?;
        for id in ids.into_iter().take(MOST_ACCOUNTS) {
            found.extend(context.store.find_user(id).await?);
        }
    }
    let mut able = Vec::new();
    for user in found {
        let account = Entities::of(context).with_permissions(user).await?;
        let user = &account.user;
        let is_verified = user.attributes.as_deref().is_some_and(|known| known.email_verified);
        let expired = user.password_expires_at.is_some_and(|end| end.is_past(context.now()));
        let may = account.may(Permission::ChangePassword);
        if user.active && is_verified && !expired && may {
            able.push(account.user);
        }
    }
    Ok(able)
}

/// Stores a link and its mail. Returns the outcome for the metrics.
async fn send(context: &Context, user: User, question: &Question) -> Result<&'static str, Fault> {
    let Some(to) = letters::address_of(&user).map(str::to_owned) else { return Ok("unknown") };
    let (purpose, now) = (LinkPurpose::Forgotten, context.now());
    let (secret, digest) = context.vault.new_one_time_link();
    let expires_at = now.plus_secs(purpose.lifetime_secs());
    let letter = letters::of_link(context, purpose, &user.name, &to, &address(context, &secret), expires_at);
    let mail = NewMail { sealed: context.vault.seal_letter(&digest, &letter), most: MOST_MAILS_OF_STRANGERS };
    let mut event = question.origin.audit(Action::CreateOneTimeLink, Outcome::Success, now);
    event.account = Some(user.id);
    event.subject = Some(user.name.clone());
    event.detail = Some(purpose.in_words().to_owned());
    let new = NewOneTimeLink {
        user: user.id,
        user_epoch: user.epoch,
        link: NewLink {
            purpose,
            digest,
            sent_to: Some(to),
            continue_to: question.continue_to.clone(),
            mail: Some(mail),
            expires_at,
        },
        unless_since: Some(now.minus_secs(BETWEEN_MAILS_SECS)),
    };
    Ok(match context.store.insert_one_time_link(new, event).await? {
        Ok(_) => {
            context.mail_stored.announce();
            "mailed"
        }
        Err(OneTimeLinkRefusal::TooSoon) => "too_soon",
        Err(OneTimeLinkRefusal::Full) => "dropped",
        Err(_) => "unknown",
    })
}
