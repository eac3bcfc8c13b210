//! Backchannel authentication requests: each operation, in its kind of transaction.

use domain::account::attributes::SubjectSeed;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, BackchannelAuthenticationId, Epoch, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::backchannel::BackchannelAuthentication;
use store::relational::backchannel_authentications;
use store::{
    AccessAnswer, AccessAnswered, Answer, BackchannelAuthentications, BackchannelInsertion,
    NewBackchannelAuthentication,
};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_transaction, read, serialized_if};

impl BackchannelAuthentications for PostgresStore {
    fn insert_backchannel_authentication(
        &self,
        new: NewBackchannelAuthentication,
    ) -> Answer<'_, BackchannelInsertion> {
        in_transaction!(self, db => backchannel_authentications::insert(&Tables(db), &new))
    }

    fn find_by_auth_req_id(&self, digest: Digest) -> Answer<'_, Option<BackchannelAuthentication>> {
        read!(self, db => backchannel_authentications::find_by_auth_req_id(&Tables(db), digest))
    }

    fn find_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
    ) -> Answer<'_, Option<BackchannelAuthentication>> {
        read!(self, db => backchannel_authentications::find(&Tables(db), id))
    }

    fn list_waiting_backchannel_authentications(
        &self,
        user: UserId,
        user_epoch: Epoch,
        at: Timestamp,
        most: u32,
    ) -> Answer<'_, Vec<BackchannelAuthentication>> {
        read!(self, db => backchannel_authentications::list_waiting(&Tables(db), user, user_epoch, at, most))
    }

    fn poll_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Answer<'_, bool> {
        in_transaction!(self, db => backchannel_authentications::poll(&Tables(db), id, at, unless_after))
    }

    fn answer_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
        user: UserId,
        answer: AccessAnswer,
        audit: NewAuditEvent,
    ) -> Answer<'_, AccessAnswered> {
        serialized_if!(self, answer.leaves_out(), db =>
            backchannel_authentications::answer(&Tables(db), id, user, &answer, &audit))
    }

    fn list_users_who_allowed(
        &self,
        application: ApplicationId,
        after: UserId,
        most: u32,
    ) -> Answer<'_, Vec<(UserId, SubjectSeed)>> {
        read!(self, db => backchannel_authentications::list_users_who_allowed(&Tables(db), application, after, most))
    }
}
