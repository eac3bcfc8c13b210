//! What a client says of itself, before its redirect URIs are known.

use url::Url;

use super::fault::MetadataFault;
use crate::application::{ApplicationType, SelfRegistered};
use crate::client_members::Members;

/// The maximum length of `software_id` and `software_version` in bytes.
const LONGEST_TEXT: usize = 256;
/// The maximum length of the address of a page in bytes.
const LONGEST_URL: usize = 2_048;

/// What a client says of itself.
pub(super) struct ClientStatement {
    /// The kind that it gives.
    pub(super) application_type: Option<ApplicationType>,
    /// The other members, as it gave them.
    pub(super) about: SelfRegistered,
}

impl ClientStatement {
    pub(super) fn by(members: &Members<'_>) -> Result<Self, MetadataFault> {
        let kind = members.text("application_type")?;
        let application_type = kind.map(|name| {
            ApplicationType::from_name(name)
                .ok_or_else(|| MetadataFault::metadata("application_type must be web or native"))
        });
        Ok(Self {
            application_type: application_type.transpose()?,
            about: SelfRegistered {
                software_id: short(members, "software_id")?,
                software_version: short(members, "software_version")?,
                client_uri: page(members, "client_uri")?,
                tos_uri: page(members, "tos_uri")?,
                policy_uri: page(members, "policy_uri")?,
                ..SelfRegistered::default()
            },
        })
    }
}

fn short(members: &Members<'_>, name: &'static str) -> Result<Option<String>, MetadataFault> {
    match members.text(name)? {
        Some(text) if text.len() > LONGEST_TEXT => {
            Err(MetadataFault::metadata(format!("{name} is longer than {LONGEST_TEXT} bytes")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// The address of a page for people: "The value of this field MUST point to a valid web page" ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). The server does not fetch it, but shows it.
fn page(members: &Members<'_>, name: &'static str) -> Result<Option<String>, MetadataFault> {
    let Some(text) = members.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_plain = text.len() <= LONGEST_URL && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_page = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    if is_plain && is_page {
        return Ok(Some(text.to_owned()));
    }
    let wanted =
        "must be an http or https address of at most 2048 bytes, in printable ASCII and without a user name";
    Err(MetadataFault::metadata(format!("{name} {wanted}")))
}
