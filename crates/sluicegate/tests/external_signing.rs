//! The real server with a real signer, whose keys are in `SoftHSM`: an imitation of a hardware module, over the same library
//! interface.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it here")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use oauth::signing::JwsAlgorithm;
use serde_json::{Value, json};
use testkit::{Installation, USER, Wire, WireAnswer, WireClient};
use vault::jose::{AcceptedJwt, KeySet, verify};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "2468";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A token of `SoftHSM` with a key for each algorithm, made by the commands of `docs/external-signing.md`.
struct SoftToken {
    folder: PathBuf,
}

impl SoftToken {
    fn make(folder: &Path) -> Self {
        let tokens = folder.join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        std::fs::write(
            folder.join("softhsm2.conf"),
            format!("directories.tokendir = {}\n", tokens.display()),
        )
        .unwrap();
        std::fs::write(folder.join("pin"), format!("{PIN}\n")).unwrap();
        let token = Self { folder: folder.to_owned() };
        let label = ["--label", "gate", "--pin", PIN, "--so-pin", "1357"];
        token.run("softhsm2-util", &[&["--init-token", "--free"], &label[..]].concat());
        for (id, kind, label) in [
            ("01", "EC:prime256v1", "es256"),
            ("02", "rsa:2048", "rs256"),
            ("03", "rsa:2048", "PS256"),
            ("04", "EC:edwards25519", "eddsa"),
        ] {
            let key = ["--keypairgen", "--key-type", kind, "--id", id, "--label", label, "--usage-sign"];
            token.run("pkcs11-tool", &[&token_arguments()[..], &key].concat());
        }
        token
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.folder.join("softhsm2.conf")).stdin(Stdio::null());
        command
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("signer.sock")
    }

    fn signer(&self) -> Signer {
        let mut command = self.command(BINARY);
        command.args(["signer", "--module", MODULE, "--token", "gate", "--pin-file"]);
        command.arg(self.folder.join("pin")).arg("--socket").arg(self.socket()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("sluicegate signer is ready at "), "{ready}");
        Signer(child)
    }
}

fn token_arguments() -> [&'static str; 7] {
    ["--module", MODULE, "--token-label", "gate", "--login", "--pin", PIN]
}

/// A process that ends with the test.
struct Signer(Child);

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The claims of a token that one of the published keys of this algorithm has signed.
fn verified(wire: &Wire, token: &Value, algorithm: JwsAlgorithm, kind: &str) -> Value {
    let keys = wire.get("/oauth2/jwks", None).unwrap().json();
    let keys = KeySet::parse(keys.to_string().as_bytes()).unwrap();
    let accepted = AcceptedJwt { algorithms: &[algorithm], types: &[Some(kind)] };
    let token = token.as_str().unwrap_or_else(|| panic!("no token: {token}"));
    verify(token, &keys, accepted).unwrap_or_else(|fault| panic!("{fault}: {token}"));
    let claims = token.split('.').nth(1).unwrap();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    serde_json::from_slice(&decoded).unwrap()
}

/// Waits for another process.
fn until(what: &str, mut answer: impl FnMut() -> WireAnswer) -> WireAnswer {
    for _ in 0..1_200 {
        let found = answer();
        if found.status == 200 {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within a minute: {what}");
}

#[test]
fn tokens_are_signed_by_keys_in_a_module_and_outlive_its_absence() {
    let installation = Installation::new(BINARY);
    let token = SoftToken::make(installation.folder());
    let signer = token.signer();
    assert_eq!(std::fs::metadata(token.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    let socket = token.socket();
    let variables = [
        ("SLUICEGATE_EXTERNAL_SIGNING__SOCKET", socket.to_str().unwrap()),
        ("SLUICEGATE_EXTERNAL_SIGNING__ALGORITHMS", "EdDSA,ES256,RS256,PS256"),
    ];
    let served = installation.serve_with(&[], &variables);
    let wire = Wire::new(served.url());
    let members = |algorithm: &str| {
        json!({
            "scopes": ["odata", "openid"], "tokenFormat": "jwt", "accessTokenSigningAlg": algorithm,
            "openid": { "idTokenSignedResponseAlg": algorithm },
        })
    };
    for (name, algorithm) in [("RS256", JwsAlgorithm::Rs256), ("PS256", JwsAlgorithm::Ps256)] {
        let client = WireClient::register(&wire, &USER, name, &members(name)).unwrap();
        let authorize = format!("{}&scope=openid%20api.access.odata", client.authorize(VERIFIER));
        let code = code(&wire, &authorize);
        let answer = client.exchange(&wire, &code, VERIFIER).unwrap();
        assert_eq!(answer.status, 200, "{answer:?} {}", served.printed());
        let tokens = answer.json();
        let claims = verified(&wire, &tokens["access_token"], algorithm, "at+jwt");
        assert_eq!(claims["client_id"], client.client_id.as_str());
        assert_eq!(verified(&wire, &tokens["id_token"], algorithm, "jwt")["sub"], claims["sub"]);
        assert!(client.is_active(&wire, tokens["access_token"].as_str().unwrap()).unwrap());
    }

    let client = WireClient::register(&wire, &USER, "patient", &members("RS256")).unwrap();
    let code = client.code(&wire, &USER, VERIFIER).unwrap();
    drop(signer);
    let refused = client.exchange(&wire, &code, VERIFIER).unwrap();
    assert_eq!(refused.status, 503, "{refused:?}");
    let opaque = WireClient::register(&wire, &USER, "opaque", &json!({})).unwrap();
    let other = opaque.code(&wire, &USER, VERIFIER).unwrap();
    assert_eq!(opaque.exchange(&wire, &other, VERIFIER).unwrap().status, 200);
    let _signer = token.signer();
    let tokens = until("the code is exchanged", || client.exchange(&wire, &code, VERIFIER).unwrap()).json();
    verified(&wire, &tokens["access_token"], JwsAlgorithm::Rs256, "at+jwt");

    let (_, printed) = served.terminate();
    assert_eq!(printed.matches("the signer fails").count(), 1, "{printed}");
    let listed =
        installation.command(&["keys", "signing", "list", "--json"]).envs(variables).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let in_signer: Vec<_> =
        listed.as_array().unwrap().iter().filter(|key| key["place"] == "signer").collect();
    assert_eq!(in_signer.len(), 4, "each key has passed the test: {listed}");
    let state =
        |algorithm: &str| &in_signer.iter().find(|key| key["algorithm"] == algorithm).unwrap()["state"];
    assert_eq!((state("RS256"), state("EdDSA")), (&json!("signs"), &json!("announced")));
}

fn code(wire: &Wire, authorize: &str) -> String {
    let location = wire.allow(authorize, &USER).unwrap();
    let url = url::Url::parse(&location).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("{location}")).1.into_owned()
}

#[test]
fn a_signer_without_its_token_or_its_pin_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let token = SoftToken::make(folder.path());
    let run = |label: &str, pin: Option<&str>| {
        let mut command = token.command(BINARY);
        command.args(["signer", "--module", MODULE, "--token", label, "--socket"]).arg(token.socket());
        command.envs(pin.map(|pin| ("SLUICEGATE_SIGNER_PIN", pin)));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for (label, pin, status, says) in [
        ("gate", Some("0000"), 2, "the token refuses the PIN"),
        ("gate", None, 2, "--pin-file FILE or SLUICEGATE_SIGNER_PIN must give the PIN"),
        ("elsewhere", Some(PIN), 1, "0 tokens have the label elsewhere"),
    ] {
        let (code, printed) = run(label, pin);
        assert!(code == status && printed.contains(says), "{code} {printed}");
    }
    assert!(!token.socket().exists());
}
