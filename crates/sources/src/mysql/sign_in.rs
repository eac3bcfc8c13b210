//! Signing in ([the connection phase](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html)).

use zeroize::Zeroizing;

use super::failure::Refusal;
use super::fields::{Fields, put_counted};
use super::greeting::{Greeting, Product};
use super::passwords::{CHALLENGE, Method};
use super::wire::Wire;
use crate::SourceError;
use crate::options::Secret;
use crate::server::{ServerTarget, Stream, broken};

/// What a client can do, and a server must be able to do.
pub(super) mod capability {
    const LONG_PASSWORD: u32 = 1;
    const LONG_FLAG: u32 = 1 << 2;
    const WITH_DATABASE: u32 = 1 << 3;
    const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const TLS: u32 = 1 << 11;
    const TRANSACTIONS: u32 = 1 << 13;
    const SECURE_CONNECTION: u32 = 1 << 15;
    const METHODS: u32 = 1 << 19;
    const COUNTED_ANSWER: u32 = 1 << 21;
    /// No packet separates columns and rows.
    const NO_SEPARATORS: u32 = 1 << 24;

    /// Sending files, several statements in one and compression are not among them. Neither is that rows that match are
    /// counted as changed.
    pub(super) const NEEDED: u32 = LONG_PASSWORD
        | LONG_FLAG
        | WITH_DATABASE
        | PROTOCOL_41
        | TRANSACTIONS
        | SECURE_CONNECTION
        | METHODS
        | COUNTED_ANSWER
        | NO_SEPARATORS;

    /// Every server says that it has this one, or that it is MariaDB by not having it.
    pub(super) const NOT_CHECKED: u32 = LONG_PASSWORD;
}

/// The length of the packets that the client accepts. What is longer is refused when it arrives.
const LONGEST_PACKET: u32 = 1 << 30;

/// UTF-8 with up to four bytes.
const CHARACTER_SET: u8 = 45;

/// How many packets the exchange may have. The longest that makes sense has a change of the method and three more.
const MOST_PACKETS: usize = 8;

/// The server does what it is told from here on.
const OK: u8 = 0x00;
/// More of the exchange of a method.
const MORE: u8 = 0x01;
/// Another method.
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// The answer of `caching_sha2_password` to an answer that the cache confirms.
const CONFIRMED: u8 = 3;
/// The server needs the password itself, because its cache does not have it.
const WANTS_PASSWORD: u8 = 4;

/// A connection of somebody who has signed in.
pub(super) struct SignedIn {
    pub(super) wire: Wire,
    pub(super) product: Product,
    pub(super) thread: u32,
}

/// Connects and signs in.
pub(super) async fn sign_in(target: &ServerTarget, max_row_bytes: u32) -> Result<SignedIn, SourceError> {
    let mut wire = Wire::new(Stream::Plain(target.socket().await?), max_row_bytes);
    let first = wire.packet().await?;
    if first.first() == Some(&ERROR) {
        return Err(Refusal::read(first).reason());
    }
    let greeting = Greeting::read(first)?;
    let lacks = capability::NEEDED & !capability::NOT_CHECKED & !greeting.capabilities;
    if lacks != 0 {
        return Err(broken(&format!("the server, or a proxy before it, lacks the capabilities {lacks:#x}")));
    }
    if target.encrypts() {
        if greeting.capabilities & capability::TLS == 0 {
            return Err(SourceError::NoTls);
        }
        wire.reply(|out| put_start(out, capability::NEEDED | capability::TLS))?;
        wire.flush().await?;
        wire = wire.secured(target).await?;
    }
    introduce(&mut wire, target, &greeting).await?;
    authenticate(&mut wire, target, &greeting).await?;
    Ok(SignedIn { wire, product: greeting.product, thread: greeting.thread })
}

/// What a request for TLS and a response to the greeting start with.
fn put_start(out: &mut Vec<u8>, capabilities: u32) {
    out.extend_from_slice(&capabilities.to_le_bytes());
    out.extend_from_slice(&LONGEST_PACKET.to_le_bytes());
    out.push(CHARACTER_SET);
    out.extend_from_slice(&[0; 23]);
}

/// The method that the server prefers, or one that it will want to change.
fn first_method(greeting: &Greeting) -> Method {
    Method::named(&greeting.method).filter(|method| *method != Method::Clear).unwrap_or(Method::Native)
}

async fn introduce(wire: &mut Wire, target: &ServerTarget, greeting: &Greeting) -> Result<(), SourceError> {
    let method = first_method(greeting);
    let answer = method.answer(password(target), &greeting.challenge).unwrap_or_default();
    let capabilities = capability::NEEDED | if wire.is_encrypted() { capability::TLS } else { 0 };
    wire.reply(|out| {
        put_start(out, capabilities);
        put_text(out, target.user.as_bytes());
        put_counted(out, &answer);
        put_text(out, target.database.as_bytes());
        put_text(out, method.name().as_bytes());
    })?;
    wire.flush().await
}

/// A text that a zero ends. Options contain no control characters.
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}

async fn authenticate(
    wire: &mut Wire,
    target: &ServerTarget,
    greeting: &Greeting,
) -> Result<(), SourceError> {
    let mut method = first_method(greeting);
    for _ in 0..MOST_PACKETS {
        let packet = wire.packet().await?;
        match packet.split_first() {
            Some((&OK, _)) => return Ok(()),
            Some((&ERROR, _)) => return Err(Refusal::read(packet).reason()),
            Some((&SWITCH, data)) => {
                let (wanted, challenge) = switched(data)?;
                method = wanted;
                match method.answer(password(target), &challenge) {
                    Some(answer) => {
                        wire.reply(|out| out.extend_from_slice(&answer))?;
                        wire.flush().await?;
                    }
                    None => send_password(wire, target).await?,
                }
            }
            Some((&MORE, [CONFIRMED])) if method == Method::CachingSha2 => {}
            Some((&MORE, [WANTS_PASSWORD])) if method == Method::CachingSha2 => {
                send_password(wire, target).await?;
            }
            _ => return Err(refused("the server has left the exchange of signing in")),
        }
    }
    Err(refused("the exchange of signing in has no end"))
}

/// The method that the server wants instead, and its challenge.
fn switched(data: &[u8]) -> Result<(Method, [u8; CHALLENGE]), SourceError> {
    let mut fields = Fields::of(data);
    let name = fields.until_zero();
    let unknown = || refused(&format!("the server asks for the method {}", String::from_utf8_lossy(name)));
    let method = Method::named(name).ok_or_else(unknown)?;
    let challenge = fields.array().or((method == Method::Clear).then_some([0; CHALLENGE]));
    Ok((method, challenge.ok_or_else(|| refused("the server sent no challenge"))?))
}

/// Sends the password itself, over TLS only: whoever is on the way could otherwise ask for it.
async fn send_password(wire: &mut Wire, target: &ServerTarget) -> Result<(), SourceError> {
    if !wire.is_encrypted() {
        return Err(refused(
            "the server asks for the password itself on a connection without TLS; with caching_sha2_password it does so \
             whenever its cache does not have the user",
        ));
    }
    let mut ended = Zeroizing::new(password(target).to_vec());
    ended.push(0);
    wire.send_secret(&ended).await
}

fn password(target: &ServerTarget) -> &[u8] {
    target.password.as_ref().map(Secret::expose).unwrap_or_default().as_bytes()
}

fn refused(detail: &str) -> SourceError {
    SourceError::SignInRefused { detail: detail.to_owned() }
}
