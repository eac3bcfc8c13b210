//! The arguments of `sluicegate user`.

use app::management::users::{Expiry, PossessionsAction, Sending};
use clap::{ArgGroup, Args};
use domain::account::attributes::{Attribute, UserAttributes};

use super::super::audit::parse_time;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The user's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOne {
    /// The user's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(super) one: One,
    /// Hand the user's applications and data sources over to this user
    #[arg(long, value_name = "NAME", conflicts_with = "force")]
    pub(super) transfer_to: Option<String>,
    /// Delete the user's applications and data sources too
    #[arg(long)]
    pub(super) force: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(super) yes: bool,
}

impl Delete {
    pub(super) fn question(&self) -> String {
        let name = &self.one.name;
        match &self.transfer_to {
            Some(heir) => format!("Delete the user {name}, and give what {name} owns to {heir}?"),
            None if self.force => {
                format!("Delete the user {name} with every application and data source of {name}?")
            }
            None => format!("Delete the user {name}?"),
        }
    }

    pub(super) fn estate(&self) -> PossessionsAction {
        match &self.transfer_to {
            Some(name) => PossessionsAction::HandOver(name.clone()),
            None if self.force => PossessionsAction::Delete,
            None => PossessionsAction::Keep,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    pub(super) user: SetPassword,
    /// A role, by name or number; may be given several times [default: User]
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// When the password expires: never, or a time such as 2030-12-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_expiry)]
    pub(super) password_expires: Option<Expiry>,
    /// Disabled until `user enable`
    #[arg(long)]
    pub(super) disabled: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(flatten)]
    pub(super) one: One,
    /// A role, by name or number; may be given several times [default: User]
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// An attribute of the person, such as email=ada@example.com; may be given several times
    #[arg(id = "attributes", long = "attribute", value_name = "NAME=VALUE", value_parser = parse_attribute)]
    pub(super) attributes: Vec<AttributeValue>,
    #[command(flatten)]
    sending: SendingArgs,
}

impl Invite {
    pub(super) fn sending(&self) -> Sending {
        self.sending.wanted()
    }
}

/// How a link reaches its user. By default it is sent if there are a mail server and an address.
#[derive(Debug, Args)]
struct SendingArgs {
    /// Send the link to the mail address of the user [default: if there are a mail server and an address]
    #[arg(long, conflicts_with = "show")]
    send: bool,
    /// Show the link instead of sending it
    #[arg(long)]
    show: bool,
}

impl SendingArgs {
    fn wanted(&self) -> Sending {
        match (self.send, self.show) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ResetLink {
    #[command(flatten)]
    pub(super) one: One,
    /// An invitation, which is valid for a week instead of a day
    #[arg(long)]
    pub(super) invitation: bool,
    #[command(flatten)]
    sending: SendingArgs,
}

impl ResetLink {
    pub(super) fn sending(&self) -> Sending {
        self.sending.wanted()
    }
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["new_name", "roles", "password_expires", "attributes"]).required(true).multiple(true)),
    override_usage = "sluicegate user update [OPTIONS] <NAME>"
)]
pub(crate) struct Update {
    #[command(flatten)]
    pub(super) one: One,
    /// The new name
    #[arg(id = "new_name", long = "name", value_name = "NAME")]
    pub(super) new_name: Option<String>,
    /// A role, by name or number; may be given several times, and replaces all previous ones
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// When the password expires: never, or a time such as 2030-12-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_expiry)]
    pub(super) password_expires: Option<Expiry>,
    /// An attribute of the person, such as email=ada@example.com or `email_verified=true`; an empty value removes it; may be
    /// given several times
    #[arg(id = "attributes", long = "attribute", value_name = "NAME=VALUE", value_parser = parse_attribute)]
    pub(super) attributes: Vec<AttributeValue>,
}

/// An attribute with its new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttributeValue {
    /// A text; empty to remove it.
    Text(Attribute, String),
    /// Whether the mail address is verified.
    EmailVerified(bool),
    /// Whether the telephone number is verified.
    PhoneNumberVerified(bool),
}

impl AttributeValue {
    pub(super) fn set(&self, attributes: &mut UserAttributes) {
        match self {
            Self::Text(attribute, value) => attributes.set(*attribute, value),
            Self::EmailVerified(verified) => attributes.email_verified = *verified,
            Self::PhoneNumberVerified(verified) => attributes.phone_number_verified = *verified,
        }
    }
}

fn parse_attribute(text: &str) -> Result<AttributeValue, String> {
    let (name, value) = text.split_once('=').ok_or("must have the form NAME=VALUE")?;
    let flag = || value.parse::<bool>().map_err(|_| format!("{name} must be true or false"));
    match name {
        "email_verified" => flag().map(AttributeValue::EmailVerified),
        "phone_number_verified" => flag().map(AttributeValue::PhoneNumberVerified),
        _ => {
            let known = Attribute::ALL.iter().find(|attribute| attribute.claim() == name);
            known.map(|attribute| AttributeValue::Text(*attribute, value.to_owned())).ok_or_else(|| {
                let names: Vec<&str> = Attribute::ALL.iter().map(|attribute| attribute.claim()).collect();
                let flags = "email_verified, phone_number_verified";
                format!("{name} is not one of {}, {flags}", names.join(", "))
            })
        }
    }
}

fn parse_expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let time = parse_time(text).map_err(|_| "must be never, or a time such as 2030-12-31T00:00:00Z")?;
    Ok(Expiry::At(time))
}

#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    #[command(flatten)]
    pub(super) one: One,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub(super) password_stdin: bool,
}
