//! What the caller says about a data source.

use app::data_sources::{DataSourceDraft, UserReference};
use oauth::account::Permission;
use oauth::id::UserId;

use crate::json::{Faults, Fields, FromJson, Json};

/// Members that only the server sets; whoever changes what a GET has answered sends them back.
const READ_ONLY: &[&str] = &["id", "createdAt", "updatedAt", "createdBy", "handedOverTo", "handedOverAt"];

/// The payload of making and of changing a data source.
#[derive(Debug)]
pub(crate) struct DataSourcePayload {
    pub(super) draft: DataSourceDraft,
    pub(super) connection_type: ConnectionType,
}

/// Hybrid Data Pipeline tells databases in the cloud from those behind a connector; here all are reached directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectionType {
    /// The only one that there is.
    Cloud,
    /// Nothing was said.
    LeftOut,
    /// Something else was said.
    Other(String),
}

impl FromJson for DataSourcePayload {
    fn from_json(json: &Json, faults: &Faults) -> Self {
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
        fields.finish();
        Self { draft: DataSourceDraft { name, data_store, description, options }, connection_type }
    }
}

/// A whole number, as Hybrid Data Pipeline's samples give it: as a number or as text.
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

/// The payload of sharing: `{"sharedUsers":[{"userId":5,"permissions":[2,7]}]}`. A user may be named by `userName` instead,
/// and `permissions` may be left out; sharing gives those two and no others.
#[derive(Debug)]
pub(crate) struct SharedUsers(pub(super) Vec<UserReference>);

impl FromJson for SharedUsers {
    fn from_json(json: &Json, faults: &Faults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let read = |element, path: &str| reference(element, path, faults);
        let users = fields.required_elements("sharedUsers", read).into_iter().flatten().collect();
        fields.finish();
        Self(users)
    }
}

fn reference(json: &Json, path: &str, faults: &Faults) -> Option<UserReference> {
    let mut fields = Fields::of(json, path, faults);
    let id = fields.integer("userId");
    let name = fields.string("userName");
    let permissions = fields.integers("permissions");
    let reference = match (id, name) {
        (Some(id), _) => Some(UserReference::Id(UserId::new(id))),
        (None, Some(name)) => Some(UserReference::Name(name.to_owned())),
        (None, None) => {
            if !fields.has("userId") {
                fields.fault("userId", "is required, or userName");
            }
            None
        }
    };
    if let Some(mut permissions) = permissions {
        permissions.sort_unstable();
        permissions.dedup();
        let use_it = Permission::UseDataSourceWithOData.id();
        if permissions != [Permission::ViewDataSource.id(), use_it] && permissions != [use_it] {
            fields.fault("permissions", "must be [2,7], which is what sharing gives, or be left out");
        }
    }
    fields.finish();
    reference
}
