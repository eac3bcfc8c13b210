//! What the account says about its user, for applications that the user allows to see it.

use app::identity::profile::{ProfileRefusal, ProfileService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::account::attributes::{Attribute, UserAttributes};
use http::StatusCode;
use oauth::parameters::Name;

use super::account_frame::AccountFrame;
use super::form::{FormBody, OwnForm, fields};
use super::{Visit, fault, go_to, stale_form};
use crate::extract::Use;
use crate::filters;
use crate::respond::page;

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'a> {
    frame: AccountFrame,
    notice: Option<&'static str>,
    problems: &'a [String],
    person: Vec<Row>,
    contact: Vec<Row>,
    address: Vec<Row>,
}

/// A field of the form.
struct Row {
    name: &'static str,
    label: &'static str,
    value: String,
    kind: &'static str,
    autocomplete: &'static str,
    hint: Option<&'static str>,
}

impl Row {
    fn new(attribute: Attribute, attributes: &UserAttributes) -> Self {
        let hint = match attribute {
            Attribute::Email if attributes.email_verified => Some("Verified."),
            Attribute::PhoneNumber if attributes.phone_number_verified => Some("Verified."),
            Attribute::Birthdate => Some("Such as 1815-12-10."),
            Attribute::Zoneinfo => Some("Such as Europe/Paris."),
            Attribute::Locale => Some("Such as en-US."),
            _ => None,
        };
        Self {
            name: attribute.claim(),
            label: attribute.label(),
            value: attributes.get(attribute).unwrap_or_default().to_owned(),
            kind: kind(attribute),
            autocomplete: autocomplete(attribute),
            hint,
        }
    }
}

const fn kind(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Email => "email",
        Attribute::PhoneNumber => "tel",
        Attribute::Profile | Attribute::Picture | Attribute::Website => "url",
        _ => "text",
    }
}

/// The names of [HTML §4.10.18.7](https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill).
const fn autocomplete(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "name",
        Attribute::GivenName => "given-name",
        Attribute::FamilyName => "family-name",
        Attribute::MiddleName => "additional-name",
        Attribute::Nickname => "nickname",
        Attribute::Picture => "photo",
        Attribute::Website => "url",
        Attribute::Email => "email",
        Attribute::Gender => "sex",
        Attribute::Birthdate => "bday",
        Attribute::Locale => "language",
        Attribute::PhoneNumber => "tel",
        Attribute::StreetAddress => "address-line1",
        Attribute::Locality => "address-level2",
        Attribute::Region => "address-level1",
        Attribute::PostalCode => "postal-code",
        Attribute::Country => "country-name",
        Attribute::PreferredUsername | Attribute::Profile | Attribute::Zoneinfo | Attribute::Formatted => {
            "off"
        }
    }
}

/// The attributes of a person, in the order of the page.
const PERSON: [Attribute; 10] = [
    Attribute::Name,
    Attribute::GivenName,
    Attribute::MiddleName,
    Attribute::FamilyName,
    Attribute::Nickname,
    Attribute::PreferredUsername,
    Attribute::Birthdate,
    Attribute::Gender,
    Attribute::Picture,
    Attribute::Profile,
];

/// How to reach the person, in the order of the page.
const CONTACT: [Attribute; 5] =
    [Attribute::Email, Attribute::PhoneNumber, Attribute::Website, Attribute::Locale, Attribute::Zoneinfo];

/// The longest value that the form accepts, so that a value that is too long can be refused with a message.
const LONGEST: usize = 4096;

impl<'a> ProfilePage<'a> {
    fn new(
        frame: AccountFrame,
        attributes: &UserAttributes,
        notice: Option<&'static str>,
        problems: &'a [String],
    ) -> Self {
        let rows =
            |shown: &[Attribute]| shown.iter().map(|attribute| Row::new(*attribute, attributes)).collect();
        let address: Vec<Attribute> =
            Attribute::ALL.iter().copied().filter(|attribute| attribute.is_of_address()).collect();
        Self {
            frame,
            notice,
            problems,
            person: rows(&PERSON),
            contact: rows(&CONTACT),
            address: rows(&address),
        }
    }
}

/// `GET /account/profile`.
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let (live, cookie) = match visit.signed_in("/account/profile").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let attributes = live.caller.account().user.attributes.as_deref().cloned().unwrap_or_default();
    let notice = (query.as_deref() == Some("saved")).then_some("Your details were saved.");
    let frame = visit.account_frame("profile", &live, &cookie).await;
    let shown = ProfilePage::new(frame, &attributes, notice, &[]);
    visit.page(StatusCode::OK, &shown, page::PageContext::Own)
}

/// `POST /account/profile`.
pub async fn save(visit: Visit, Use(profile): Use<ProfileService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match visit.signed_in("/account/profile").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let Some(attributes) = sent(&form) else { return stale_form() };
    let faults = match profile.edit(&live, attributes.clone(), &visit.origin).await {
        Ok(()) => return go_to("/account/profile?saved"),
        Err(ProfileRefusal::Fault(cause)) => return fault(&cause),
        Err(ProfileRefusal::Changed) => return stale_form(),
        Err(ProfileRefusal::Invalid(faults)) => faults,
    };
    let label = |field: &str| {
        let member = field.rsplit('.').next().unwrap_or_default();
        Attribute::ALL.iter().find(|one| one.member() == member).map_or("A value", |one| one.label())
    };
    let problems: Vec<String> =
        faults.iter().map(|fault| format!("{} {}.", label(&fault.field), fault.message)).collect();
    let frame = visit.account_frame("profile", &live, &cookie).await;
    let shown = ProfilePage::new(frame, &attributes, None, &problems);
    visit.page(StatusCode::BAD_REQUEST, &shown, page::PageContext::Own)
}

/// The attributes in the form; `None` if a field is repeated or much too long, as in no form of ours.
fn sent(form: &FormBody) -> Option<UserAttributes> {
    let mut attributes = UserAttributes::default();
    for attribute in Attribute::ALL {
        let value = form.parameters().one(Name::new(attribute.claim(), LONGEST)).ok()?;
        attributes.set(*attribute, value.unwrap_or_default());
    }
    Some(attributes)
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let mut full = UserAttributes::default();
    full.email_verified = true;
    for attribute in Attribute::ALL {
        full.set(*attribute, HOSTILE);
    }
    let problems = [HOSTILE.to_owned()];
    let frame = || AccountFrame::sample("profile", 0);
    vec![
        rendered(&ProfilePage::new(frame(), &UserAttributes::default(), None, &[])),
        rendered(&ProfilePage::new(frame(), &full, Some("Your details were saved."), &problems)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_field_for_each_attribute() {
        for attribute in Attribute::ALL {
            let places = PERSON.iter().chain(&CONTACT).filter(|shown| *shown == attribute).count();
            assert_eq!(places + usize::from(attribute.is_of_address()), 1, "{attribute:?}");
        }
    }
}
