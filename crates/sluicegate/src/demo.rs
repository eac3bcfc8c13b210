//! `sluicegate demo`: the main use case, for people who see the server for the first time.
//!
//! The demo creates a folder with a sample database, starts a real server on it, and plays a client over real
//! HTTP. It takes no shortcut: any program can do what the client does.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use app::node::setup::FIRST_ACCOUNTS;
use domain::secret::Password;
use vault::{Entropy, SystemEntropy};
use web::BasePath;

use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::serve::{self, Kind, Running, Site};
use crate::server::{Signals, StopSignal};
use crate::terminal::say;
use crate::{installation, logging};

mod client;
mod forms;
mod narrator;
mod prepare;
mod sample_data;
mod walkthrough;

use client::Client;
use narrator::Narrator;
use walkthrough::{Cast, Registered};

/// Writes the sample database into a new file.
///
/// # Errors
/// If the file exists or cannot be written.
pub(crate) fn write_sample(path: &Path) -> anyhow::Result<()> {
    sample_data::write_new(path)
}

/// Runs the demo, then continues to serve unless it should exit.
///
/// # Errors
/// If the demo cannot start, or a step has an unexpected result.
pub(crate) fn run(settings: &Settings, environment: &Environment, auto: bool) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    stays_on_this_machine(settings)?;
    serve::runtime()?.block_on(play(settings, environment, auto))
}

async fn play(settings: &Settings, environment: &Environment, auto: bool) -> anyhow::Result<()> {
    let passwords = [installation::generate_password(), installation::generate_password()];
    let stop = StopSignal::new();
    let signals = Signals::hear()?;
    let fresh = folder_is_fresh(settings, environment)?;
    if fresh {
        installation::create(settings, environment, passwords.clone()).await?;
    }
    let running = Running::start(settings, environment, &stop, Kind::Demo).await?;
    let app = running.app.clone();
    let stage = Stage { settings, site: running.site.clone(), passwords: &passwords };
    let walkthrough = async {
        prepare::harbour(&app, settings, (!fresh).then_some(&passwords)).await?;
        let registered = stage.walk_through().await?;
        if !auto {
            stage.invite(&registered);
        }
        anyhow::Ok(())
    };
    let playing = async {
        let message = tokio::select! {
            message = walkthrough => message,
            () = stop.triggered() => Err(anyhow!("the walkthrough was interrupted")),
        };
        if auto || message.is_err() {
            stop.trigger();
        }
        message
    };
    let (message, ended, ()) =
        tokio::join!(playing, running.end(), signals.act(stop.clone(), || (), Duration::ZERO, || ()));
    message.and(ended)
}

/// Whether the folder is still empty. A folder of another installation is refused, because a demo replaces
/// passwords.
fn folder_is_fresh(settings: &Settings, environment: &Environment) -> anyhow::Result<bool> {
    if settings.general.database.is_some() {
        bail!("a demo keeps its database in its own folder: unset SLUICEGATE_DATABASE");
    }
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let fresh = data_directory.is_empty(environment)?;
    if fresh {
        data_directory.mark_as_demo()?;
    } else if !data_directory.is_demo() {
        bail!(
            "{} contains an installation that is not a demo, and a demo would replace its passwords: choose another \
             folder \
             with --data-dir DIR",
            data_directory.folder().display()
        );
    }
    Ok(fresh)
}

fn stays_on_this_machine(settings: &Settings) -> anyhow::Result<()> {
    let general = &settings.general;
    if !general.listen.ip().to_canonical().is_loopback()
        || settings.tls.cert_file.is_some()
        || general.behind_tls_proxy
    {
        bail!(
            "the demo prints its passwords, so it stays on this machine: listen on 127.0.0.1 and leave TLS out"
        );
    }
    Ok(())
}

/// The server and the folder of the walkthrough.
struct Stage<'a> {
    settings: &'a Settings,
    site: Site,
    passwords: &'a [Password; 2],
}

impl Stage<'_> {
    async fn walk_through(&self) -> anyhow::Result<Registered> {
        say(&format!("The harbour is in {}.", self.settings.general.data_dir.display()));
        say(&format!("sluicegate is ready at {}\n", self.site.local_url));
        let (verifier, state) = (random_text(), random_text());
        let redirect = format!("{}{}", self.site.local_url, web::pages::demo::CALLBACK);
        let cast = Cast {
            issuer: &self.site.public_url,
            redirect: &redirect,
            user: FIRST_ACCOUNTS[1].0,
            password: self.passwords[1].expose(),
            verifier: &verifier,
            state: &state,
        };
        let mut client = Client::new(self.site.address, BasePath::of(&self.site.local_url));
        let message = walkthrough::play(&mut client, &cast, &mut Narrator::default()).await;
        let registered = message.context("the walkthrough failed")?;
        say("\nThat is the whole flow: registered, allowed, read, refreshed, revoked, refused.");
        Ok(registered)
    }

    fn invite(&self, registered: &Registered) {
        let url = &self.site.local_url;
        // The callback page shows the next command, which needs the client id.
        let authorize = registered.authorize_path(&[("state", registered.client_id.as_str())]);
        say("\nNow try it by hand; the server runs until you press Ctrl-C.\n");
        say(&format!("  every operation        {url}/docs"));
        say(&format!("  what has access        {url}/account/applications"));
        say(&format!("  allow it again         {url}{authorize}"));
        say(&format!(
            "  rows, with a password  curl -u {} '{url}/api/odata4/harbour/Ships?$top=5'",
            FIRST_ACCOUNTS[1].0
        ));
        say("\nNames and passwords, new at each start of the demo and shown only now:\n");
        for ((name, _), password) in FIRST_ACCOUNTS.iter().zip(self.passwords) {
            say(&format!("  {name:12}  {}", password.expose()));
        }
        say(&format!(
            "  clientId      {}\n  clientSecret  {}\n",
            registered.client_id, registered.client_secret
        ));
    }
}

/// 256 random bits as text that needs no escaping.
fn random_text() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}
