//! A fixture: a server with a data source and applications, and the programs that use it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Served, USER, Wire};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// The path of servers that do not have a host of their own.
const PATH: &str = "/gate";

/// A server with a data source that the user may read, and two applications.
pub(crate) struct Stage {
    pub(crate) server: Served,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) public_client_id: String,
    /// Further variables for the programs of clients.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    /// The certificate of the server in PEM, if it has TLS.
    certificate: Option<Vec<u8>>,
    _installation: Installation,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With these variables of the server.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        Self::plain("", variables)
    }

    /// The same with a path in the public URL.
    pub(crate) fn below_a_path(variables: &[(&str, &str)]) -> Self {
        Self::plain(PATH, variables)
    }

    fn plain(path: &str, variables: &[(&str, &str)]) -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let server = serve(&installation, path, &[], variables);
        Self::filled(installation, server, None)
    }

    /// Over TLS, with a second listener that asks for certificates of clients. The server fetches what they publish on this
    /// machine.
    pub(crate) fn over_tls() -> Self {
        Self::secured("")
    }

    /// The same with a path in the public URL.
    pub(crate) fn over_tls_below_a_path() -> Self {
        Self::secured(PATH)
    }

    fn secured(path: &str) -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
        let of_clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/certificates/clients");
        let (chain, key, authority) =
            (own.join("first.pem"), own.join("first.key"), of_clients.join("authority.pem"));
        let variables = [
            ("SLUICEGATE_CLIENT_CERTIFICATES__LISTEN", "127.0.0.1:0"),
            ("SLUICEGATE_CLIENT_CERTIFICATES__AUTHORITIES_FILE", authority.to_str().unwrap()),
            ("SLUICEGATE_OUTBOUND__DANGER_LOOPBACK_AUTHORITY", chain.to_str().unwrap()),
        ];
        let arguments = ["--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let server = serve(&installation, path, &arguments, &variables);
        let stage = Self::filled(installation, server, Some(std::fs::read(&chain).unwrap()));
        let environment = vec![
            ("TRUSTED", chain.clone()),
            ("NODE_EXTRA_CA_CERTS", chain.clone()),
            ("REQUESTS_CA_BUNDLE", chain.clone()),
            ("SITE_CERTIFICATE", chain),
            ("SITE_KEY", key),
            ("CERTIFICATES", of_clients),
        ];
        Self { environment, ..stage }
    }

    /// With a data source and the two applications.
    fn filled(installation: Installation, server: Served, certificate: Option<Vec<u8>>) -> Self {
        let path = installation.folder().join("shop.sqlite");
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Items VALUES (1, 'rope');").unwrap();
        let wire = wire(&server, certificate.as_deref());
        let source =
            json!({"name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
        let created = wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
        assert_eq!(created.status, 201, "{created:?}");
        let all = ["authorization_code", "refresh_token", "password", "client_credentials"];
        let confidential =
            register(&wire, &json!({"name": "Foreign", "redirectUrls": [REDIRECT], "grantTypes": all}));
        let public = json!({"name": "Installed", "redirectUrls": [REDIRECT], "clientType": "public",
            "grantTypes": ["authorization_code", "refresh_token"]});
        let public = register(&wire, &public);
        Self {
            server,
            client_id: text(&confidential["clientId"]),
            client_secret: text(&confidential["clientSecret"]),
            public_client_id: text(&public["clientId"]),
            environment: Vec::new(),
            certificate,
            _installation: installation,
        }
    }

    /// A new connection to the server, with cookies of its own.
    pub(crate) fn wire(&self) -> Wire {
        wire(&self.server, self.certificate.as_deref())
    }

    pub(crate) fn resource(&self) -> String {
        format!("{}/api/odata4/shop/Items", self.server.url())
    }

    /// Runs a client's program and expects it to print "ok".
    fn run(&self, program: &Path, script: &Path, variable: (&str, PathBuf)) {
        let output = Command::new(program)
            .arg(script)
            .env(variable.0, variable.1)
            .env("SERVER", self.server.url())
            .env("CLIENT_ID", &self.client_id)
            .env("CLIENT_SECRET", &self.client_secret)
            .env("PUBLIC_CLIENT_ID", &self.public_client_id)
            .env("REDIRECT_URI", REDIRECT)
            .env("USERNAME", USER.name)
            .env("PASSWORD", USER.password)
            .env("ADMINISTRATOR", ADMIN.name)
            .env("ADMINISTRATOR_PASSWORD", ADMIN.password)
            .env("RESOURCE", self.resource())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && printed.trim().ends_with("ok"),
            "{printed}\n{said}\n{}",
            self.server.printed()
        );
    }
}

fn serve(installation: &Installation, path: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Served {
    if path.is_empty() {
        installation.serve_with(arguments, variables)
    } else {
        installation.serve_below(path, arguments, variables)
    }
}

fn wire(server: &Served, certificate: Option<&[u8]>) -> Wire {
    match certificate {
        None => Wire::new(server.url()),
        Some(certificate) => Wire::trusting(server.url(), certificate),
    }
}

/// Registers an application of the user.
pub(crate) fn register(wire: &Wire, application: &Value) -> Value {
    let registered = wire.post_json("/api/mgmt/oauth/client/applications", &USER, application).unwrap();
    assert_eq!(registered.status, 201, "{registered:?}");
    registered.json()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

/// The location of something that `cargo xtask test` has installed.
#[expect(clippy::disallowed_methods, reason = "the test runner says where it installed the foreign clients")]
pub(crate) fn installed(variable: &str) -> PathBuf {
    let place = std::env::var_os(variable);
    place.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask test`")).into()
}

/// Runs a program of an npm package. Node looks for packages only next to the script, so the scripts are run from the folder of
/// the packages.
pub(crate) fn node(stage: &Stage, script: &str) {
    let modules = installed("CLIENTS_NODE_MODULES");
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(clients()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap();
        if name == "collection.json" || file.extension().is_some_and(|kind| kind == "mjs") {
            std::fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    stage.run(Path::new("node"), &folder.path().join(script), ("NODE_NO_WARNINGS", "1".into()));
}

/// Runs a program of a package for Python.
pub(crate) fn python(stage: &Stage, script: &str) {
    stage.run(&installed("CLIENTS_PYTHON"), &clients().join(script), ("PYTHONPATH", clients()));
}
