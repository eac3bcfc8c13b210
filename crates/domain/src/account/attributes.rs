//! What a user's record says about the person: the standard claims of [OpenID Connect Core
//! §5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod check;

pub use check::AttributeFault;

/// The maximum length of a value in characters.
pub const LONGEST: usize = 256;

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $claim:literal, $member:literal, $label:literal;)+) => {
        /// An attribute of a user. Each value is a text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Attribute {
            $($(#[$doc])* $name),+
        }

        impl Attribute {
            /// Every attribute, in the order of the specification.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name of the claim.
            pub const fn claim(self) -> &'static str {
                match self { $(Self::$name => $claim),+ }
            }

            /// The name of the member in the management API.
            pub const fn member(self) -> &'static str {
                match self { $(Self::$name => $member),+ }
            }

            /// The name for people.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label),+ }
            }
        }
    };
}

attributes! {
    /// The full name, to be displayed.
    Name = "name", "name", "Full name";
    /// Given names.
    GivenName = "given_name", "givenName", "Given name";
    /// Family names.
    FamilyName = "family_name", "familyName", "Family name";
    /// Middle names.
    MiddleName = "middle_name", "middleName", "Middle name";
    /// The casual name.
    Nickname = "nickname", "nickname", "Nickname";
    /// The name by which the person wants to be called; without it, the user name.
    PreferredUsername = "preferred_username", "preferredUsername", "Preferred user name";
    /// The address of a page about the person.
    Profile = "profile", "profile", "Profile page";
    /// The address of a picture.
    Picture = "picture", "picture", "Picture";
    /// The address of a web site.
    Website = "website", "website", "Web site";
    /// The mail address. It need not be unique.
    Email = "email", "email", "Email";
    /// The gender in words.
    Gender = "gender", "gender", "Gender";
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    Birthdate = "birthdate", "birthdate", "Date of birth";
    /// A time zone, such as `Europe/Paris`.
    Zoneinfo = "zoneinfo", "zoneinfo", "Time zone";
    /// A language tag, such as `en-US`.
    Locale = "locale", "locale", "Language";
    /// The telephone number.
    PhoneNumber = "phone_number", "phoneNumber", "Telephone";
    /// The full mailing address on one line.
    Formatted = "formatted", "formatted", "Full address";
    /// Street and house number.
    StreetAddress = "street_address", "streetAddress", "Street";
    /// City.
    Locality = "locality", "locality", "City";
    /// State, province or region.
    Region = "region", "region", "Region";
    /// Postal code.
    PostalCode = "postal_code", "postalCode", "Postal code";
    /// Country.
    Country = "country", "country", "Country";
}

impl Attribute {
    /// Whether it is a part of the claim `address` ([OpenID Connect Core
    /// §5.1.1](https://openid.net/specs/openid-connect-core-1_0.html#AddressClaim)).
    pub const fn is_of_address(self) -> bool {
        matches!(
            self,
            Self::Formatted
                | Self::StreetAddress
                | Self::Locality
                | Self::Region
                | Self::PostalCode
                | Self::Country
        )
    }
}

/// The attributes of a user; one without a value is absent. They are stored as one JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserAttributes {
    /// Whether an administrator vouches for the mail address.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
    /// Whether an administrator vouches for the telephone number.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub phone_number_verified: bool,
    /// The values by the name of their claim. A later version may have stored more.
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

/// Stored attributes that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the attributes of a user are malformed")]
pub struct UnreadableAttributes;

impl UserAttributes {
    /// The value of an attribute.
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        self.values.get(attribute.claim())?.as_str()
    }

    /// Sets the value of an attribute; an empty one removes it. The value is checked later, by
    /// [`UserAttributes::faults`].
    pub fn set(&mut self, attribute: Attribute, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            self.values.remove(attribute.claim());
        } else {
            let value = crate::text::nfc(value).into_owned();
            self.values.insert(attribute.claim().to_owned(), Value::String(value));
        }
    }

    /// Whether nothing is said about the person.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All faults, each with its attribute.
    pub fn faults(&self) -> Vec<(Attribute, AttributeFault)> {
        let fault = |attribute: &Attribute| {
            let value = self.get(*attribute)?;
            Some((*attribute, check::check(*attribute, value).err()?))
        };
        Attribute::ALL.iter().filter_map(fault).collect()
    }

    /// The attributes after the user has edited them: nobody vouches for a mail address or a number that the user has
    /// changed.
    #[must_use]
    pub fn edited(&self, mut new: Self) -> Self {
        let same = |attribute| self.get(attribute) == new.get(attribute);
        let (email, phone) = (same(Attribute::Email), same(Attribute::PhoneNumber));
        new.email_verified = self.email_verified && email;
        new.phone_number_verified = self.phone_number_verified && phone;
        for (name, value) in &self.values {
            if Attribute::ALL.iter().all(|known| known.claim() != name) {
                new.values.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        new
    }

    /// The JSON object; `None` if nothing is said.
    ///
    /// # Panics
    /// Never: texts can always be serialized.
    pub fn to_json(&self) -> Option<String> {
        (!self.is_empty()).then(|| serde_json::to_string(self).expect("texts can always be serialized"))
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: Option<&str>) -> Result<Self, UnreadableAttributes> {
        json.map_or(Ok(Self::default()), |json| serde_json::from_str(json).map_err(|_| UnreadableAttributes))
    }
}

/// The random text from which the identifiers of a user are derived: the `sub` of OpenID Connect. It is given to a user
/// once, never changes, and never leaves the server itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectSeed(String);

impl SubjectSeed {
    /// Takes the stored text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The stored text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SubjectSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectSeed(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> UserAttributes {
        let mut person = UserAttributes { email_verified: true, ..UserAttributes::default() };
        person.set(Attribute::Email, " ada@example.com ");
        person.set(Attribute::StreetAddress, "St James's Square 12");
        person
    }

    #[test]
    fn attributes_come_back_from_their_json() {
        let json = person().to_json().unwrap();
        assert_eq!(UserAttributes::from_json(Some(&json)), Ok(person()));
        assert_eq!(person().get(Attribute::Email), Some("ada@example.com"), "without surrounding spaces");
        assert_eq!(UserAttributes::default().to_json(), None);
        assert_eq!(UserAttributes::from_json(Some("[]")), Err(UnreadableAttributes));
    }

    #[test]
    fn an_empty_value_removes_an_attribute() {
        let mut person = person();
        person.set(Attribute::Email, "  ");
        assert_eq!(person.get(Attribute::Email), None);
    }

    #[test]
    fn nobody_vouches_for_an_address_that_the_user_has_changed() {
        let before = person();
        assert!(before.edited(before.clone()).email_verified);
        let mut new = UserAttributes { email_verified: true, phone_number_verified: true, ..before.clone() };
        new.set(Attribute::Email, "other@example.com");
        let after = before.edited(new);
        assert!(!after.email_verified && !after.phone_number_verified);
        assert_eq!(after.get(Attribute::Email), Some("other@example.com"));
    }

    #[test]
    fn attributes_of_a_later_version_are_kept() {
        let before = UserAttributes::from_json(Some(r#"{"later":7}"#)).unwrap();
        assert_eq!(before.edited(UserAttributes::default()).to_json().as_deref(), Some(r#"{"later":7}"#));
    }

    #[test]
    fn names_of_attributes_are_unique() {
        for names in [Attribute::claim, Attribute::member, Attribute::label] {
            let mut all: Vec<_> = Attribute::ALL.iter().map(|one| names(*one)).collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), Attribute::ALL.len());
        }
    }
}
