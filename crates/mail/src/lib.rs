//! Sends mail over SMTP, to the server that the operator has named.
//!
//! **Architecture invariant:** this crate knows no user, no link and no queue. Headers are made of fixed texts and of
//! addresses that were parsed, so that nobody can add a header. What a mail server says is not passed on, because it
//! repeats addresses; only its code is.
//!
//! Start reading at [`Mailer`].

use std::fmt;
use std::time::Duration;

use domain::mail::Letter;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte on ([RFC 8314 §3](https://www.rfc-editor.org/rfc/rfc8314#section-3)).
    Implicit,
    /// The connection begins in clear text and must change to TLS before anything else is sent ([RFC
    /// 3207](https://www.rfc-editor.org/rfc/rfc3207)).
    StartTls,
    /// No protection.
    DangerNone,
}

/// The name and the password of the server at the mail server.
#[derive(Clone)]
pub struct MailCredentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for MailCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailCredentials(redacted)")
    }
}

/// Which mail server is used, and how.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The name or address of the mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The protection of the connection.
    pub tls: MailTls,
    /// Further authorities of certificates, in PEM, besides the public ones.
    pub authorities: Option<Vec<u8>>,
    /// `None` for a mail server that needs no authentication.
    pub credentials: Option<MailCredentials>,
    /// The sender, as an address, or a name and an address in angle brackets.
    pub from: String,
    /// The name by which this server introduces itself; `None` for its address.
    pub hello: Option<String>,
    /// The maximum time for one mail.
    pub time: Duration,
}

/// Settings with which no mail can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMailSettings {
    /// The sender is no address.
    #[error("must be a mail address such as gate@example.org, or a name with one: Gate <gate@example.org>")]
    From,
    /// The authorities cannot be read.
    #[error("has no certificate in PEM")]
    Authorities,
}

/// Why a mail was not sent. The text names no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// The address of the receiver cannot be one.
    #[error("the address of the receiver is malformed")]
    Address,
    /// The mail server refuses it for good.
    #[error("the mail server refused it with code {0}")]
    Refused(u16),
    /// The mail server refuses it at present, or refuses to be used at all.
    #[error("the mail server answered with code {0}")]
    Unwilling(u16),
    /// No connection with the demanded protection.
    #[error("there is no TLS with the mail server, or its certificate is not accepted")]
    Tls,
    /// The mail server does not offer what the settings demand.
    #[error("the mail server offers no STARTTLS, or no authentication with a password")]
    Unsupported,
    /// It took too long.
    #[error("the mail server did not answer in time")]
    Timeout,
    /// The mail server cannot be reached, or answers in another way than the protocol says.
    #[error("the mail server cannot be reached, or does not speak SMTP")]
    Connection,
}

impl SendFailure {
    /// Whether it is of no use to try again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Address | Self::Refused(_))
    }
}

/// Sends mail.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    time: Duration,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}

/// Codes of a mail server that does not accept how it is used, and says nothing about the mail ([RFC 4954
/// §6](https://www.rfc-editor.org/rfc/rfc4954#section-6)).
const ABOUT_AUTHENTICATION: [u16; 4] = [530, 534, 535, 538];

impl Mailer {
    /// Prepares sending; connects to nothing.
    ///
    /// # Errors
    /// [`UnfitMailSettings`].
    pub fn new(settings: &MailSettings) -> Result<Self, UnfitMailSettings> {
        let from: Mailbox = settings.from.parse().map_err(|_| UnfitMailSettings::From)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone());
        let mut builder = builder.port(settings.port).timeout(Some(settings.time)).tls(tls(settings)?);
        if let Some(name) = &settings.hello {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        if let Some(MailCredentials { user, password }) = settings.credentials.clone() {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: builder.build(), from, time: settings.time })
    }

    /// The maximum time for one mail, in seconds.
    pub fn longest_secs(&self) -> i64 {
        i64::try_from(self.time.as_secs()).unwrap_or(i64::MAX)
    }

    /// Sends one mail, over a connection of its own.
    ///
    /// # Errors
    /// [`SendFailure`]. After [`SendFailure::Timeout`] and [`SendFailure::Connection`] the mail server may have it
    /// nevertheless.
    pub async fn send(&self, letter: &Letter) -> Result<(), SendFailure> {
        let message = self.message(letter)?;
        match tokio::time::timeout(self.time, self.transport.send(message)).await {
            Err(_) => Err(SendFailure::Timeout),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
        }
    }

    /// Connects and authenticates, and sends nothing.
    ///
    /// # Errors
    /// [`SendFailure`].
    pub async fn greet(&self) -> Result<(), SendFailure> {
        match tokio::time::timeout(self.time, self.transport.test_connection()).await {
            Err(_) => Err(SendFailure::Timeout),
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SendFailure::Connection),
            Ok(Err(error)) => Err(failure(&error)),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, SendFailure> {
        // A quoted local part could contain other characters.
        if !letter.to.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SendFailure::Address);
        }
        let to: Address = letter.to.parse().map_err(|_| SendFailure::Address)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]);
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .message_id(Some(id))
            .raw_header(automatic())
            .envelope(envelope.map_err(|_| SendFailure::Address)?);
        builder.singlepart(SinglePart::plain(letter.text.clone())).map_err(|_| SendFailure::Address)
    }
}

/// "The Auto-Submitted field […] SHOULD be used by automatic processes" ([RFC 3834
/// §5](https://www.rfc-editor.org/rfc/rfc3834#section-5)), so that nobody's out-of-office reply answers it.
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn tls(settings: &MailSettings) -> Result<Tls, UnfitMailSettings> {
    if settings.tls == MailTls::DangerNone {
        return Ok(Tls::None);
    }
    let builder = TlsParameters::builder(settings.host.clone());
    let mut builder = builder.certificate_store(CertificateStore::WebpkiRoots);
    if let Some(pem) = &settings.authorities {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        if !pem.windows(BEGIN.len()).any(|part| part == BEGIN) {
            return Err(UnfitMailSettings::Authorities);
        }
        let parsed = Certificate::from_pem(pem).map_err(|_| UnfitMailSettings::Authorities)?;
        builder = builder.add_root_certificate(parsed);
    }
    let parameters = builder.build_rustls().map_err(|_| UnfitMailSettings::Authorities)?;
    Ok(match settings.tls {
        MailTls::Implicit => Tls::Wrapper(parameters),
        MailTls::StartTls | MailTls::DangerNone => Tls::Required(parameters),
    })
}

fn failure(error: &lettre::transport::smtp::Error) -> SendFailure {
    let code = error.status().map(u16::from);
    match code {
        Some(code) if error.is_permanent() && !ABOUT_AUTHENTICATION.contains(&code) => {
            SendFailure::Refused(code)
        }
        Some(code) => SendFailure::Unwilling(code),
        None if error.is_timeout() => SendFailure::Timeout,
        None if error.is_tls() || is_of_tls(error) => SendFailure::Tls,
        None if error.is_client() => SendFailure::Unsupported,
        None => SendFailure::Connection,
    }
}

/// Whether a handshake failed. The error of the connection wraps that of the handshake.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let wraps = wrapped.and_then(|wrapped| wrapped.downcast_ref::<rustls::Error>()).is_some();
        if wraps || cause.is::<rustls::Error>() {
            return true;
        }
        next = cause.source();
    }
    false
}
