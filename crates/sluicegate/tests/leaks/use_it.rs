//! Presents values from the database wherever a secret is expected.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use testkit::{USER, Wire, basic};

use super::busy::Busy;

/// Shorter values are names and words, not digests.
const SHORTEST: usize = 16;

/// Panics if any of them is accepted as a credential.
pub(crate) fn present_everywhere(wire: &Wire, busy: &Busy, cells: &[Vec<u8>]) {
    let distinct: BTreeSet<&Vec<u8>> = cells.iter().filter(|cell| cell.len() >= SHORTEST).collect();
    let mut presented = 0;
    for cell in distinct {
        let is_text = std::str::from_utf8(cell).is_ok();
        // Words of the audit log and the like; password hashes are text too.
        if is_text && !cell.starts_with(b"$argon2") && cell.contains(&b' ') {
            continue;
        }
        for form in forms(cell) {
            present(wire, busy, &form);
            presented += 1;
        }
        if let Ok(hash) = std::str::from_utf8(cell)
            && hash.starts_with("$argon2")
        {
            let headers = [("authorization", &*basic(USER.name, hash))];
            let answer = wire.send("GET", "/api/mgmt/permissions", &headers, None).unwrap();
            assert_eq!(answer.status, 401, "a password hash is taken for a password");
        }
    }
    assert!(presented > 50, "{presented}");
}

fn present(wire: &Wire, busy: &Busy, form: &str) {
    let refused = |status: u16, what: &str| {
        assert!((400..500).contains(&status), "{form:?} from the database is taken for {what}: {status}");
    };
    let bearers = [form.to_owned(), format!("sga_{form}")];
    for token in &bearers {
        refused(wire.get_with_token("/api/odata4", token).unwrap().status.as_u16(), "an access token");
    }
    let client = &busy.client;
    for prefix in ["", "sgs_"] {
        let mut thief = client.clone();
        thief.client_secret = format!("{prefix}{form}");
        let answer = thief.post(wire, "/oauth2/token", &[("grant_type", "client_credentials")]).unwrap();
        refused(answer.status.as_u16(), "a client secret");
    }
    for prefix in ["", "sgr_", "sgc_"] {
        let token = format!("{prefix}{form}");
        let answers = [client.refresh(wire, &token), client.exchange(wire, &token, &"v".repeat(43))];
        for answer in answers {
            refused(answer.unwrap().status.as_u16(), "a refresh token or a code");
        }
        assert!(!client.is_active(wire, &token).unwrap(), "{form:?} from the database is an active token");
    }
    let cookie = format!("sluicegate={form}");
    let page = wire.send("GET", "/account", &[("cookie", &cookie)], None).unwrap();
    assert!(page.body.contains("login-submit"), "{form:?} from the database opens a session");
}

/// The forms in which bytes can be sent.
fn forms(cell: &[u8]) -> Vec<String> {
    let hex: Vec<String> = cell.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![hex.concat(), STANDARD.encode(cell), URL_SAFE_NO_PAD.encode(cell)];
    if let Ok(text) = std::str::from_utf8(cell)
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
    {
        forms.push(text.to_owned());
    }
    forms
}
