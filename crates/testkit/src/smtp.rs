//! A small mail server that keeps what it gets. It speaks `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `RSET`,
//! `NOOP` and `QUIT`, within bounds: lines, mails and their number are limited, and a client that stays silent is left.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::host::{CERTIFICATE, KEY};

const LONGEST_LINE: u64 = 4_096;
const LARGEST_MAIL: usize = 256 * 1024;
const MOST_MAILS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than the claim of a server that was killed.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// How clients reach an [`SmtpSink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkTls {
    /// In clear text only.
    None,
    /// In clear text at first; `STARTTLS` is offered.
    Offered,
    /// With TLS from the first byte on.
    Implicit,
}

/// A mail that arrived.
#[derive(Debug, Clone)]
pub struct SunkMail {
    /// The sender of the envelope.
    pub from: String,
    /// The receivers of the envelope.
    pub to: Vec<String>,
    /// The headers and the text, as they came, with the line ends of the protocol.
    pub content: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The name and the password of the client, if it authenticated.
    pub credentials: Option<(String, String)>,
}

impl SunkMail {
    /// The value of a header; folded lines are joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let found = head.split("\r\n").filter_map(|line| line.split_once(": "));
        found
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    /// The names of all headers, in order.
    pub fn header_names(&self) -> Vec<String> {
        let head = self.content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        head.split("\r\n").filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    }

    /// The text, decoded.
    ///
    /// # Panics
    /// If it is not in the encoding that its header names.
    pub fn text(&self) -> String {
        let body = self.content.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        match self.header("content-transfer-encoding").as_deref() {
            Some("quoted-printable") => quoted_printable(body),
            Some("base64") => {
                let bytes = STANDARD.decode(body.replace("\r\n", "")).expect("base64");
                String::from_utf8(bytes).expect("UTF-8")
            }
            _ => body.to_owned(),
        }
    }
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'=').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<SunkMail>,
    /// Codes with which the next `RCPT` commands are answered instead.
    refusals: Vec<u16>,
    /// How many mails are taken and then not acknowledged.
    lost_answers: u32,
    connections: u32,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mail server that keeps what it gets, until it is dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl SmtpSink {
    /// Starts one at a free port of the loopback address.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start(tls: SinkTls) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let served = Arc::downgrade(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(shared) = served.upgrade() else { return };
                shared.state().connections += 1;
                // A client that goes away in the middle is no failure of the test.
                std::thread::spawn(move || drop(serve(stream, tls, &shared)));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next receivers are refused with these codes, one after the other.
    pub fn refuse_next(&self, codes: &[u16]) {
        self.shared.state().refusals = codes.to_vec();
    }

    /// The next mails are taken, and the connection ends before the client learns of it.
    pub fn lose_next_answers(&self, number: u32) {
        self.shared.state().lost_answers = number;
    }

    /// What has arrived.
    pub fn mails(&self) -> Vec<SunkMail> {
        self.shared.state().mails.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> u32 {
        self.shared.state().connections
    }

    /// Waits until so many mails have arrived, and returns all.
    ///
    /// # Panics
    /// If they do not arrive within two minutes.
    pub fn wait_for(&self, number: usize) -> Vec<SunkMail> {
        let state = self.shared.state();
        let waiting = |state: &mut State| state.mails.len() < number;
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(state, LONGEST_WAIT, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{} of {number} mails have arrived", state.mails.len());
        state.mails.clone()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        // Wakes the thread that accepts, which then ends. The strong count is one here, and none afterwards.
        let address = self.address;
        let shared = std::mem::take(&mut self.shared);
        drop(shared);
        drop(TcpStream::connect(address));
    }
}

trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

fn secured(stream: TcpStream) -> io::Result<Box<dyn Wire>> {
    let certificates = CertificateDer::pem_slice_iter(CERTIFICATE);
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(KEY).map_err(io::Error::other)?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key);
    let connection = ServerConnection::new(Arc::new(config.map_err(io::Error::other)?));
    Ok(Box::new(StreamOwned::new(connection.map_err(io::Error::other)?, stream)))
}

/// One connection.
struct Session<'a> {
    wire: BufReader<Box<dyn Wire>>,
    shared: &'a Shared,
    tls: bool,
    credentials: Option<(String, String)>,
    from: Option<String>,
    to: Vec<String>,
}

fn serve(stream: TcpStream, tls: SinkTls, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let plain = stream.try_clone()?;
    let implicit = tls == SinkTls::Implicit;
    let wire: Box<dyn Wire> = if implicit { secured(stream)? } else { Box::new(stream) };
    let mut session = Session {
        wire: BufReader::new(wire),
        shared,
        tls: implicit,
        credentials: None,
        from: None,
        to: Vec::new(),
    };
    session.say("220 sink.example ESMTP")?;
    while let Some(line) = session.line()? {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command.to_ascii_uppercase().as_str() {
            "EHLO" if tls == SinkTls::Offered && !session.tls => {
                session.say("250-sink.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS")?;
            }
            "EHLO" => session.say("250-sink.example\r\n250 AUTH PLAIN LOGIN")?,
            "STARTTLS" if tls == SinkTls::Offered && !session.tls => {
                session.say("220 go on")?;
                session.wire = BufReader::new(secured(plain.try_clone()?)?);
                session.tls = true;
            }
            "AUTH" => session.authenticate(rest)?,
            "MAIL" => {
                (session.from, session.to) = (Some(path(rest)), Vec::new());
                session.say("250 fine")?;
            }
            "RCPT" => session.receiver(rest)?,
            "DATA" if session.to.is_empty() => session.say("503 no receivers")?,
            "DATA" => {
                if session.data()? {
                    return Ok(());
                }
            }
            "RSET" => {
                (session.from, session.to) = (None, Vec::new());
                session.say("250 fine")?;
            }
            "NOOP" => session.say("250 fine")?,
            "QUIT" => return session.say("221 bye"),
            _ => session.say("502 what?")?,
        }
    }
    Ok(())
}

/// The address in `FROM:<…>` and `TO:<…>`.
fn path(rest: &str) -> String {
    let inside = rest.split_once('<').and_then(|(_, after)| after.split_once('>'));
    inside.map_or("", |(address, _)| address).to_owned()
}

impl Session<'_> {
    fn say(&mut self, line: &str) -> io::Result<()> {
        let wire = self.wire.get_mut();
        wire.write_all(format!("{line}\r\n").as_bytes())?;
        wire.flush()
    }

    /// The next line without its end; `None` at the end of the connection.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        (&mut self.wire).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
        if !bytes.ends_with(b"\r\n") {
            return Ok(None);
        }
        bytes.truncate(bytes.len() - 2);
        String::from_utf8(bytes).map(Some).map_err(io::Error::other)
    }

    fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        let decode = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let found = if let Some(initial) = rest.strip_prefix("PLAIN ") {
            let parts = decode(initial).unwrap_or_default();
            let mut parts = parts.split('\0').skip(1).map(str::to_owned);
            parts.next().zip(parts.next())
        } else {
            self.say("334 VXNlcm5hbWU6")?;
            let user = self.line()?.as_deref().and_then(decode);
            self.say("334 UGFzc3dvcmQ6")?;
            user.zip(self.line()?.as_deref().and_then(decode))
        };
        match found {
            Some((_, password)) if password == "wrong" => self.say("535 5.7.8 no"),
            found => {
                self.credentials = found;
                self.say("235 fine")
            }
        }
    }

    fn receiver(&mut self, rest: &str) -> io::Result<()> {
        let refusal = {
            let mut state = self.shared.state();
            (!state.refusals.is_empty()).then(|| state.refusals.remove(0))
        };
        let address = path(rest);
        if let Some(code) = refusal {
            return self.say(&format!("{code} <{address}> not now"));
        }
        self.to.push(address);
        self.say("250 fine")
    }

    /// Takes the content. Returns whether the connection ends without an answer.
    fn data(&mut self) -> io::Result<bool> {
        self.say("354 go on")?;
        let mut content = String::new();
        while let Some(line) = self.line()? {
            if line == "." {
                let lost = self.keep(content);
                if !lost {
                    self.say("250 kept")?;
                }
                return Ok(lost);
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
            if content.len() > LARGEST_MAIL {
                break;
            }
        }
        Ok(true)
    }

    fn keep(&mut self, content: String) -> bool {
        let mail = SunkMail {
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            content,
            tls: self.tls,
            credentials: self.credentials.clone(),
        };
        let mut state = self.shared.state();
        if state.mails.len() < MOST_MAILS {
            state.mails.push(mail);
        }
        let lost = state.lost_answers > 0;
        state.lost_answers = state.lost_answers.saturating_sub(1);
        drop(state);
        self.shared.changed.notify_all();
        lost
    }
}
