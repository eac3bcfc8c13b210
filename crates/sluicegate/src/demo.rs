//! `sluicegate demo`: the main job, for somebody who sees it for the first time.
//!
//! A folder with a sample database is made, a real server is started on it, and a client plays the story over real HTTP.
//! Nothing is short-cut: what the client does, any program can do.

use anyhow::{Context, bail};
use app::setup::FIRST_ACCOUNTS;
use oauth::secret::Password;
use vault::{Entropy, SystemEntropy};

use crate::cli::setup;
use crate::cli::terminal::say;
use crate::config::{Environment, Settings};
use crate::installation::Installation;
use crate::logging;
use crate::serve::{self, Running};
use crate::server::{Signals, Stop};

mod client;
mod forms;
mod harbour;
mod narrator;
mod prepare;
mod story;

use client::Client;
use narrator::Narrator;
use story::{Cast, Registered};

/// Plays the demo; then serves on, unless it is to end by itself.
///
/// # Errors
/// What is in the way, or the step that did not go as it must.
pub(crate) fn run(settings: &Settings, environment: &Environment, auto: bool) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    stays_on_this_machine(settings)?;
    serve::runtime()?.block_on(play(settings, environment, auto))
}

async fn play(settings: &Settings, environment: &Environment, auto: bool) -> anyhow::Result<()> {
    let passwords = [setup::make_up(), setup::make_up()];
    let stop = Stop::new();
    let signals = Signals::hear()?;
    let fresh = Installation::at(&settings.general.data_dir).is_empty(environment)?;
    if fresh {
        setup::create(settings, environment, passwords.clone()).await?;
    }
    let running = Running::start(settings, environment, &stop).await?;
    let prepared = prepare::harbour(&running.app, settings, (!fresh).then_some(&passwords)).await;
    let told = match prepared {
        Ok(()) => tell(settings, &running, &passwords).await,
        Err(error) => Err(error),
    };
    match told {
        Ok(registered) if !auto => {
            invite(&running, &passwords, &registered);
            let (ended, ()) = tokio::join!(running.end(), signals.act(stop, None));
            ended
        }
        told => {
            stop.say();
            let ended = running.end().await;
            told?;
            ended
        }
    }
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

async fn tell(
    settings: &Settings,
    running: &Running,
    passwords: &[Password; 2],
) -> anyhow::Result<Registered> {
    say(&format!("The harbour is in {}.", settings.general.data_dir.display()));
    say(&format!("sluicegate is ready at {}\n", running.local_url));
    let (verifier, state) = (random_text(), random_text());
    let cast = Cast {
        issuer: &running.public_url,
        user: FIRST_ACCOUNTS[1].0,
        password: passwords[1].expose(),
        verifier: &verifier,
        state: &state,
    };
    let mut client = Client::new(running.address);
    let told = story::play(&mut client, &cast, &mut Narrator::default()).await;
    let registered = told.context("the story did not go as it must")?;
    say("\nThat is the whole story: registered, allowed, read, refreshed, revoked, refused.");
    Ok(registered)
}

/// 256 random bits as text that needs no escaping.
fn random_text() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

fn invite(running: &Running, passwords: &[Password; 2], registered: &Registered) {
    let url = &running.local_url;
    say(&format!(
        "\nNow try it by hand; the server runs until you press Ctrl-C.\n\n  {url}/docs                   every operation"
    ));
    say(&format!("  {url}/account/applications   what has access"));
    say(&format!("  {url}/api/odata4/harbour/Ships?$top=5   rows, with a name and password in the browser"));
    say(&format!("  {url}{}   allow the application again", registered.authorize_path(&[])));
    say("\nThese are made anew at each start of the demo and shown only now:\n");
    for ((name, _), password) in FIRST_ACCOUNTS.iter().zip(passwords) {
        say(&format!("  {name:12}  {}", password.expose()));
    }
    say(&format!("  clientId      {}\n  clientSecret  {}\n", registered.client_id, registered.client_secret));
}
