//! Why a client is not registered.

use crate::client_members::WrongType;
use crate::error::ErrorCode;

/// Why a client is not registered ([RFC 7591 §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataFault {
    /// `invalid_redirect_uri`, `invalid_client_metadata`, `invalid_software_statement` or `unapproved_software_statement`.
    pub code: ErrorCode,
    /// What is wrong, for the developer of the client.
    pub description: String,
}

impl MetadataFault {
    /// A fault of any member but the redirect URIs.
    pub fn metadata(description: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidClientMetadata, description: description.into() }
    }

    pub(super) fn redirect(description: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidRedirectUri, description: description.into() }
    }
}

impl From<WrongType> for MetadataFault {
    fn from(fault: WrongType) -> Self {
        let description = fault.to_string();
        if fault.name == "redirect_uris" { Self::redirect(description) } else { Self::metadata(description) }
    }
}
