//! A fixture: a server with applications, and the site of a client to which people are redirected.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Served, USER, Wire};
use url::Url;

/// A page that can be shown anywhere, as the target of a form.
const BACK: &str = "<!DOCTYPE html><html lang=en><title>The application</title><link rel=icon href=data:,><p>Back at the application.";

/// Clients may register themselves, data sources use databases of this machine, and people may ask for a link. Nothing listens
/// at the port of the mail server.
const OPEN: [(&str, &str); 6] = [
    ("SLUICEGATE_REGISTRATION__MODE", "open"),
    ("SLUICEGATE_DATA_SOURCES__ALLOWED_HOSTS", "127.0.0.1"),
    ("SLUICEGATE_MAIL__HOST", "127.0.0.1"),
    ("SLUICEGATE_MAIL__PORT", "9"),
    ("SLUICEGATE_MAIL__PROTECTION", "none"),
    ("SLUICEGATE_MAIL__FROM", "gate@example.org"),
];

/// A running installation with a data source that the user may read.
pub(crate) struct Stage {
    pub(crate) server: Served,
    pub(crate) wire: Wire,
    installation: Installation,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::serving(|installation| installation.serve_with(&[], &OPEN))
    }

    /// The same with a path in the public URL.
    pub(crate) fn below_a_path() -> Self {
        Self::serving(|installation| installation.serve_below("/gate", &[], &OPEN))
    }

    /// The same with limits on how often somebody may try.
    pub(crate) fn with_limits() -> Self {
        Self::serving(|installation| {
            installation.serve_with(&[], &[("SLUICEGATE_RATE_LIMIT__ENABLED", "true")])
        })
    }

    fn serving(serve: impl FnOnce(&Installation) -> Served) -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let server = serve(&installation);
        let wire = Wire::new(server.url());
        let stage = Self { server, wire, installation };
        stage.add_data_source("shop");
        stage
    }

    /// The address of a page of the server.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// Invites somebody, and returns the address of the link.
    pub(crate) fn invite(&self, name: &str) -> String {
        let answer =
            self.wire.post_json("/api/admin/invitations", &ADMIN, &json!({ "userName": name })).unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["oneTimeLink"]["link"].as_str().unwrap().to_owned()
    }

    /// The address of a link for a new password of a user.
    pub(crate) fn link_of(&self, name: &str) -> String {
        let users = self.wire.get("/api/admin/users", Some(&ADMIN)).unwrap().json();
        let user = users["users"].as_array().unwrap().iter().find(|user| user["userName"] == name).unwrap();
        let path = format!("/api/admin/users/{}/onetimelinks", user["id"]);
        let made = self.wire.post_json(&path, &ADMIN, &json!({})).unwrap().json();
        made["link"].as_str().unwrap().to_owned()
    }

    /// Adds a data source of the user that is only read.
    pub(crate) fn add_data_source(&self, name: &str) {
        self.add_data_source_that(name, false);
    }

    /// Adds a data source of the user that may be changed, or not.
    pub(crate) fn add_data_source_that(&self, name: &str, is_writable: bool) {
        let path = self.installation.folder().join(format!("{}.sqlite", name.len()));
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT);").unwrap();
        let source = json!({"name": name, "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}, "writable": is_writable});
        let created = self.wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
        assert_eq!(created.status, 201, "{created:?}");
    }

    /// Adds a data source of the user for whose database users store a login.
    pub(crate) fn add_data_source_with_logins(&self, name: &str, url: &str) {
        let url = Url::parse(url).unwrap();
        let source = json!({"name": name, "description": "Wages and working hours", "dataStore": 2, "connectionType": "Cloud", "options": {
            "ServerName": url.host_str(), "PortNumber": url.port().map(|port| port.to_string()),
            "Database": url.path().trim_start_matches('/'), "User": url.username(), "Password": url.password(),
            "EncryptionMethod": "noEncryption", "UserCredentials": "stored"}});
        let created = self.wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
        assert_eq!(created.status, 201, "{created:?}");
    }

    /// Adds data sources of the user until there are this many, with descriptions.
    pub(crate) fn add_data_sources_up_to(&self, count: usize) {
        let path = self.installation.folder().join("piers.sqlite");
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE IF NOT EXISTS Piers (Id INTEGER PRIMARY KEY);")
            .unwrap();
        let listed = self.wire.get("/api/mgmt/datasources", Some(&USER)).unwrap().json();
        for number in listed["dataSources"].as_array().unwrap().len()..count {
            let source = json!({"name": format!("pier{number}"), "description": format!("Berths and draughts of pier {number}"),
                "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
            let created = self.wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
            assert_eq!(created.status, 201, "{created:?}");
        }
    }

    /// A device of an application with this name asks to be connected; returns the code that it shows.
    pub(crate) fn device_of(&self, name: &str, description: &str) -> String {
        let application = json!({"name": name, "description": description, "redirectUrls": [], "clientType": "public",
            "grantTypes": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]});
        let registered =
            self.wire.post_json("/api/mgmt/oauth/client/applications", &USER, &application).unwrap();
        assert_eq!(registered.status, 201, "{registered:?}");
        let client_id = registered.json()["clientId"].as_str().unwrap().to_owned();
        let fields = [("client_id", client_id.as_str()), ("scope", "api.access.odata")];
        let asked = self.wire.post_form("/oauth2/device_authorization", &fields).unwrap();
        assert_eq!(asked.status, 200, "{asked:?}");
        asked.json()["user_code"].as_str().unwrap().to_owned()
    }

    /// Registers an application and returns the address that asks the user to allow it.
    pub(crate) fn application(&self, name: &str, description: &str, redirect: &str) -> String {
        self.application_with(&json!({"name": name, "description": description, "redirectUrls": [redirect],
            "grantTypes": ["authorization_code", "refresh_token"]}))
    }

    /// The same, with these members.
    pub(crate) fn application_with(&self, application: &Value) -> String {
        let registered =
            self.wire.post_json("/api/mgmt/oauth/client/applications", &USER, application).unwrap();
        assert_eq!(registered.status, 201, "{registered:?}");
        self.asking(&registered.json()["clientId"], application["redirectUrls"][0].as_str().unwrap())
    }

    /// An application registers itself with these addresses; returns its client id.
    pub(crate) fn stranger(&self, name: &str, redirects: &[&str]) -> String {
        let metadata = json!({"client_name": name, "redirect_uris": redirects, "token_endpoint_auth_method": "none",
            "post_logout_redirect_uris": redirects});
        let headers = [("content-type", "application/json")];
        let registered = self.wire.send("POST", "/oauth2/register", &headers, Some(&metadata.to_string()));
        let registered = registered.unwrap();
        assert_eq!(registered.status, 201, "{registered:?}");
        registered.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// The address of a page with these parameters.
    pub(crate) fn with_query(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        Url::parse_with_params(&self.at(path), parameters).unwrap().into()
    }

    /// An application of an Administrator with this name asks the user to decide about data, showing a message.
    pub(crate) fn ask_user(&self, name: &str, message: &str) {
        let application = json!({"name": name, "description": "", "redirectUrls": [],
            "scopes": ["openid", "api.access.odata"], "grantTypes": ["urn:openid:params:grant-type:ciba"]});
        let registered =
            self.wire.post_json("/api/mgmt/oauth/client/applications", &ADMIN, &application).unwrap();
        assert_eq!(registered.status, 201, "{registered:?}");
        let registered = registered.json();
        let asked = self.wire.post_form(
            "/oauth2/bc-authorize",
            &[
                ("client_id", registered["clientId"].as_str().unwrap()),
                ("client_secret", registered["clientSecret"].as_str().unwrap()),
                ("scope", "openid api.access.odata"),
                ("login_hint", USER.name),
                ("binding_message", message),
            ],
        );
        assert_eq!(asked.unwrap().status, 200);
    }

    fn asking(&self, client_id: &Value, redirect: &str) -> String {
        let parameters = [
            ("response_type", "code"),
            ("client_id", client_id.as_str().unwrap()),
            ("redirect_uri", redirect),
            ("scope", "api.access.odata"),
            ("state", "high tide"),
        ];
        Url::parse_with_params(&self.at("/oauth2/authorize"), parameters).unwrap().into()
    }
}

/// The value of a query parameter in an address.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let address = Url::parse(address).unwrap();
    address.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

/// A response of a site.
pub(crate) struct Page {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    /// A page that is shown.
    pub(crate) fn shown(more_headers: &str, body: &str) -> Self {
        Self { head: format!("200 OK\r\nContent-Type: text/html\r\n{more_headers}"), body: body.to_owned() }
    }

    /// A page that redirects the browser.
    pub(crate) fn onward(address: &str) -> Self {
        Self { head: format!("303 See Other\r\nLocation: {address}\r\n"), body: String::new() }
    }
}

/// Another site on this machine, for the duration of the test.
pub(crate) struct Site {
    origin: String,
}

impl Site {
    /// A client's site, whose every page says that the browser is back.
    pub(crate) fn of_a_client() -> Self {
        Self::serve(|_| Page::shown("", BACK))
    }

    /// A site that answers each path through the function.
    pub(crate) fn serve(answer: impl Fn(&str) -> Page + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            // A browser opens connections in advance and may close them unused.
            for stream in listener.incoming().flatten() {
                let _ = answer_one(stream, &answer);
            }
        });
        Self { origin }
    }

    /// The address of one of its pages.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

fn answer_one(mut stream: TcpStream, answer: &impl Fn(&str) -> Page) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(()) };
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let Page { head, body } = answer(first.split(' ').nth(1).unwrap_or("/"));
    write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
