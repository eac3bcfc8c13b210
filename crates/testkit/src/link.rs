//! A network connection to a server, which a test can cut, slow down or silence.
//!
//! A link listens on the loopback address and forwards every connection to its target. It has a thread of its
//! own, so blocking and asynchronous tests can use it.

mod carry;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ports::free_port;
use crate::random::Random;
use crate::watched::Watched;

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Forwards everything, with a delay in each direction.
    Carries { there: Duration, back: Duration },
    /// Forwards nothing, silently.
    Silent,
    /// Refuses everything.
    Cut,
}

/// The state that every connection watches.
#[derive(Debug, Clone)]
struct State {
    mode: Mode,
    target: SocketAddr,
    /// The number of cuts. A connection from before a cut ends, even if it did not observe the cut itself.
    cuts: u64,
}

/// How far the connections have followed the state.
#[derive(Debug, Default)]
struct Settled {
    listening: bool,
    connections: usize,
}

/// A link to one server.
pub struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
    settled: Arc<Watched<Settled>>,
    runtime: Option<Runtime>,
}

impl Link {
    /// Starts a link to `target`, an address with a port. It forwards at once.
    ///
    /// # Panics
    /// If the target is not such an address, or no thread can be started.
    pub fn start(target: &str) -> Self {
        let port = free_port(&mut Random::new(Random::fresh_seed()));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let carries = Mode::Carries { there: Duration::ZERO, back: Duration::ZERO };
        let (state, watching) = watch::channel(State { mode: carries, target: parse(target), cuts: 0 });
        let settled = Arc::<Watched<Settled>>::default();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.spawn(listen(address, watching, Arc::clone(&settled)));
        let link = Self { address, state, settled, runtime: Some(runtime) };
        link.settled.wait_until(|settled| settled.listening);
        link
    }

    /// The address and port of the link.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Forwards everything without delay. Data that was held back during silence arrives.
    pub fn pass(&self) {
        self.delay(Duration::ZERO, Duration::ZERO);
    }

    /// Delays everything: `there` on the way to the server, `back` on the way from it. Pieces do not wait for
    /// each other's delay, as on a long wire.
    pub fn delay(&self, there: Duration, back: Duration) {
        self.state.send_modify(|state| state.mode = Mode::Carries { there, back });
        self.settled.wait_until(|settled| settled.listening);
    }

    /// Resets every connection and refuses new ones. This is complete when the function returns.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Cut;
            state.cuts += 1;
        });
        self.settled.wait_until(|settled| !settled.listening && settled.connections == 0);
    }

    /// Forwards and answers nothing from now on, as if the other machine had lost its power: connections stay
    /// open, new ones are accepted, and nothing is signalled, not even the end of a connection.
    pub fn half_open(&self) {
        self.state.send_modify(|state| state.mode = Mode::Silent);
        self.settled.wait_until(|settled| settled.listening);
    }

    /// Forwards new connections to another server; open ones stay where they are.
    ///
    /// # Panics
    /// If the target is not an address with a port.
    pub fn retarget(&self, target: &str) {
        let target = parse(target);
        self.state.send_modify(|state| state.target = target);
    }

    /// The number of open connections.
    pub fn connections(&self) -> usize {
        self.settled.read().connections
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A plain drop would block, which a runtime does not allow inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn parse(target: &str) -> SocketAddr {
    target.parse().unwrap_or_else(|_| panic!("no address with a port: {target}"))
}

/// Listens whenever the link is not cut, until the link is dropped.
async fn listen(address: SocketAddr, mut state: watch::Receiver<State>, settled: Arc<Watched<Settled>>) {
    let mut connections = JoinSet::new();
    while let Ok(now) = state.wait_for(|state| state.mode != Mode::Cut).await.map(|state| state.clone()) {
        let Ok(listener) = TcpListener::bind(address).await else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        settled.change(|settled| settled.listening = true);
        let mut ended = state.clone();
        let cut = ended.wait_for(|state| state.cuts != now.cuts);
        tokio::pin!(cut);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut cut => break,
            };
            if let Ok((stream, _)) = accepted {
                settled.change(|settled| settled.connections += 1);
                let (state, settled) = (state.clone(), Arc::clone(&settled));
                connections.spawn(async move {
                    carry::carry(stream, state, now.cuts).await;
                    settled.change(|settled| settled.connections -= 1);
                });
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        settled.change(|settled| settled.listening = false);
    }
}
