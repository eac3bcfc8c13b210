//! One-time links.

use domain::account::User;
use domain::account::attributes::Attribute;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::revocation::Revocation;

use super::users::{self, change};
use super::versions::{self, CachedKind};
use super::{
    Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, mails, values,
};
use crate::columns::Impossible;
use crate::rules;
use crate::{LinkUse, NewLink, NewOneTimeLink, NewUser, OneTimeLinkRefusal, UserRefusal};

macro_rules! select {
    ($tail:literal) => {
        NamedStatement::new(concat!(
            "SELECT l.id, l.user_id, l.user_epoch, l.purpose, l.created_by, l.sent_to, l.continue_to, l.created_at,
                l.expires_at
            FROM one_time_links l JOIN users u ON u.id = l.user_id AND u.epoch = l.user_epoch AND u.active ",
            $tail
        ))
    };
}

impl Record for OneTimeLink {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            user: row.read()?,
            user_epoch: row.read()?,
            purpose: purpose(&row.read::<String>()?)?,
            created_by: row.read()?,
            sent_to: row.read()?,
            continue_to: row.read()?,
            created_at: row.read()?,
            expires_at: row.read()?,
        })
    }
}

fn purpose(stored: &str) -> Result<LinkPurpose, Impossible> {
    LinkPurpose::from_name(stored).ok_or_else(|| Impossible(format!("a one-time link for {stored}")))
}

/// Creates a user together with a link.
pub async fn invite<S: SqlTransaction>(
    db: &S,
    new: &NewUser,
    link: &NewLink,
    [creation, event]: &[NewAuditEvent; 2],
) -> Change<(User, OneTimeLink), S, UserRefusal> {
    if !has_room(db, link).await? {
        return Err(UserRefusal::TooManyMails.into());
    }
    let user = users::insert(db, new, creation).await?;
    let link = add(db, user.id, user.epoch, link, event).await?;
    // The user was created in this transaction.
    let link = link.ok_or(UserRefusal::RightsChanged)?;
    db.append_audit(event).await?;
    Ok((user, link))
}

/// Stores a link. One of an administrator ends the earlier ones for the same purpose.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewOneTimeLink,
    event: &NewAuditEvent,
) -> Change<OneTimeLink, S, OneTimeLinkRefusal> {
    static LATER: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM one_time_links
            WHERE user_id = :user AND user_epoch = :epoch AND purpose = :purpose AND created_at > :since)",
    );
    let NewOneTimeLink { user, user_epoch, link, unless_since } = new;
    let (user, epoch) = (*user, *user_epoch);
    rights_cover(db, user, event).await?;
    if let Some(since) = *unless_since {
        let row = values! { user, epoch, purpose: link.purpose.as_str(), since };
        if db.value::<bool>(&LATER, row).await? {
            return Err(OneTimeLinkRefusal::TooSoon.into());
        }
    }
    if !has_room(db, link).await? {
        return Err(OneTimeLinkRefusal::Full.into());
    }
    if let Some(address) = &link.sent_to
        && !has_address(db, user, address).await?
    {
        return Err(OneTimeLinkRefusal::RightsChanged.into());
    }
    let stored = add(db, user, epoch, link, event).await?.ok_or(OneTimeLinkRefusal::RightsChanged)?;
    db.append_audit(event).await?;
    Ok(stored)
}

async fn rights_cover<S: SqlTransaction>(
    db: &S,
    user: UserId,
    event: &NewAuditEvent,
) -> Change<(), S, OneTimeLinkRefusal> {
    if !authority::holds(db, event).await? {
        return Err(OneTimeLinkRefusal::RightsChanged.into());
    }
    if event.covers(&authority::permissions_of_user(db, user).await?) {
        Ok(())
    } else {
        Err(OneTimeLinkRefusal::BeyondRights.into())
    }
}

async fn has_address<S: SqlTransaction>(db: &S, user: UserId, address: &str) -> Read<bool, S> {
    let found = users::find(db, user).await?;
    let attributes = found.as_ref().and_then(|user| user.attributes.as_deref());
    Ok(attributes.and_then(|attributes| attributes.get(Attribute::Email)) == Some(address))
}

async fn has_room<S: SqlTransaction>(db: &S, link: &NewLink) -> Read<bool, S> {
    match &link.mail {
        Some(mail) => mails::has_room(db, mail).await,
        None => Ok(true),
    }
}

async fn add<S: SqlTransaction>(
    db: &S,
    user: UserId,
    epoch: Epoch,
    new: &NewLink,
    event: &NewAuditEvent,
) -> Read<Option<OneTimeLink>, S> {
    static FORMER: NamedStatement = NamedStatement::new(
        "DELETE FROM one_time_links
        WHERE user_id = :user AND purpose = :purpose AND (:replaces OR expires_at <= :at)",
    );
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO one_time_links (user_id, user_epoch, digest, purpose, created_by, sent_to, continue_to, created_at,
            expires_at)
        SELECT u.id, u.epoch, :digest, :purpose, :created_by, :sent_to, :continue_to, :at, :expires_at
        FROM users u WHERE u.id = :user AND u.epoch = :epoch AND u.active
        RETURNING id, user_id, user_epoch, purpose, created_by, sent_to, continue_to, created_at, expires_at",
    );
    let NewLink { purpose, digest, sent_to, continue_to, mail, expires_at } = new;
    // Anybody can ask for a forgotten password, so that must not end the link which the user has in hand.
    let replaces = purpose.is_of_administrator();
    let purpose = purpose.as_str();
    db.execute(&FORMER, values! { user, purpose, replaces, at: event.at }).await?;
    let row = values! {
        digest,
        purpose,
        created_by: event.actor,
        sent_to: sent_to.as_deref(),
        continue_to: continue_to.as_deref(),
        at: event.at,
        expires_at: *expires_at,
        user,
        epoch,
    };
    let added: Option<OneTimeLink> = db.find(&ADD, row).await?;
    if let (Some(link), Some(mail)) = (&added, mail) {
        mails::add(db, link.id, mail, event.at).await?;
    }
    Ok(added)
}

/// The link with that digest, unless it has expired.
pub async fn find<S: SqlTransaction>(
    db: &S,
    digest: &Digest,
    now: Timestamp,
) -> Read<Option<OneTimeLink>, S> {
    static FIND: NamedStatement = select!("WHERE l.digest = :digest AND l.expires_at > :now");
    db.find(&FIND, values! { digest, now }).await
}

/// Lists the valid links of a user, by id.
pub async fn list<S: SqlTransaction>(db: &S, user: UserId, now: Timestamp) -> Read<Vec<OneTimeLink>, S> {
    static LIST: NamedStatement = select!("WHERE l.user_id = :user AND l.expires_at > :now ORDER BY l.id");
    db.list(&LIST, values! { user, now }).await
}

/// Deletes the links from before an instant.
pub(super) async fn delete_older<S: SqlTransaction>(db: &S, instant: Timestamp) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM one_time_links WHERE created_at < :instant");
    db.execute(&DELETE, values! { instant }).await.map(drop)
}

/// Ends all links of a user.
pub async fn end<S: SqlTransaction>(
    db: &S,
    user: UserId,
    event: &NewAuditEvent,
) -> Change<(), S, OneTimeLinkRefusal> {
    rights_cover(db, user, event).await?;
    if change::delete_links(db, user).await? == 0 {
        return Err(OneTimeLinkRefusal::Unknown.into());
    }
    Ok(db.append_audit(event).await?)
}

/// Uses a link up, and sets the password.
pub async fn consume<S: SqlTransaction>(
    db: &S,
    link: &LinkUse,
    event: &NewAuditEvent,
) -> Change<(OneTimeLink, Vec<Revocation>), S, OneTimeLinkRefusal> {
    static CONSUME: NamedStatement =
        NamedStatement::new("DELETE FROM one_time_links WHERE id = :id AND digest = :digest");
    static SET: NamedStatement = NamedStatement::new(
        "UPDATE users SET password = :password, epoch = epoch + 1, updated_at = :at,
            password_expires_at = CASE WHEN :renews AND password_expires_at <= :at THEN NULL ELSE password_expires_at END
        WHERE id = :user AND epoch = :epoch AND active RETURNING epoch",
    );
    let LinkUse { digest, password, at, revocation_expires_at } = link;
    let at = *at;
    let found = find(db, digest, at).await?.ok_or(OneTimeLinkRefusal::Unknown)?;
    // Judged before anything is written: what a refusal has written stays.
    if !still_may(db, &found).await? || db.execute(&CONSUME, values! { id: found.id, digest }).await? == 0 {
        return Err(OneTimeLinkRefusal::Unknown.into());
    }
    let (user, epoch) = (found.user, found.user_epoch);
    let renews = found.purpose.is_of_administrator();
    let advanced: Option<Epoch> = db.find(&SET, values! { password, at, renews, user, epoch }).await?;
    let advanced = advanced.ok_or(OneTimeLinkRefusal::Unknown)?;
    change::unlock(db, user).await?;
    if let Some(address) = &found.sent_to {
        verify_address(db, user, address).await?;
    }
    let ended = change::end_access(db, user, advanced, at, *revocation_expires_at).await?;
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok((found, ended))
}

/// Whether who made the link could still make it. The command line needs no permission.
async fn still_may<S: SqlTransaction>(db: &S, link: &OneTimeLink) -> Read<bool, S> {
    static ACTIVE: NamedStatement =
        NamedStatement::new("SELECT EXISTS (SELECT 1 FROM users WHERE id = :maker AND active)");
    let of_user = authority::permissions_of_user(db, link.user).await?;
    if link.purpose == LinkPurpose::Forgotten {
        return Ok(rules::may_choose_a_password(&of_user));
    }
    let Some(maker) = link.created_by else { return Ok(true) };
    let is_active = db.value(&ACTIVE, values! { maker }).await?;
    let has = authority::permissions_of_user(db, maker).await?;
    Ok(is_active && rules::maker_may_hand_over(link.purpose, &has, &of_user))
}

/// The user has read the mail of an address, which is verified from then on if it is still the user's.
async fn verify_address<S: SqlTransaction>(db: &S, user: UserId, address: &str) -> Read<(), S> {
    static SET: NamedStatement =
        NamedStatement::new("UPDATE users SET attributes = :attributes WHERE id = :user");
    let Some(found) = users::find(db, user).await? else { return Ok(()) };
    let mut attributes = found.attributes.as_deref().cloned().unwrap_or_default();
    if attributes.get(Attribute::Email) != Some(address) || attributes.email_verified {
        return Ok(());
    }
    attributes.email_verified = true;
    let attributes = attributes.to_json();
    db.execute(&SET, values! { attributes: attributes.as_deref(), user }).await.map(drop)
}
