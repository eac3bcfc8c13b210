//! Requests of devices that wait for their users ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)).

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, CodeId, DeviceAuthorizationId, Epoch};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::device::DeviceAuthorization;
use oauth::grant::GrantDetails;
use oauth::scope::ScopeSet;

use crate::{AccessAnswer, AccessAnswered, Answer};

/// A request of a device to be stored.
#[derive(Debug, Clone)]
pub struct NewDeviceAuthorization {
    /// The digest of the device code.
    pub device_digest: Digest,
    /// The digest of the user code.
    pub user_digest: Digest,
    /// The id under which the grant is created later.
    pub code: CodeId,
    /// The application of the device.
    pub application: ApplicationId,
    /// The application's epoch on which the decision rests.
    pub application_epoch: Epoch,
    /// The requested scopes.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request.
    pub details: GrantDetails,
    /// The time of the request.
    pub at: Timestamp,
    /// When both codes expire.
    pub expires_at: Timestamp,
    /// How many requests of the application may wait at once.
    pub most: u32,
    /// Whether it replaces the oldest of them if as many wait.
    pub replaces_oldest: bool,
}

/// The result of storing a request of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceInsertion {
    /// It was stored.
    Stored,
    /// One of the codes is already stored; try again with others.
    CodeTaken,
    /// As many requests of the application wait as are allowed.
    TooMany,
    /// The application was deleted, or its epoch has advanced.
    Gone,
}

/// Requests of devices.
pub trait DeviceAuthorizations {
    /// Stores a request, if fewer than `most` undecided ones of the application have not expired or it replaces the
    /// oldest.
    fn insert_device_authorization(&self, new: NewDeviceAuthorization) -> Answer<'_, DeviceInsertion>;
    /// Finds a request by the digest of its device code, whether or not it has expired.
    fn find_by_device_code(&self, digest: Digest) -> Answer<'_, Option<DeviceAuthorization>>;
    /// Finds a request by the digest of its user code, whether or not it has expired.
    fn find_by_user_code(&self, digest: Digest) -> Answer<'_, Option<DeviceAuthorization>>;
    /// Records a poll at `at`, unless another one was recorded after `unless_after`. Returns whether it was recorded.
    fn poll_device_authorization(
        &self,
        id: DeviceAuthorizationId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Answer<'_, bool>;
    /// Stores the decision of the user, once, before the request expires.
    fn answer_device_authorization(
        &self,
        id: DeviceAuthorizationId,
        answer: AccessAnswer,
        audit: NewAuditEvent,
    ) -> Answer<'_, AccessAnswered>;
}
