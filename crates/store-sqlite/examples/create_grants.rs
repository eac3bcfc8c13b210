//! A benchmark that creates grants: `cargo run --release -p store-sqlite --example create_grants -- CALLERS GRANTS
//! PATH`.
//!
//! It prints grants per second, operations per commit, and the CPU time of the whole process for each grant.

#![expect(clippy::print_stdout, reason = "it reports to people")]

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, ClientId, CodeId, ConsentId, Epoch, UserId};
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat};
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::{BuiltInScope, ScopeSet};
use store::{
    Applications, GrantCreation, Grants, Maintenance, NewApplication, NewConsent, NewGrant, NewUser, Users,
};
use store_sqlite::{Options, SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let callers: u32 = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let grants: u32 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let path = PathBuf::from(arguments.next().unwrap_or_else(|| "target/found.db".to_owned()));
    let store = Arc::new(SqliteStore::create(&path, Options::default())?);
    let consented = set_up(&store).await?;
    let next = Arc::new(AtomicU32::new(0));
    let (before, cpu) = (store.figures(), cpu_secs()?);
    let started = now()?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= grants {
                    return;
                }
                let new = new_grant(consented, n);
                let created = store.create_grant(new, Timestamp::MAX, event()).await;
                assert!(matches!(created, Ok(GrantCreation::Grant(_))), "{created:?}");
            }
        });
    }
    tasks.join_all().await;
    let (after, cpu) = (store.figures(), cpu_secs()? - cpu);
    let secs = now()? - started;
    let commits = u32::try_from(after.commits - before.commits)?;
    println!(
        "{callers} callers: {:.0} grants/s, {:.1} units per commit, {:.1} µs CPU per grant",
        f64::from(grants) / secs,
        f64::from(grants) / f64::from(commits),
        cpu * 1e6 / f64::from(grants)
    );
    drop(store);
    let started = now()?;
    let store = SqliteStore::open(&path, Options::default())?;
    store.probe().await?;
    println!("opened again in {:.0} ms", (now()? - started) * 1e3);
    Ok(())
}

type ConsentedPair = (UserId, ApplicationId, ConsentId);

async fn set_up(store: &SqliteStore) -> Result<ConsentedPair, Box<dyn std::error::Error>> {
    let user = NewUser {
        name: "ada".to_owned(),
        password: PasswordHash::new("$"),
        active: true,
        password_expires_at: None,
        roles: Vec::new(),
        attributes: domain::account::attributes::UserAttributes::default(),
        at: Timestamp::from_secs(0),
    };
    let user = store.insert_user(user, event()).await?.map_err(|refusal| format!("{refusal:?}"))?;
    let settings = ApplicationSettings {
        name: "report".to_owned(),
        description: String::new(),
        redirect_urls: Vec::new(),
        profile: Profile::Compatible,
        client_type: ClientType::Public,
        grant_types: vec![GrantType::AuthorizationCode],
        scopes: BuiltInScope::OData.into(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: None,
        contacts: Vec::new(),
        logo_url: None,
        cors_origins: Vec::new(),
        client_metadata: ClientMetadata::default(),
    };
    let new = NewApplication {
        client_id: ClientId::from_str("0fcb6a8e-3f0e-4a53-9c5c-6f2a54f1d3d5")?,
        owner: user.id,
        settings,
        secret: None,
        at: Timestamp::from_secs(0),
    };
    let application =
        store.insert_application(new, event()).await?.map_err(|refusal| format!("{refusal:?}"))?;
    let consent = NewConsent {
        data: oauth::authorize::DataChange::instead(None),
        user: user.id,
        user_epoch: user.epoch,
        application: application.id,
        application_epoch: application.epoch,
        scopes: BuiltInScope::OData.into(),
        revocations_expire_at: Timestamp::MAX,
    };
    let consent = store.allow(consent, event()).await?;
    Ok((user.id, application.id, consent.ok_or("no consent")?.consent.id))
}

fn new_grant((user, application, consent): ConsentedPair, n: u32) -> NewGrant {
    let at = Timestamp::from_micros(n.into());
    NewGrant {
        application,
        application_epoch: Epoch::new(1),
        user,
        user_epoch: Epoch::new(1),
        origin: GrantOrigin::Code(CodeId::compose(
            at,
            u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(),
        )),
        consent: Some(consent),
        session: None,
        scopes: ScopeSet::from(BuiltInScope::OData),
        details: GrantDetails::default(),
        refreshable: true,
        key: 1,
        at,
        expires_at: None,
    }
}

fn event() -> NewAuditEvent {
    NewAuditEvent::new(Action::Initialise, Outcome::Success, Timestamp::from_secs(0))
}

/// Seconds since an arbitrary time.
fn now() -> Result<f64, Box<dyn std::error::Error>> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    Ok(uptime.split_ascii_whitespace().next().ok_or("no uptime")?.parse()?)
}

/// The user and system time of this process, from Linux's accounting in ticks of 10 ms.
fn cpu_secs() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().ok_or("no fields")?.split_ascii_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
