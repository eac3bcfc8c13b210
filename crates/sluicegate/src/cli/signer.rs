//! `sluicegate signer`: a process that holds signing keys, and does nothing else.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pkcs11::{Token, TokenError, TokenKeys};
use signer::server::{self, KeyHolder as _, SocketRights};
use zeroize::Zeroizing;

use crate::config::{Environment, LogFormat, LogLevels};
use crate::logging;
use crate::messages::InvalidArguments;
use crate::server::read_file;
use crate::terminal::say;

/// What the help shows.
pub(crate) const EXAMPLE: &str = "Example: sluicegate signer --module /usr/lib/softhsm/libsofthsm2.so --token gate \
    --pin-file /etc/sluicegate/pin --socket /run/sluicegate/signer.sock\n\n\
    Without --pin-file, the PIN is in the environment variable SLUICEGATE_SIGNER_PIN.";

/// The arguments.
#[derive(Debug, Args)]
pub(crate) struct SignerArguments {
    /// The PKCS #11 library of the hardware module
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// The label of the token with the keys
    #[arg(long, value_name = "LABEL")]
    token: String,
    /// The Unix socket to listen at
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The file with the PIN of the token
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Let the group of the socket connect too, for a server of another user
    #[arg(long)]
    group: bool,
}

/// Signs until the process is ended.
///
/// # Errors
/// If the token cannot be opened, or if nothing can listen at the socket.
pub(crate) fn run(arguments: &SignerArguments, environment: &Environment) -> anyhow::Result<()> {
    let levels = LogLevels::new("info").context("it is a level")?;
    let _flush = logging::start(LogFormat::Auto, levels);
    let pin = pin(arguments, environment)?;
    let token = match Token::open(&arguments.module, &arguments.token, &pin) {
        Ok(token) => token,
        // With the status of wrong arguments, so that a service manager can leave it at that: each further attempt brings the
        // token closer to its lock.
        Err(error @ TokenError::Pin) => return Err(InvalidArguments(error.to_string()).into()),
        Err(error) => return Err(error).context("the token cannot be opened"),
    };
    drop(pin);
    let rights = if arguments.group { SocketRights::Group } else { SocketRights::Owner };
    let listener = server::listen(&arguments.socket, rights)
        .with_context(|| format!("cannot listen at {}", arguments.socket.display()))?;
    let keys = TokenKeys::of(&token).list().map_err(|refusal| anyhow::anyhow!("{}", refusal.message))?;
    for key in &keys {
        tracing::info!(kid = key.id, algorithm = key.algorithm, "a key is ready");
    }
    say(&format!("sluicegate signer is ready at {}, keys: {}", arguments.socket.display(), keys.len()));
    server::serve(&listener, || TokenKeys::of(&token)).context("no connection can be accepted")
}

fn pin(arguments: &SignerArguments, environment: &Environment) -> anyhow::Result<Zeroizing<String>> {
    let Some(file) = &arguments.pin_file else {
        let pin = environment.signer_pin().map(str::to_owned);
        let missing =
            || InvalidArguments("--pin-file FILE or SLUICEGATE_SIGNER_PIN must give the PIN".to_owned());
        return Ok(Zeroizing::new(pin.ok_or_else(missing)?));
    };
    let bytes =
        Zeroizing::new(read_file(file).map_err(|why| InvalidArguments(format!("--pin-file: {why}")))?);
    let text =
        std::str::from_utf8(&bytes).map_err(|_| InvalidArguments("the PIN is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
