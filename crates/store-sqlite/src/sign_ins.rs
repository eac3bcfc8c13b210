//! Sign-in.

use store::relational::{run_ready, sign_ins};
use store::{Answer, ComesFrom, FailureCounted, RefusedSignIn, SignInFacts, SignIns, SucceededSignIn};

use crate::SqliteStore;
use crate::tables::Tables;

impl SignIns for SqliteStore {
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>> {
        self.read(move |db| run_ready(sign_ins::find(&Tables(db), name, from)))
    }

    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted> {
        self.write(move |db| run_ready(sign_ins::refuse(&Tables(db), &refused)))
    }

    fn note_sign_in(&self, succeeded: SucceededSignIn) -> Answer<'_, ()> {
        self.write(move |db| run_ready(sign_ins::note(&Tables(db), &succeeded)))
    }
}
