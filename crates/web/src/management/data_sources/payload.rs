//! The payload about a data source.

use app::management::data_sources::{DataSourceDraft, MaxAuthenticationAge, UserReference};
use domain::account::Permission;
use domain::id::UserId;

use crate::json::{Fields, FromJson, Json, PayloadFaults};

/// Members that only the server sets; a client that changes the result of a GET sends them back.
const READ_ONLY: &[&str] = &["id", "createdAt", "updatedAt", "createdBy", "handedOverTo", "handedOverAt"];

/// The payload for creating and changing a data source.
#[derive(Debug)]
pub(crate) struct DataSourcePayload {
    pub(super) draft: DataSourceDraft,
    pub(super) connection_type: ConnectionType,
    /// Whether it is a group; `None` if the payload does not say it.
    pub(super) is_group: Option<bool>,
}

/// Hybrid Data Pipeline distinguishes databases in the cloud from those behind a connector; here all are
/// reached directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectionType {
    /// The only valid value.
    Cloud,
    /// It was omitted.
    LeftOut,
    /// Any other value.
    Other(String),
}

impl FromJson for DataSourcePayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(READ_ONLY);
        let name = fields.string("name").map(|name| name.trim().to_owned());
        let data_store = number(&mut fields, "dataStore");
        let description = fields.string("description").unwrap_or_default().trim().to_owned();
        let options = fields.texts_or_objects("options").map(|options| options.into_iter().collect());
        let connection_type = match fields.string("connectionType") {
            None => ConnectionType::LeftOut,
            Some("Cloud") => ConnectionType::Cloud,
            Some(other) => ConnectionType::Other(other.chars().take(64).collect()),
        };
        // 0 ends the demand; without the member it stays.
        let age = fields.integer("maxAuthenticationAge");
        let max_authentication_age = age.map(|secs| match secs {
            0 => MaxAuthenticationAge::Any,
            secs => MaxAuthenticationAge::Secs(secs),
        });
        let requires_second_factor = fields.boolean("requireSecondFactor");
        let writable = fields.boolean("writable");
        let is_group = fields.boolean("isGroup");
        fields.finish();
        let draft = DataSourceDraft {
            name,
            data_store,
            description,
            options,
            max_authentication_age,
            requires_second_factor,
            writable,
        };
        Self { draft, connection_type, is_group }
    }
}

/// An integer, as in Hybrid Data Pipeline's samples: a number or a string.
fn number(fields: &mut Fields<'_>, name: &'static str) -> Option<i64> {
    match fields.value(name)? {
        Json::String(text) => {
            let number = text.parse().ok();
            if number.is_none() {
                fields.fault(name, "must be a whole number");
            }
            number
        }
        _ => fields.integer(name),
    }
}

/// The payload for sharing: `{"sharedUsers":[{"userId":5,"permissions":[2,7]}]}`. A user may be given by
/// `userName` instead, and `permissions` may be omitted; sharing grants those two and no others.
#[derive(Debug)]
pub(crate) struct SharedUsers(pub(super) Vec<UserReference>);

impl FromJson for SharedUsers {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let read = |element, path: &str| reference(element, path, faults);
        let users = fields.required_array("sharedUsers", read).into_iter().flatten().collect();
        fields.finish();
        Self(users)
    }
}

fn reference(json: &Json, path: &str, faults: &PayloadFaults) -> Option<UserReference> {
    let mut fields = Fields::of(json, path, faults);
    let id = fields.integer("userId");
    let name = fields.string("userName");
    let permissions = fields.integers("permissions");
    let reference = match (id, name) {
        (Some(id), _) => Some(UserReference::Id(UserId::new(id))),
        (None, Some(name)) => Some(UserReference::Name(name.to_owned())),
        (None, None) => {
            if !fields.has("userId") {
                fields.fault("userId", "or userName is required");
            }
            None
        }
    };
    if let Some(mut permissions) = permissions {
        permissions.sort_unstable();
        permissions.dedup();
        let use_it = Permission::UseDataSourceWithOData.id();
        if permissions != [Permission::ViewDataSource.id(), use_it] && permissions != [use_it] {
            fields.fault("permissions", "must be [2,7], the permissions that sharing grants, or be omitted");
        }
    }
    fields.finish();
    reference
}
