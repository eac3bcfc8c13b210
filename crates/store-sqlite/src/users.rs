//! Users, roles and sessions.

use domain::account::{Role, Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, RoleId, SessionId, UserId};
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::revocation::Revocation;
use store::relational::users::{self, change};
use store::relational::{judged, roles, run_ready, sessions};
use store::{
    Answer, DeletedUser, EndedSession, EndedSessions, Judged, NewSession, NewUser, PasswordChange,
    Possessions, UserChange, UserRefusal, Users,
};

use crate::SqliteStore;
use crate::tables::Tables;

impl Users for SqliteStore {
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>> {
        self.read(move |db| run_ready(users::find(&Tables(db), id)))
    }

    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>> {
        self.read(move |db| run_ready(users::find_by_name(&Tables(db), name)))
    }

    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>> {
        self.read(move |db| run_ready(users::list(&Tables(db), after, limit)))
    }

    fn search_users(&self, after: Option<UserId>, limit: u32, text: String) -> Answer<'_, Vec<User>> {
        self.read(move |db| run_ready(users::search(&Tables(db), after, limit, &text)))
    }

    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>> {
        self.write(move |db| run_ready(judged(users::insert(&Tables(db), &new, &audit))))
    }

    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>> {
        self.write(move |db| run_ready(judged(change::update(&Tables(db), id, &change, &audit))))
    }

    fn delete_user(
        &self,
        id: UserId,
        possessions: Possessions,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DeletedUser, UserRefusal>> {
        self.write(move |db| {
            run_ready(judged(change::delete(&Tables(db), id, possessions, revocation_expires_at, &audit)))
        })
    }

    fn change_password(
        &self,
        change: PasswordChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Session, Vec<Revocation>), UserRefusal>> {
        self.write(move |db| run_ready(judged(change::password(&Tables(db), &change, &audit))))
    }

    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()> {
        self.write(move |db| run_ready(users::replace_password_hash(&Tables(db), id, &old, &new)))
    }

    fn list_roles(&self) -> Answer<'_, Vec<Role>> {
        self.read(move |db| run_ready(roles::list(&Tables(db))))
    }

    fn page_of_roles(&self, after: Option<RoleId>, limit: u32) -> Answer<'_, Vec<Role>> {
        self.read(move |db| run_ready(roles::page(&Tables(db), after, limit)))
    }

    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        self.write(move |db| run_ready(judged(roles::insert(&Tables(db), &role, &audit))))
    }

    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        self.write(move |db| run_ready(judged(roles::update(&Tables(db), &role, &audit))))
    }

    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>> {
        self.write(move |db| run_ready(judged(roles::delete(&Tables(db), id, &audit))))
    }

    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Option<Session>> {
        self.write(move |db| run_ready(sessions::insert(&Tables(db), &new, &audit)))
    }

    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>> {
        self.read(move |db| run_ready(sessions::find(&Tables(db), id)))
    }

    fn list_sessions(&self, user: UserId, now: Timestamp, limit: u32) -> Answer<'_, Vec<Session>> {
        self.read(move |db| run_ready(sessions::list(&Tables(db), user, now, limit)))
    }

    fn end_sessions(
        &self,
        user: UserId,
        which: EndedSessions,
        revocations_expire_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(usize, Vec<Revocation>), UserRefusal>> {
        self.write(move |db| {
            run_ready(judged(sessions::end(&Tables(db), user, which, revocations_expire_at, &audit)))
        })
    }

    fn note_session_application(&self, session: SessionId, application: ApplicationId) -> Answer<'_, ()> {
        self.write(move |db| run_ready(sessions::note_application(&Tables(db), session, application)))
    }

    fn list_session_applications(&self, session: SessionId) -> Answer<'_, Vec<ApplicationId>> {
        self.read(move |db| run_ready(sessions::list_applications(&Tables(db), session)))
    }

    fn delete_session(
        &self,
        id: SessionId,
        revocations_expire_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, EndedSession> {
        self.write(move |db| run_ready(sessions::delete(&Tables(db), id, revocations_expire_at, &audit)))
    }
}
