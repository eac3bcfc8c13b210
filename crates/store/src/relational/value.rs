//! The values of parameters.

use std::borrow::Cow;

use domain::id::{
    ApplicationId, BackchannelAuthenticationId, ConsentId, DataSourceId, DeviceAuthorizationId, Epoch,
    GrantId, InitialAccessTokenId, LogoutDeliveryId, MailId, OneTimeLinkId, PersonalAccessTokenId,
    PushedRequestId, ResourceServerId, RoleId, ScopeId, SecretId, SessionId, TrustedOriginId, UserId,
};
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;

use super::Translated;
use crate::columns::Impossible;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue<'a> {
    /// A number, or NULL.
    Integer(Option<i64>),
    /// A truth value.
    Boolean(bool),
    /// A text, or NULL.
    Text(Option<Cow<'a, str>>),
    /// Bytes, or NULL.
    Bytes(Option<&'a [u8]>),
    /// Numbers, for `{each :name}`.
    Integers(Vec<i64>),
    /// Texts, for `{each :name}`.
    Texts(Vec<&'a str>),
}

impl ParameterValue<'_> {
    /// The list as JSON, for databases whose parameters cannot be lists.
    ///
    /// # Errors
    /// If the value is not a list.
    pub fn to_json(&self) -> Result<String, Impossible> {
        let json = match self {
            Self::Integers(numbers) => serde_json::to_string(numbers),
            Self::Texts(texts) => serde_json::to_string(texts),
            _ => return Err(Impossible("a list is needed here".to_owned())),
        };
        json.map_err(|error| Impossible(error.to_string()))
    }
}

/// The parameters of a statement, by name.
pub type ParameterValues<'a> = &'a [(&'static str, ParameterValue<'a>)];

/// The value of the parameter with this number, from 0, and this name. The names are usually in the order of the
/// numbers.
///
/// # Errors
/// If no value has the name.
fn named<'a>(
    values: ParameterValues<'a>,
    index: usize,
    name: &str,
) -> Result<&'a ParameterValue<'a>, Impossible> {
    let found = values.get(index).filter(|(given, _)| *given == name);
    let found = found.or_else(|| values.iter().find(|(given, _)| *given == name));
    found.map(|(_, value)| value).ok_or_else(|| Impossible(format!("no value for the parameter {name}")))
}

impl Translated {
    /// The values of the parameters, in the order of their numbers.
    pub fn bound<'a>(
        &'a self,
        values: ParameterValues<'a>,
    ) -> impl ExactSizeIterator<Item = Result<&'a ParameterValue<'a>, Impossible>> {
        self.parameters.iter().enumerate().map(move |(index, name)| named(values, index, name))
    }
}

/// The parameters of a statement: `values! { id, name: &role.name }`.
macro_rules! values {
    ($($name:ident $(: $value:expr)?),* $(,)?) => {
        &[$((stringify!($name), $crate::relational::value::values!(@value $name $($value)?))),*]
    };
    (@value $name:ident) => { $crate::relational::ParameterValue::from($name) };
    (@value $name:ident $value:expr) => { $crate::relational::ParameterValue::from($value) };
}
pub(super) use values;

macro_rules! numbers {
    ($($type:ty: $get:expr),+ $(,)?) => {$(
        impl From<$type> for ParameterValue<'_> {
            fn from(value: $type) -> Self {
                Self::Integer(Some($get(value)))
            }
        }

        impl From<Option<$type>> for ParameterValue<'_> {
            fn from(value: Option<$type>) -> Self {
                Self::Integer(value.map($get))
            }
        }
    )+};
}

numbers! {
    i64: i64::from,
    u32: i64::from,
    Timestamp: Timestamp::as_micros,
    Epoch: Epoch::get,
    ApplicationId: ApplicationId::get,
    ConsentId: ConsentId::get,
    DataSourceId: DataSourceId::get,
    BackchannelAuthenticationId: BackchannelAuthenticationId::get,
    DeviceAuthorizationId: DeviceAuthorizationId::get,
    GrantId: GrantId::get,
    LogoutDeliveryId: LogoutDeliveryId::get,
    InitialAccessTokenId: InitialAccessTokenId::get,
    PersonalAccessTokenId: PersonalAccessTokenId::get,
    PushedRequestId: PushedRequestId::get,
    MailId: MailId::get,
    OneTimeLinkId: OneTimeLinkId::get,
    ResourceServerId: ResourceServerId::get,
    RoleId: RoleId::get,
    ScopeId: ScopeId::get,
    SecretId: SecretId::get,
    SessionId: SessionId::get,
    TrustedOriginId: TrustedOriginId::get,
    UserId: UserId::get,
}

impl From<bool> for ParameterValue<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl<'a> From<&'a str> for ParameterValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl<'a> From<&'a String> for ParameterValue<'a> {
    fn from(value: &'a String) -> Self {
        value.as_str().into()
    }
}

impl From<String> for ParameterValue<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl<'a> From<Cow<'a, str>> for ParameterValue<'a> {
    fn from(value: Cow<'a, str>) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a Cow<'_, str>> for ParameterValue<'a> {
    fn from(value: &'a Cow<'_, str>) -> Self {
        (&**value).into()
    }
}

impl<'a> From<Option<&'a str>> for ParameterValue<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value.map(Cow::from))
    }
}

impl From<Option<String>> for ParameterValue<'_> {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Cow::from))
    }
}

impl<'a> From<&'a PasswordHash> for ParameterValue<'a> {
    fn from(value: &'a PasswordHash) -> Self {
        value.as_phc().into()
    }
}

impl<'a> From<&'a [u8]> for ParameterValue<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<'a> From<Option<&'a [u8]>> for ParameterValue<'a> {
    fn from(value: Option<&'a [u8]>) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Digest> for ParameterValue<'a> {
    fn from(value: &'a Digest) -> Self {
        value.as_bytes().as_slice().into()
    }
}

macro_rules! lists_of_ids {
    ($($id:ty),+ $(,)?) => {$(
        impl From<&[$id]> for ParameterValue<'_> {
            fn from(ids: &[$id]) -> Self {
                Self::Integers(ids.iter().map(|id| id.get()).collect())
            }
        }
    )+};
}

lists_of_ids![ApplicationId, RoleId, ScopeId, UserId];

impl From<&[i64]> for ParameterValue<'_> {
    fn from(numbers: &[i64]) -> Self {
        Self::Integers(numbers.to_vec())
    }
}

impl From<&[u32]> for ParameterValue<'_> {
    fn from(numbers: &[u32]) -> Self {
        Self::Integers(numbers.iter().copied().map(i64::from).collect())
    }
}

impl<'a> From<&'a [String]> for ParameterValue<'a> {
    fn from(texts: &'a [String]) -> Self {
        Self::Texts(texts.iter().map(String::as_str).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_name() {
        let (id, name) = (RoleId::new(3), "Support".to_owned());
        let values: ParameterValues<'_> = values! { id, name: &name };
        assert_eq!(named(values, 1, "name"), Ok(&ParameterValue::from("Support")));
        assert_eq!(
            named(values, 0, "name"),
            Ok(&ParameterValue::from("Support")),
            "the order does not matter"
        );
        assert!(named(values, 0, "description").is_err());
    }
}
