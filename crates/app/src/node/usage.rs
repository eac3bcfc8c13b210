//! Last-use times, collected in memory and written together from time to time, so that a use costs no write.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use domain::account::Session;
use domain::id::{ApplicationId, GrantId, PersonalAccessTokenId, SecretId, SessionId};
use domain::time::Timestamp;
use store::Usage;

/// Collects last-use times.
#[derive(Debug, Default)]
pub struct UsageRecorder {
    inner: Mutex<Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    applications: Times<ApplicationId>,
    secrets: Times<SecretId>,
    grants: Times<GrantId>,
    personal_access_tokens: Times<PersonalAccessTokenId>,
    sessions: Times<SessionId>,
}

/// Times by id.
type Times<Id> = HashMap<Id, Timestamp, BuildHasherDefault<IdHasher>>;

/// Hashes ids with a multiplication. The database assigns them in order, so nobody can choose ids whose hashes collide.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64(i64::from(*byte));
        }
    }

    fn write_i64(&mut self, id: i64) {
        self.0 = (self.0 ^ id.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// Above this number, a grant, a personal access token or a session keeps the time of its first use in the interval, so that memory is
/// bounded.
const MOST_GRANTS: usize = 100_000;

/// For how long after a use of a session another one is not recorded, in seconds.
const SESSION_USE_SECS: i64 = 300;

impl UsageRecorder {
    /// Records that an application obtained a token.
    pub fn application(&self, id: ApplicationId, secret: Option<SecretId>, at: Timestamp) {
        let mut gathered = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.applications.insert(id, at);
        if let Some(secret) = secret {
            gathered.secrets.insert(secret, at);
        }
    }

    /// Records that a token of the grant was used or refreshed.
    pub fn grant(&self, id: GrantId, at: Timestamp) {
        let mut gathered = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut gathered.grants, id, at);
    }

    /// Records that a personal access token was used.
    pub fn personal_access_token(&self, id: PersonalAccessTokenId, at: Timestamp) {
        let mut gathered = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut gathered.personal_access_tokens, id, at);
    }

    /// Records that a session was used, unless the last use that is known is recent: a person who reads pages costs a write
    /// every few minutes.
    pub fn session(&self, session: &Session, at: Timestamp) {
        let known = session.last_used_at.unwrap_or(session.auth_time);
        if known.plus_secs(SESSION_USE_SECS).is_past(at) {
            let mut gathered = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            note(&mut gathered.sessions, session.id, at);
        }
    }

    /// Takes everything that was collected since the last call.
    pub fn take(&self) -> Usage {
        let gathered = std::mem::take(&mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        Usage {
            applications: gathered.applications.into_iter().collect(),
            secrets: gathered.secrets.into_iter().collect(),
            grants: gathered.grants.into_iter().collect(),
            personal_access_tokens: gathered.personal_access_tokens.into_iter().collect(),
            sessions: gathered.sessions.into_iter().collect(),
        }
    }
}

fn note<Id: Eq + Hash>(times: &mut Times<Id>, id: Id, at: Timestamp) {
    if times.len() < MOST_GRANTS || times.contains_key(&id) {
        times.insert(id, at);
    }
}
