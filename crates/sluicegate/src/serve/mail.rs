//! Sending mail, and the questions for it.

use app::identity::forgotten::ForgottenPasswordService;
use app::node::NodeService;

use super::DELIVERY_INTERVAL;
use crate::server::StopSignal;

/// Sends mail until told to stop: at once if this node has stored some, and at intervals what is due again or was left by
/// another node.
pub(super) async fn send(node: NodeService, stop: StopSignal) {
    loop {
        let work = async {
            let _stored = tokio::time::timeout(DELIVERY_INTERVAL, node.mails()).await;
            if let Err(fault) = node.send_mails().await {
                fault.note("mail was not sent; this will be tried again");
            }
        };
        tokio::select! {
            () = stop.triggered() => return,
            () = work => {}
        }
    }
}

/// Examines the questions of people who have forgotten their passwords, until told to stop.
pub(super) async fn examine_forgotten_passwords(forgotten: ForgottenPasswordService, stop: StopSignal) {
    loop {
        let work = async {
            forgotten.asked().await;
            if let Err(fault) = forgotten.examine().await {
                fault
                    .note("the question for a forgotten password was not examined; the person can ask again");
            }
        };
        tokio::select! {
            () = stop.triggered() => return,
            () = work => {}
        }
    }
}
