//! Tests of mail that waits.

use std::sync::Arc;

use domain::account::User;
use domain::account::one_time_link::LinkPurpose;
use domain::audit::Action;
use domain::mail::SealedLetter;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;

use super::{OVER, START, World, at_once, event, insert_user};
use crate::{
    AuditFilter, LinkUse, MailClaim, NewLink, NewMail, NewOneTimeLink, OneTimeLinkRefusal, Possessions,
    Store, WaitingMail,
};

fn new(user: &User, number: u8, most: u32) -> NewOneTimeLink {
    NewOneTimeLink {
        user: user.id,
        user_epoch: user.epoch,
        link: NewLink {
            purpose: LinkPurpose::Reset,
            digest: Digest::from_bytes([number; 32]),
            sent_to: None,
            continue_to: None,
            mail: Some(NewMail { sealed: SealedLetter::new(vec![number; 40]), most }),
            expires_at: START.plus_secs(600),
        },
        unless_since: None,
    }
}

async fn add(store: &Arc<dyn Store>, user: &User, number: u8) {
    let audit = event(Action::CreateOneTimeLink);
    store.insert_one_time_link(new(user, number, 1_000), audit).await.unwrap().unwrap();
}

async fn claim(store: &Arc<dyn Store>, now: Timestamp, most: u32) -> Vec<WaitingMail> {
    store.claim_mails(MailClaim { now, until: now.plus_secs(60), most }).await.unwrap()
}

pub async fn a_mail_is_claimed_by_one_node_for_a_while(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    add(store, bob, 1).await;
    let first = claim(store, START, 9).await.remove(0);
    assert_eq!((first.user, first.attempts, first.expires_at), (bob.id, 1, START.plus_secs(600)));
    assert_eq!(first.link.as_bytes(), &[1; 32]);
    assert_eq!(first.sealed.as_bytes(), &[1; 40]);
    assert!(claim(store, START.plus_secs(59), 9).await.is_empty());
    let second = claim(store, START.plus_secs(60), 9).await.remove(0);
    assert_eq!((second.id, second.attempts), (first.id, 2));
    assert!(!store.postpone_mail(first.id, 1, START).await.unwrap(), "that claim is over");
    assert!(!store.end_mail(first.id, 1, event(Action::SendMail)).await.unwrap());
    assert!(store.postpone_mail(first.id, 2, START.plus_secs(500)).await.unwrap());
    assert!(claim(store, START.plus_secs(499), 9).await.is_empty());
    assert_eq!(claim(store, START.plus_secs(500), 9).await[0].attempts, 3);
    assert!(store.end_mail(first.id, 3, event(Action::SendMail)).await.unwrap());
    assert!(claim(store, OVER, 9).await.is_empty());
    let filter = AuditFilter { action: Some(Action::SendMail), limit: 9, ..AuditFilter::default() };
    assert_eq!(store.list_audit(filter).await.unwrap().len(), 1, "only what counted is recorded");
}

pub async fn of_nodes_that_claim_at_once_each_mail_goes_to_one(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    for number in 1..=24 {
        let user = insert_user(store, &format!("guest{number}"), &[]).await.unwrap();
        add(store, &user, number).await;
    }
    let claims = at_once(8, |_| {
        let store = Arc::clone(store);
        async move { claim(&store, START, 4).await }
    });
    let mut claimed: Vec<_> = claims.await.into_iter().flatten().map(|mail| mail.id).collect();
    while let Some(rest) = Some(claim(store, START, 4).await).filter(|rest| !rest.is_empty()) {
        claimed.extend(rest.into_iter().map(|mail| mail.id));
    }
    claimed.sort_unstable();
    let count = claimed.len();
    claimed.dedup();
    assert_eq!((count, claimed.len()), (24, 24));
}

pub async fn a_mail_ends_with_its_link(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    add(store, bob, 1).await;
    add(store, bob, 2).await;
    assert_eq!(claim(store, START, 9).await.len(), 1, "a new link ends the earlier one");
    let used = LinkUse {
        digest: Digest::from_bytes([2; 32]),
        password: PasswordHash::new("$argon2id$chosen"),
        at: START,
        revocation_expires_at: OVER,
    };
    store.use_one_time_link(used, event(Action::ChangePassword)).await.unwrap().unwrap();
    let other = insert_user(store, "grace", &[]).await.unwrap();
    add(store, &other, 3).await;
    store.delete_user(other.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await.unwrap().unwrap();
    assert!(claim(store, OVER, 9).await.is_empty());
}

pub async fn so_many_mails_wait_and_no_more(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    add(store, &world.user, 1).await;
    let audit = || event(Action::CreateOneTimeLink);
    let full = store.insert_one_time_link(new(&world.administrator, 2, 1), audit()).await.unwrap();
    assert_eq!(full.err(), Some(OneTimeLinkRefusal::Full));
    assert!(store.list_one_time_links(world.administrator.id, START).await.unwrap().is_empty());
    store.insert_one_time_link(new(&world.administrator, 2, 2), audit()).await.unwrap().unwrap();
}
