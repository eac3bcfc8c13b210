//! What a client says of itself, before its redirect URIs are known.

use super::fault::MetadataFault;
use crate::application::{ApplicationType, SelfRegistered};
use crate::client_members::Members;

/// The maximum length of `software_id` and `software_version` in bytes.
const LONGEST_TEXT: usize = 256;

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
