//! What a data source learns of the user for whom it is read.

use std::sync::Arc;

use domain::account::User;
use sources::{RequestUser, Source};

/// The user for whom a source is read, if its statements have the rights of users.
pub(super) fn request_user(user: &User, source: &Source) -> Option<Arc<RequestUser>> {
    let about = || RequestUser { subject: user.id.get().to_string(), name: user.name.clone() };
    source.needs_user().then(|| Arc::new(about()))
}
