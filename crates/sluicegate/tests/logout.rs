//! Logout tokens of a real server.

use std::time::Duration;

use serde_json::json;
use testkit::host::{AUTHORITY, Reply, TestHost};
use testkit::{ADMIN, Installation, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const OUT: &str = "/out";

/// Waits for another process.
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within a minute: {what}");
}

#[test]
fn a_server_killed_before_a_delivery_delivers_after_its_next_start() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let host = runtime.block_on(TestHost::start());
    host.reply(OUT, Reply::text("").status(503));
    let installation = Installation::new(BINARY);
    let authority = installation.folder().join("authority.pem");
    std::fs::write(&authority, AUTHORITY).unwrap();
    let variable = ("SLUICEGATE_OUTBOUND__DANGER_LOOPBACK_AUTHORITY", authority.to_str().unwrap());

    let served = installation.serve_with(&[], &[variable]);
    let wire = Wire::new(served.url());
    let openid = json!({
        "backchannelLogoutUri": host.url("localhost", OUT), "idTokenSignedResponseAlg": "EdDSA",
    });
    let members = json!({ "scopes": ["openid"], "openid": openid });
    let client = WireClient::register(&wire, &USER, "told", &members).unwrap();
    let authorize = client.authorize("a verifier that is forty-three characters long, or more");
    wire.allow(&format!("{authorize}&scope=openid"), &USER).unwrap();
    let revocation = json!({ "application": client.id });
    let revoked = wire.post_json("/api/admin/revocations", &ADMIN, &revocation).unwrap();
    assert_eq!(revoked.status, 204, "{revoked:?}");
    until("the first attempt fails", || served.printed().contains("a logout token will be sent again"));
    served.kill();

    host.reply(OUT, Reply::text(""));
    let served = installation.serve_with(&[], &[variable]);
    until("the token arrives", || served.printed().contains("a logout token was delivered"));
    let tokens = host.received(OUT);
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().all(|token| token.body.starts_with(b"logout_token=")));
    served.terminate();
}
