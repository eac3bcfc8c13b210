//! Requests of devices: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::DeviceAuthorizationId;
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::device::DeviceAuthorization;
use store::relational::device_authorizations;
use store::{
    AccessAnswer, AccessAnswered, Answer, DeviceAuthorizations, DeviceInsertion, NewDeviceAuthorization,
};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_transaction, read, serialized_if};

impl DeviceAuthorizations for PostgresStore {
    fn insert_device_authorization(&self, new: NewDeviceAuthorization) -> Answer<'_, DeviceInsertion> {
        in_transaction!(self, db => device_authorizations::insert(&Tables(db), &new))
    }

    fn find_by_device_code(&self, digest: Digest) -> Answer<'_, Option<DeviceAuthorization>> {
        read!(self, db => device_authorizations::find_by_device_code(&Tables(db), digest))
    }

    fn find_by_user_code(&self, digest: Digest) -> Answer<'_, Option<DeviceAuthorization>> {
        read!(self, db => device_authorizations::find_by_user_code(&Tables(db), digest))
    }

    fn poll_device_authorization(
        &self,
        id: DeviceAuthorizationId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Answer<'_, bool> {
        in_transaction!(self, db => device_authorizations::poll(&Tables(db), id, at, unless_after))
    }

    fn answer_device_authorization(
        &self,
        id: DeviceAuthorizationId,
        answer: AccessAnswer,
        audit: NewAuditEvent,
    ) -> Answer<'_, AccessAnswered> {
        serialized_if!(self, answer.leaves_out(), db =>
            device_authorizations::answer(&Tables(db), id, &answer, &audit))
    }
}
