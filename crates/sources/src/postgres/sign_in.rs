//! Signing in ([§55.2.1](https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP)).

use std::ops::RangeInclusive;

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use zeroize::Zeroizing;

use super::failure::Refusal;
use super::wire::{Wire, tag};
use crate::SourceError;
use crate::options::Secret;
use crate::server::ServerTarget;

/// The oldest version of the server.
const OLDEST: u32 = 14;

/// How often the server may have a password hashed, so that it cannot keep a thread busy for hours.
const ITERATIONS: RangeInclusive<u32> = 1..=1_000_000;

/// What a server says about a connection.
pub(super) struct SignedIn {
    /// The number of its process, and the key with which its statements can be stopped; zero without one.
    pub(super) process: i32,
    pub(super) key: i32,
}

/// The requests for authentication that are understood.
mod method {
    pub(super) const OK: u32 = 0;
    pub(super) const CLEARTEXT: u32 = 3;
    pub(super) const MD5: u32 = 5;
    pub(super) const SASL: u32 = 10;
    pub(super) const SASL_CONTINUE: u32 = 11;
    pub(super) const SASL_FINAL: u32 = 12;
}

/// Signs in on a new stream.
pub(super) async fn sign_in(wire: &mut Wire, target: &ServerTarget) -> Result<SignedIn, SourceError> {
    let parameters = [
        ("user", target.user.as_str()),
        ("database", &target.database),
        ("application_name", "sluicegate"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, YMD"),
        ("TimeZone", "UTC"),
    ];
    frontend::startup_message(parameters, &mut wire.output).map_err(|error| unwritable(&error))?;
    wire.flush().await?;
    authenticate(wire, target).await?;
    greeted(wire).await
}

async fn authenticate(wire: &mut Wire, target: &ServerTarget) -> Result<(), SourceError> {
    let mut has_asked = false;
    loop {
        let (method, data) = request(wire).await?;
        match method {
            method::OK if target.demands_proof && !has_asked => {
                return Err(refused("the server lets in whoever names the user, without a password"));
            }
            method::OK => return Ok(()),
            method::CLEARTEXT if wire.is_encrypted() => {
                send_password(wire, password(target)?.as_bytes()).await?;
            }
            method::CLEARTEXT => {
                return Err(refused("the server asks for the password in clear on a connection without TLS"));
            }
            method::MD5 => {
                let salt = data.first_chunk().ok_or_else(|| refused("the server sent no salt"))?;
                let hash = md5_hash(target.user.as_bytes(), password(target)?.as_bytes(), *salt);
                send_password(wire, hash.as_bytes()).await?;
            }
            method::SASL => scram(wire, password(target)?, &data).await?,
            other => return Err(refused(&format!("the server asks for the method {other} of signing in"))),
        }
        has_asked = true;
    }
}

/// The next request for authentication: its method and its data.
async fn request(wire: &mut Wire) -> Result<(u32, Vec<u8>), SourceError> {
    let message = wire.message().await?;
    match (message.tag, message.body.split_first_chunk()) {
        (tag::AUTHENTICATION, Some((method, data))) => Ok((u32::from_be_bytes(*method), data.to_vec())),
        (tag::ERROR, _) => Err(Refusal::read(message.body).reason_of_sign_in()),
        _ => Err(SourceError::Unreachable { detail: "it is not a server of PostgreSQL".to_owned() }),
    }
}

fn password(target: &ServerTarget) -> Result<&str, SourceError> {
    let password = target.password.as_ref().map(Secret::expose);
    password.ok_or_else(|| refused("the server asks for a password, and there is none"))
}

/// Sends a password, or its hash, and leaves no copy in a buffer.
async fn send_password(wire: &mut Wire, password: &[u8]) -> Result<(), SourceError> {
    let length = u32::try_from(password.len() + 5).map_err(|_| refused("the password is too long"))?;
    let mut message = Zeroizing::new(Vec::with_capacity(password.len() + 6));
    message.push(b'p');
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(password);
    message.push(0);
    wire.send(&message).await
}

/// SCRAM, which proves that both sides know the password ([RFC 5802 §3](https://www.rfc-editor.org/rfc/rfc5802#section-3)).
/// It is not bound to the channel, because the certificate of the server is verified.
async fn scram(wire: &mut Wire, password: &str, mechanisms: &[u8]) -> Result<(), SourceError> {
    if !mechanisms.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) {
        return Err(refused("the server does not offer SCRAM-SHA-256"));
    }
    let scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut wire.output)
        .map_err(|error| unwritable(&error))?;
    wire.flush().await?;
    let challenge = expected(wire, method::SASL_CONTINUE).await?;
    if !iterations(&challenge).is_some_and(|times| ITERATIONS.contains(&times)) {
        return Err(refused("the server asks for too many iterations of SCRAM"));
    }
    // Hashing takes milliseconds.
    let answered = tokio::task::spawn_blocking(move || {
        let mut scram = scram;
        scram.update(&challenge).map(|()| scram)
    });
    let answered = answered.await.map_err(|panic| SourceError::Failed { detail: panic.to_string() })?;
    let mut scram = answered.map_err(|error| refused(&error.to_string()))?;
    frontend::sasl_response(scram.message(), &mut wire.output).map_err(|error| unwritable(&error))?;
    wire.flush().await?;
    let proof = expected(wire, method::SASL_FINAL).await?;
    scram.finish(&proof).map_err(|_| refused("the server does not know the password"))
}

async fn expected(wire: &mut Wire, method: u32) -> Result<Vec<u8>, SourceError> {
    match request(wire).await? {
        (found, data) if found == method => Ok(data),
        _ => Err(refused("the server has left the exchange of SCRAM")),
    }
}

/// The number of iterations in a challenge: `r=…,s=…,i=4096`.
fn iterations(challenge: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(challenge).ok()?;
    text.split(',').find_map(|part| part.strip_prefix("i="))?.parse().ok()
}

/// Reads what follows until the server is ready.
async fn greeted(wire: &mut Wire) -> Result<SignedIn, SourceError> {
    let mut signed_in = SignedIn { process: 0, key: 0 };
    loop {
        let message = wire.any_message().await?;
        match message.tag {
            tag::READY => return Ok(signed_in),
            tag::ERROR => return Err(Refusal::read(message.body).reason_of_sign_in()),
            tag::KEY_DATA => {
                let number =
                    |at: usize| message.body.get(at..at + 4)?.try_into().ok().map(i32::from_be_bytes);
                let numbers = number(0).zip(number(4));
                (signed_in.process, signed_in.key) = numbers.unwrap_or_default();
            }
            tag::PARAMETER_STATUS => {
                is_new_enough(message.body)?;
                has_characters(message.body)?;
            }
            _ => {}
        }
    }
}

/// Refuses a server that says that it is too old.
fn is_new_enough(status: &[u8]) -> Result<(), SourceError> {
    let Some(version) = status.strip_prefix(b"server_version\0") else { return Ok(()) };
    let version = String::from_utf8_lossy(version);
    let major = version.split(|character: char| !character.is_ascii_digit()).next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major < OLDEST => Err(SourceError::OldServer { oldest: "PostgreSQL 14" }),
        _ => Ok(()),
    }
}

/// Refuses a database whose texts are bytes without a meaning: what it computes with them would be wrong.
fn has_characters(status: &[u8]) -> Result<(), SourceError> {
    if status == b"server_encoding\0SQL_ASCII\0" { Err(SourceError::UnknownCharacters) } else { Ok(()) }
}

fn refused(detail: &str) -> SourceError {
    SourceError::SignInRefused { detail: detail.to_owned() }
}

fn unwritable(error: &std::io::Error) -> SourceError {
    SourceError::Failed { detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_how_often_the_password_is_hashed() {
        assert_eq!(iterations(b"r=abc,s=QSXCR+Q6sek8bf92,i=4096"), Some(4096));
        for other in [b"r=abc,s=x".as_slice(), b"i=", b"i=-1", b"i=99999999999", b"\xff"] {
            assert_eq!(iterations(other), None);
        }
    }

    #[test]
    fn a_server_before_version_14_is_refused() {
        for version in ["14.0", "15.18 (Debian 15.18-0+deb12u1)", "17devel", "18", ""] {
            assert_eq!(is_new_enough(format!("server_version\0{version}\0").as_bytes()), Ok(()), "{version}");
        }
        for version in ["9.6.24", "13.4"] {
            let refused = is_new_enough(format!("server_version\0{version}\0").as_bytes());
            assert_eq!(refused, Err(SourceError::OldServer { oldest: "PostgreSQL 14" }), "{version}");
        }
        assert_eq!(is_new_enough(b"TimeZone\0UTC\0"), Ok(()));
    }
}
