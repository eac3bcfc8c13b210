//! The tasks of a server for its signing keys.

use std::time::Duration;

use app::App;
use app::identity::caller::RequestOrigin;

use crate::server::StopSignal;

/// How often this node lists the keys of its signer, and how often while that does not answer.
const SIGNER_INTERVAL: Duration = Duration::from_secs(5);
const SIGNER_RETRY: Duration = Duration::from_secs(1);

/// Creates the signing keys of a new installation beside its first requests: RSA takes a second or two. A request that needs
/// one waits for it. If the database cannot store them now, the maintenance tries again.
pub(super) async fn create(app: App) {
    let origin = RequestOrigin { address: None, request_id: "start".to_owned() };
    if let Err(fault) = app.signing_keys().create_missing(&origin).await {
        fault.note("the signing keys were not created; this will be tried again");
    }
}

fn by_signer() -> RequestOrigin {
    RequestOrigin { address: None, request_id: "signer".to_owned() }
}

/// Finds the keys of the signer before the first requests need them. Without a signer, which is logged, the server starts all
/// the same.
pub(super) async fn find(app: &App) {
    let _ = app.signing_keys().synchronise(&by_signer()).await;
}

/// Compares the stored keys with those of the signer until told to stop: at intervals, and at once when a signature failed.
pub(super) async fn watch(app: App, stop: StopSignal) {
    let keys = app.signing_keys();
    loop {
        let interval = if app.node().signer_is_down() { SIGNER_RETRY } else { SIGNER_INTERVAL };
        let work = async {
            let _ended = tokio::time::timeout(interval, keys.outdated()).await;
            if let Err(fault) = keys.synchronise(&by_signer()).await {
                fault.note("the keys of the signer were not compared; this will be tried again");
            }
        };
        tokio::select! {
            () = stop.triggered() => return,
            () = work => {}
        }
    }
}
