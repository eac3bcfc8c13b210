//! The side of the signer: it answers one request after the other on each connection.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use oauth::signing::SigningAlgorithm;

use crate::frame;
use crate::protocol::{ListedKey, SignerRefusal, SignerRefusalReason, SignerRequest, SignerResponse};
use crate::socket;

/// The maximum number of connections; further ones are closed at once. A server opens eight.
pub const MOST_CONNECTIONS: usize = 64;

/// How long a server may take to read an answer.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// Who may connect to the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketRights {
    /// The user that runs the signer.
    Owner,
    /// The group of the socket too.
    Group,
}

impl SocketRights {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Group => 0o660,
        }
    }
}

/// Holds keys, for one connection.
pub trait KeyHolder {
    /// Lists the keys.
    ///
    /// # Errors
    /// [`SignerRefusal`].
    fn list(&mut self) -> Result<Vec<ListedKey>, SignerRefusal>;

    /// Signs, in the form of a JSON Web Signature.
    ///
    /// # Errors
    /// [`SignerRefusal`].
    fn sign(
        &mut self,
        key: &str,
        algorithm: SigningAlgorithm,
        bytes: &[u8],
    ) -> Result<Vec<u8>, SignerRefusal>;
}

/// Listens at a socket. One at which nobody listens any more is replaced.
///
/// # Errors
/// If there is another file, if another signer listens, or if the folder cannot be written.
pub fn listen(socket: &Path, rights: SocketRights) -> io::Result<UnixListener> {
    socket::bind(socket, rights.mode())
}

/// Answers until no connection can be accepted any more. `open` opens the keys for one connection, whose thread is its own.
///
/// # Errors
/// Why no connection can be accepted.
pub fn serve<H: KeyHolder>(listener: &UnixListener, open: impl Fn() -> H + Sync) -> io::Result<()> {
    let connections = AtomicUsize::new(0);
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let stream = stream?;
            if connections.fetch_add(1, Ordering::AcqRel) >= MOST_CONNECTIONS {
                connections.fetch_sub(1, Ordering::AcqRel);
                tracing::warn!(most = MOST_CONNECTIONS, "too many connections; one was closed");
                continue;
            }
            let (open, connections) = (&open, &connections);
            scope.spawn(move || {
                if let Err(error) = answer_all(stream, open()) {
                    tracing::warn!(%error, "a connection broke");
                }
                connections.fetch_sub(1, Ordering::AcqRel);
            });
        }
        Ok(())
    })
}

fn answer_all(mut stream: UnixStream, mut keys: impl KeyHolder) -> Result<(), frame::FrameFault> {
    stream.set_write_timeout(Some(WRITE_TIME))?;
    while let Some(message) = frame::read(&mut stream)? {
        frame::write(&mut stream, &answer(&message, &mut keys).to_message())?;
    }
    Ok(())
}

/// Answers a message.
pub fn answer(message: &[u8], keys: &mut impl KeyHolder) -> SignerResponse {
    let answered = match SignerRequest::parse(message) {
        Ok(SignerRequest::List) => keys.list().map(|keys| SignerResponse::Keys { keys }),
        Ok(SignerRequest::Sign { key, algorithm, bytes }) => {
            keys.sign(&key, algorithm, &bytes).map(|signature| SignerResponse::Signature { signature })
        }
        Err(fault) => Err(SignerRefusal::new(SignerRefusalReason::BadRequest, fault.to_string())),
    };
    answered.unwrap_or_else(SignerResponse::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OneKey;

    impl KeyHolder for OneKey {
        fn list(&mut self) -> Result<Vec<ListedKey>, SignerRefusal> {
            Ok(Vec::new())
        }

        fn sign(&mut self, key: &str, _: SigningAlgorithm, bytes: &[u8]) -> Result<Vec<u8>, SignerRefusal> {
            match key {
                "mine" => Ok(bytes.to_vec()),
                _ => Err(SignerRefusal::new(SignerRefusalReason::UnknownKey, "no such key")),
            }
        }
    }

    #[test]
    fn every_message_gets_an_answer() {
        let sign = |key: &str| SignerRequest::Sign {
            key: key.to_owned(),
            algorithm: SigningAlgorithm::EdDsa,
            bytes: vec![7],
        };
        let ask = |message: &[u8]| answer(message, &mut OneKey);
        assert_eq!(ask(&SignerRequest::List.to_message()), SignerResponse::Keys { keys: Vec::new() });
        assert_eq!(ask(&sign("mine").to_message()), SignerResponse::Signature { signature: vec![7] });
        for (message, expected) in [
            (sign("other").to_message(), SignerRefusalReason::UnknownKey),
            (b"GET / HTTP/1.1".to_vec(), SignerRefusalReason::BadRequest),
            (br#"{"version":9}"#.to_vec(), SignerRefusalReason::BadRequest),
        ] {
            match ask(&message) {
                SignerResponse::Error(refusal) => assert_eq!(refusal.reason, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
