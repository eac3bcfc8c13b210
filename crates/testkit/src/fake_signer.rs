//! A signer of external keys that behaves as a test says.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use app::node::settings::ExternalSigner;
use oauth::signing::{JwsAlgorithm, SigningAlgorithm};
use signer::protocol::SignerRefusalReason;
use signer::server::{KeyHolder, SocketRights, answer, listen};
use signer::{ClientLimits, ListedKey, SignerRefusal, frame};
use tempfile::TempDir;

use crate::AlgorithmKey;

/// The limits of the servers under test, so that a silent signer does not make a test slow.
const LIMITS: ClientLimits = ClientLimits {
    connections: 8,
    requests: 256,
    wait: Duration::from_secs(1),
    answer: Duration::from_millis(300),
};

/// What the signer does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerBehaviour {
    /// It signs.
    Signs,
    /// It signs something else.
    SignsWrongly,
    /// It reads, and never answers.
    StaysSilent,
    /// It answers in another language.
    SendsGarbage,
    /// It says that it cannot sign now.
    Refuses,
}

struct NamedKey {
    name: String,
    key: AlgorithmKey,
}

struct Shared {
    keys: Mutex<Vec<Arc<NamedKey>>>,
    behaviour: Mutex<SignerBehaviour>,
    streams: Mutex<Vec<UnixStream>>,
    signatures: AtomicUsize,
    ends: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A signer at a socket in a temporary folder.
pub struct FakeSigner {
    folder: TempDir,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl FakeSigner {
    /// Starts a signer with a key for each of these algorithms.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start(algorithms: &[SigningAlgorithm]) -> Self {
        let shared = Shared {
            keys: Mutex::default(),
            behaviour: Mutex::new(SignerBehaviour::Signs),
            streams: Mutex::default(),
            signatures: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut signer = Self { folder, shared: Arc::new(shared), accepting: None };
        for algorithm in algorithms {
            signer.add_key(algorithm.as_str(), (*algorithm).into());
        }
        signer.come_back();
        signer
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("signer")
    }

    /// What the settings of a server say of it.
    pub fn settings(&self, algorithms: &[SigningAlgorithm]) -> ExternalSigner {
        ExternalSigner::at(self.socket(), algorithms.to_vec(), LIMITS)
    }

    /// Adds a new key.
    pub fn add_key(&self, name: &str, algorithm: JwsAlgorithm) {
        let key = NamedKey { name: name.to_owned(), key: AlgorithmKey::new(algorithm) };
        locked(&self.shared.keys).push(Arc::new(key));
    }

    /// Removes the key with this name.
    pub fn remove_key(&self, name: &str) {
        locked(&self.shared.keys).retain(|key| key.name != name);
    }

    /// How it behaves from now on.
    pub fn behave(&self, behaviour: SignerBehaviour) {
        *locked(&self.shared.behaviour) = behaviour;
    }

    /// How many signatures it was asked for.
    pub fn asked_signatures(&self) -> usize {
        self.shared.signatures.load(Ordering::Acquire)
    }

    /// Ends the signer and all its connections.
    ///
    /// # Panics
    /// If its thread has failed.
    pub fn disappear(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.ends.store(true, Ordering::Release);
        // The thread looks at the mark when it accepts a connection.
        drop(UnixStream::connect(self.socket()));
        accepting.join().expect("the signer has ended");
        std::fs::remove_file(self.socket()).expect("the socket can be removed");
        for stream in locked(&self.shared.streams).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Starts it again, with the same keys.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn come_back(&mut self) {
        let listener = listen(&self.socket(), SocketRights::Owner).expect("the signer listens");
        self.shared.ends.store(false, Ordering::Release);
        let shared = Arc::clone(&self.shared);
        self.accepting = Some(thread::spawn(move || accept(&listener, &shared)));
    }
}

impl Drop for FakeSigner {
    fn drop(&mut self) {
        self.disappear();
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        if shared.ends.load(Ordering::Acquire) {
            return;
        }
        locked(&shared.streams).extend(stream.try_clone());
        let shared = Arc::clone(shared);
        // It ends when its connection does.
        thread::spawn(move || converse(stream, &shared));
    }
}

fn converse(mut stream: UnixStream, shared: &Shared) {
    while let Ok(Some(message)) = frame::read(&mut stream) {
        let behaviour = *locked(&shared.behaviour);
        let sent = match behaviour {
            SignerBehaviour::StaysSilent => continue,
            SignerBehaviour::SendsGarbage => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"),
            _ => {
                let mut holder = Holder { shared, behaviour };
                let answer = answer(&message, &mut holder).to_message();
                frame::write(&mut stream, &answer).map_err(std::io::Error::other)
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

struct Holder<'a> {
    shared: &'a Shared,
    behaviour: SignerBehaviour,
}

impl KeyHolder for Holder<'_> {
    fn list(&mut self) -> Result<Vec<ListedKey>, SignerRefusal> {
        let listed = |named: &Arc<NamedKey>| ListedKey {
            id: named.name.clone(),
            algorithm: named.key.algorithm().as_str().to_owned(),
            jwk: named.key.jwk().as_object().cloned().unwrap_or_default(),
        };
        Ok(locked(&self.shared.keys).iter().map(listed).collect())
    }

    fn sign(
        &mut self,
        key: &str,
        algorithm: SigningAlgorithm,
        bytes: &[u8],
    ) -> Result<Vec<u8>, SignerRefusal> {
        self.shared.signatures.fetch_add(1, Ordering::AcqRel);
        let algorithm = JwsAlgorithm::from(algorithm);
        let is_wanted = |named: &&Arc<NamedKey>| named.name == key && named.key.algorithm() == algorithm;
        let found = locked(&self.shared.keys).iter().find(is_wanted).cloned();
        let Some(found) = found else {
            return Err(SignerRefusal::new(SignerRefusalReason::UnknownKey, "no such key"));
        };
        match self.behaviour {
            SignerBehaviour::Refuses => {
                Err(SignerRefusal::new(SignerRefusalReason::Unavailable, "the token is gone"))
            }
            SignerBehaviour::SignsWrongly => Ok(found.key.sign_bytes(b"something else")),
            _ => Ok(found.key.sign_bytes(bytes)),
        }
    }
}
