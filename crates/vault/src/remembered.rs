//! Recently verified passwords, for clients that send one with every request.
//!
//! An entry is a MAC, under a key of this process, over user, password and the stored hash. It is useless
//! outside this process, and a changed password never matches, because its hash differs.

use aws_lc_rs::hmac;
use domain::id::UserId;
use domain::secret::{Password, PasswordHash};
use domain::time::Timestamp;
use quick_cache::sync::Cache;

/// How long a verified password is remembered, in seconds.
const REMEMBERED_SECS: i64 = 300;

/// The maximum number of entries.
const MOST: usize = 10_000;

pub(crate) struct RememberedPasswords {
    key: hmac::Key,
    until: Cache<[u8; 32], Timestamp>,
}

impl RememberedPasswords {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, seed), until: Cache::new(MOST) }
    }

    pub(crate) fn knows(
        &self,
        hash: &PasswordHash,
        user: UserId,
        password: &Password,
        now: Timestamp,
    ) -> bool {
        self.until.get(&self.mac(hash, user, password)).is_some_and(|until| !until.is_past(now))
    }

    pub(crate) fn note(&self, hash: &PasswordHash, user: UserId, password: &Password, now: Timestamp) {
        self.until.insert(self.mac(hash, user, password), now.plus_secs(REMEMBERED_SECS));
    }

    pub(crate) fn forget(&self) {
        self.until.clear();
    }

    fn mac(&self, hash: &PasswordHash, user: UserId, password: &Password) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&user.get().to_be_bytes());
        context.update(&(hash.as_phc().len() as u64).to_be_bytes());
        context.update(hash.as_phc().as_bytes());
        context.update(password.expose().as_bytes());
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verified_password_is_remembered_for_its_user_and_hash_for_a_limited_time() {
        let remembered = RememberedPasswords::new(&[1; 32]);
        let (hash, password) = (PasswordHash::new("one"), Password::new("secret"));
        let now = Timestamp::from_secs(1_000);
        remembered.note(&hash, UserId::new(1), &password, now);
        let knows = |hash: &str, user, password: &str, at| {
            remembered.knows(&PasswordHash::new(hash), UserId::new(user), &Password::new(password), at)
        };
        assert!(knows("one", 1, "secret", now.plus_secs(299)));
        assert!(!knows("one", 1, "secret", now.plus_secs(300)));
        assert!(!knows("two", 1, "secret", now), "the password was changed");
        assert!(!knows("one", 2, "secret", now));
        assert!(!knows("one", 1, "Secret", now));
        remembered.forget();
        assert!(!knows("one", 1, "secret", now));
    }
}
