//! What a client that registered itself says about itself.

use serde::{Deserialize, Serialize};

/// The members of [RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591#section-2) that only applications have that
/// registered themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelfRegistered {
    /// The kind of application.
    pub application_type: ApplicationType,
    /// The identifier of the software, the same for all its installations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of the software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The statement with which it registered, as it sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,
}

/// The kind of application ([OpenID Connect Dynamic Client Registration
/// §2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// It runs on a web server or in the pages of a web site.
    #[default]
    Web,
    /// It runs on the device of its user.
    Native,
}

impl ApplicationType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Web, Self::Native].into_iter().find(|kind| kind.as_str() == name)
    }
}
