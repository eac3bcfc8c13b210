//! Personal access tokens: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::{PersonalAccessTokenId, UserId};
use domain::secret::Digest;
use oauth::personal_access_token::PersonalAccessToken;
use store::relational::{judged, personal_access_tokens};
use store::{Answer, Judged, NewPersonalAccessToken, PersonalAccessTokenRefusal, PersonalAccessTokens};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl PersonalAccessTokens for PostgresStore {
    fn insert_personal_access_token(
        &self,
        new: NewPersonalAccessToken,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<PersonalAccessToken, PersonalAccessTokenRefusal>> {
        serialized!(self, db => judged(personal_access_tokens::insert(&Tables(db), &new, &audit)))
    }

    fn find_personal_access_token<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> Answer<'a, Option<PersonalAccessToken>> {
        read!(self, db => personal_access_tokens::find(&Tables(db), digest))
    }

    fn list_personal_access_tokens(&self, user: UserId) -> Answer<'_, Vec<PersonalAccessToken>> {
        read!(self, db => personal_access_tokens::list(&Tables(db), user))
    }

    fn delete_personal_access_token(
        &self,
        user: UserId,
        id: PersonalAccessTokenId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), PersonalAccessTokenRefusal>> {
        serialized!(self, db => judged(personal_access_tokens::delete(&Tables(db), user, id, &audit)))
    }
}
