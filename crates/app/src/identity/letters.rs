//! What the mails of the server say.

use domain::account::one_time_link::LinkPurpose;
use domain::account::{User, attributes::Attribute};
use domain::mail::Letter;
use domain::secret::OneTimeLinkText;
use domain::time::Timestamp;
use jiff::Timestamp as Moment;

use crate::Context;

/// The mail with a one-time link.
pub(crate) fn of_link(
    context: &Context,
    purpose: LinkPurpose,
    name: &str,
    to: &str,
    link: &OneTimeLinkText,
    expires_at: Timestamp,
) -> Letter {
    let server = &context.settings.public_url;
    let (subject, why, otherwise) = match purpose {
        LinkPurpose::Invitation => (
            "Your new account",
            format!(
                "an account was made for you at {server}\nYour user name is: {name}\n\nChoose your password here:"
            ),
            "If you did not expect this mail, you need not do anything.",
        ),
        LinkPurpose::Reset => (
            "Choose a new password",
            format!(
                "an administrator of {server}\nlets you choose a new password for the account: {name}\n\nChoose it here:"
            ),
            "If you did not ask for this, you need not do anything: your password stays as it is.",
        ),
        LinkPurpose::Forgotten => (
            "Choose a new password",
            format!(
                "somebody has asked for a new password at {server}\nfor the account: {name}\n\nIf that was you, choose it here:"
            ),
            "If it was not you, you need not do anything: your password stays as it is.",
        ),
    };
    let until = Moment::from_second(expires_at.as_secs()).unwrap_or_default();
    let until = until.strftime("%-d %B %Y, %H:%M UTC");
    let text =
        format!("Hello,\n\n{why}\n\n{}\n\nThe link works once, until {until}.\n{otherwise}\n", link.expose());
    Letter { to: to.to_owned(), subject: subject.to_owned(), text, id: context.vault.new_visitor() }
}

/// The mail by which somebody tests whether the server can send mail.
pub(crate) fn of_test(context: &Context, to: &str) -> Letter {
    let text = format!("Hello,\n\n{} can send mail.\n", context.settings.public_url);
    Letter { to: to.to_owned(), subject: "Test of mail".to_owned(), text, id: context.vault.new_visitor() }
}

/// The mail address of a user, if there is one.
pub(crate) fn address_of(user: &User) -> Option<&str> {
    user.attributes.as_deref()?.get(Attribute::Email)
}
