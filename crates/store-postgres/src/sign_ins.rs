//! Sign-in: each operation, in its kind of transaction.

use store::relational::sign_ins;
use store::{Answer, ComesFrom, FailureCounted, RefusedSignIn, SignInFacts, SignIns, SucceededSignIn};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_transaction, read};

impl SignIns for PostgresStore {
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>> {
        read!(self, db => sign_ins::find(&Tables(db), name, from))
    }

    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted> {
        in_transaction!(self, db => sign_ins::refuse(&Tables(db), &refused))
    }

    fn note_sign_in(&self, succeeded: SucceededSignIn) -> Answer<'_, ()> {
        in_transaction!(self, db => sign_ins::note(&Tables(db), &succeeded))
    }
}
