//! One connection through a link.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{Mode, State};

/// The number of pieces in transit in one direction before the sender must wait.
const PIECES: usize = 1_024;

const PIECE_BYTES: usize = 16 * 1024;

#[derive(Debug, Clone, Copy)]
enum Direction {
    There,
    Back,
}

impl Mode {
    /// The delay of a piece; `None` if it does not arrive.
    fn delay(self, direction: Direction) -> Option<Duration> {
        match (self, direction) {
            (Self::Carries { there, .. }, Direction::There) => Some(there),
            (Self::Carries { back, .. }, Direction::Back) => Some(back),
            _ => None,
        }
    }
}

/// Forwards until both sides have ended, one of them fails, or the link is cut. `cuts` is the count at the
/// time when the connection was accepted.
pub(super) async fn carry(mut client: TcpStream, state: watch::Receiver<State>, cuts: u64) {
    let mut ending = state.clone();
    let cut = ending.wait_for(|state| state.cuts != cuts);
    tokio::pin!(cut);
    let server = tokio::select! {
        server = connect(state.clone()) => server,
        _ = &mut cut => Err(io::ErrorKind::ConnectionReset.into()),
    };
    let Ok(mut server) = server else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = client.set_nodelay(true);
    let failed = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(
                pipe(from_client, to_server, state.clone(), Direction::There),
                pipe(from_server, to_client, state.clone(), Direction::Back),
            )
        };
        tokio::select! {
            ended = both => ended.is_err(),
            _ = &mut cut => true,
        }
    };
    if failed {
        // The remaining side sees a reset, not an end that looks orderly.
        let _ = client.set_zero_linger();
        let _ = server.set_zero_linger();
    }
}

async fn connect(mut state: watch::Receiver<State>) -> io::Result<TcpStream> {
    let target = flowing(&mut state, Direction::There).await?.target;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

/// Waits until data flows in this direction.
async fn flowing(state: &mut watch::Receiver<State>, direction: Direction) -> io::Result<State> {
    let flows = state.wait_for(|state| state.mode.delay(direction).is_some()).await;
    flows.map(|state| state.clone()).map_err(|_| io::ErrorKind::ConnectionReset.into())
}

async fn pipe(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    state: watch::Receiver<State>,
    direction: Direction,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let taken = take(from, sender, state.clone(), direction);
    tokio::try_join!(taken, give(to, receiver, state, direction)).map(drop)
}

/// Reads pieces and computes when each arrives. While nothing flows, it leaves them with the sender.
async fn take(
    mut from: ReadHalf<'_>,
    pieces: mpsc::Sender<(Instant, Vec<u8>)>,
    mut state: watch::Receiver<State>,
    direction: Direction,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        flowing(&mut state, direction).await?;
        let mut other = state.clone();
        let length = tokio::select! {
            length = from.read(&mut buffer) => length?,
            _ = other.wait_for(|state| state.mode.delay(direction).is_none()) => continue,
        };
        let delay = state.borrow().mode.delay(direction).unwrap_or_default();
        let piece = (Instant::now() + delay, buffer[..length].to_vec());
        if pieces.send(piece).await.is_err() || length == 0 {
            return Ok(());
        }
    }
}

/// Writes each piece at its time; an empty piece is the end.
async fn give(
    mut to: WriteHalf<'_>,
    mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut state: watch::Receiver<State>,
    direction: Direction,
) -> io::Result<()> {
    while let Some((due, piece)) = pieces.recv().await {
        tokio::time::sleep_until(due).await;
        flowing(&mut state, direction).await?;
        if piece.is_empty() {
            return to.shutdown().await;
        }
        to.write_all(&piece).await?;
    }
    Ok(())
}
