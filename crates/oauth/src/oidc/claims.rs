//! The claims about a person ([OpenID Connect Core
//! §5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims)).

use domain::account::User;
use domain::account::attributes::{Attribute, UserAttributes};
use serde_json::{Map, Value};

use crate::scope::BuiltInScope;

/// Claims with their values.
pub type UserClaims = Map<String, Value>;

/// A claim about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// An attribute that is a text of its own.
    Text(Attribute),
    /// `email_verified`.
    EmailVerified,
    /// `phone_number_verified`.
    PhoneNumberVerified,
    /// `address`.
    Address,
    /// `updated_at`.
    UpdatedAt,
}

impl Claim {
    /// Every claim about a person that this server knows.
    pub fn all() -> impl Iterator<Item = Self> {
        let texts = Attribute::ALL.iter().filter(|attribute| !attribute.is_of_address());
        let others = [Self::EmailVerified, Self::PhoneNumberVerified, Self::Address, Self::UpdatedAt];
        texts.map(|attribute| Self::Text(*attribute)).chain(others)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text(attribute) => attribute.claim(),
            Self::EmailVerified => "email_verified",
            Self::PhoneNumberVerified => "phone_number_verified",
            Self::Address => "address",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// The claim with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|claim| claim.name() == name)
    }

    /// The scope that requests it ([OpenID Connect Core
    /// §5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)).
    pub const fn scope(self) -> BuiltInScope {
        match self {
            Self::Text(Attribute::Email) | Self::EmailVerified => BuiltInScope::Email,
            Self::Text(Attribute::PhoneNumber) | Self::PhoneNumberVerified => BuiltInScope::Phone,
            Self::Address => BuiltInScope::Address,
            Self::Text(_) | Self::UpdatedAt => BuiltInScope::Profile,
        }
    }

    /// The value for a user; `None` if nothing is known. "If a Claim is not returned, that Claim Name SHOULD be omitted"
    /// ([OpenID Connect Core
    /// §5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)).
    pub fn value(self, user: &User) -> Option<Value> {
        let known = user.attributes.as_deref();
        let text = |attribute| known?.get(attribute).map(str::to_owned);
        match self {
            Self::Text(Attribute::Name) => {
                text(Attribute::Name).or_else(|| full_name(known?)).map(Value::from)
            }
            Self::Text(Attribute::PreferredUsername) => {
                Some(text(Attribute::PreferredUsername).unwrap_or_else(|| user.name.clone()).into())
            }
            Self::Text(attribute) => text(attribute).map(Value::from),
            Self::EmailVerified => text(Attribute::Email).and(known).map(|known| known.email_verified.into()),
            Self::PhoneNumberVerified => {
                text(Attribute::PhoneNumber).and(known).map(|known| known.phone_number_verified.into())
            }
            Self::Address => address(known?),
            Self::UpdatedAt => Some(user.updated_at.as_secs().into()),
        }
    }
}

fn full_name(attributes: &UserAttributes) -> Option<String> {
    let parts = [Attribute::GivenName, Attribute::MiddleName, Attribute::FamilyName];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| attributes.get(part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// [OpenID Connect Core §5.1.1](https://openid.net/specs/openid-connect-core-1_0.html#AddressClaim).
fn address(attributes: &UserAttributes) -> Option<Value> {
    let parts = Attribute::ALL.iter().filter(|attribute| attribute.is_of_address());
    let members = parts.filter_map(|part| Some((part.claim().to_owned(), attributes.get(*part)?.into())));
    let members: Map<String, Value> = members.collect();
    (!members.is_empty()).then(|| members.into())
}

/// The claims about the user for which `wanted` holds.
pub(super) fn requested(user: &User, wanted: impl Fn(&Claim) -> bool) -> UserClaims {
    let claims = Claim::all().filter(wanted);
    claims.filter_map(|claim| Some((claim.name().to_owned(), claim.value(user)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use serde_json::json;

    fn ada() -> User {
        let stored = r#"{"given_name":"Ada","family_name":"Lovelace","email":"ada@example.com","email_verified":true,
            "locality":"London","phone_number":"+44 20 7946 0123"}"#;
        let attributes = UserAttributes::from_json(Some(stored)).unwrap();
        User { attributes: Some(Box::new(attributes)), ..sample::user(4) }
    }

    #[test]
    fn values_have_the_types_of_the_specification() {
        let value = |name| Claim::named(name).unwrap().value(&ada());
        assert_eq!(value("name"), Some(json!("Ada Lovelace")));
        assert_eq!(value("preferred_username"), Some(json!("user4")));
        assert_eq!(
            (value("email_verified"), value("phone_number_verified")),
            (Some(json!(true)), Some(json!(false)))
        );
        assert_eq!(value("address"), Some(json!({ "locality": "London" })));
        assert_eq!(value("updated_at"), Some(json!(sample::NOW.as_secs())));
        assert_eq!(value("website"), None);
        let nobody = Claim::named("email_verified").unwrap().value(&sample::user(4));
        assert_eq!(nobody, None, "without an address there is nothing to verify");
    }
}
