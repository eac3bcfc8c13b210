//! Personal access tokens.

use domain::audit::NewAuditEvent;
use domain::id::{PersonalAccessTokenId, UserId};
use domain::secret::Digest;
use oauth::personal_access_token::PersonalAccessToken;
use store::relational::{judged, personal_access_tokens, run_ready};
use store::{Answer, Judged, NewPersonalAccessToken, PersonalAccessTokenRefusal, PersonalAccessTokens};

use crate::SqliteStore;
use crate::tables::Tables;

impl PersonalAccessTokens for SqliteStore {
    fn insert_personal_access_token(
        &self,
        new: NewPersonalAccessToken,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<PersonalAccessToken, PersonalAccessTokenRefusal>> {
        self.write(move |db| run_ready(judged(personal_access_tokens::insert(&Tables(db), &new, &audit))))
    }

    fn find_personal_access_token<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> Answer<'a, Option<PersonalAccessToken>> {
        self.read(move |db| run_ready(personal_access_tokens::find(&Tables(db), digest)))
    }

    fn list_personal_access_tokens(&self, user: UserId) -> Answer<'_, Vec<PersonalAccessToken>> {
        self.read(move |db| run_ready(personal_access_tokens::list(&Tables(db), user)))
    }

    fn delete_personal_access_token(
        &self,
        user: UserId,
        id: PersonalAccessTokenId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), PersonalAccessTokenRefusal>> {
        self.write(move |db| run_ready(judged(personal_access_tokens::delete(&Tables(db), user, id, &audit))))
    }
}
