//! Every route is tried without credentials, by a caller without the right, and by one with it.
//!
//! A route is in [`ROWS`], or in [`OPEN`] with the reason why anybody may call it. A route of `routes.rs`
//! that is in neither fails, so the list of open ones only grows by a deliberate line here. Add rows for your
//! routes, and a [`Target`] if a row needs something to act on.

use std::sync::atomic::{AtomicU32, Ordering};

use app::node::clock::Clock as _;
use domain::account::Permission;
use domain::account::device::SessionOrigin;
use domain::account::second_factor::SealedTotpSecret;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, Epoch, SessionId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::{Value, json};
use store::{NewSecondFactor, NewSession, SecondFactors as _, Users as _};
use testkit::{ADMIN, Answer, OTHER, TestServer, TestUser, USER};

/// What a row acts on; created for each attempt, and owned by [`USER`].
#[derive(Debug, Clone, Copy)]
enum Target {
    /// Nothing: the path is the address.
    Plain,
    /// An application, in `{id}`.
    Application,
    /// An application with two live secrets, the older in `{secretId}`.
    TwoSecrets,
    /// An application that [`USER`] has allowed, in `{id}`.
    Allowed,
    /// A personal access token of [`USER`], in `{id}`.
    PersonalToken,
    /// An account, in `{id}`.
    Account,
    /// An account with a one-time link, in `{id}`.
    Link,
    /// An account with a second factor, in `{id}`.
    SecondFactor,
    /// An account with a session, in `{id}`, with the session in `{sessionId}`.
    Session,
    /// A role, in `{id}`.
    Role,
    /// A limit, in `{limitId}`.
    Limit,
    /// A trusted origin, in `{id}`.
    TrustedOrigin,
    /// A resource server, in `{id}`.
    ResourceServer,
    TrustedIssuer,
    /// An initial access token, in `{id}`.
    InitialAccessToken,
    /// A scope in `{scopeId}`, of a resource server in `{id}`.
    Scope,
    /// The kind of database SQLite, in `{id}`.
    Store,
    /// A data source, in `{id}`; for administrators one of their own.
    Source,
    /// A group of data sources, in `{id}`.
    Group,
    /// A data source that is shared with [`OTHER`], in `{id}`, with that user in `{userId}`.
    Shared,
}

struct Row {
    method: Method,
    /// As in `routes.rs`.
    path: &'static str,
    target: Target,
    body: fn(&TestServer) -> Value,
    /// The caller with the right.
    right: TestUser,
    /// The status for the caller with the right.
    right_status: u16,
    /// The status for another user of the API, who has the same role but owns nothing.
    wrong_status: u16,
}

fn application(_: &TestServer) -> Value {
    json!({ "name": "crane", "redirectUrls": ["https://crane.example/cb"] })
}

/// No body.
fn nothing(_: &TestServer) -> Value {
    Value::Null
}

fn account(_: &TestServer) -> Value {
    let password = json!({ "password": "a password of a test" });
    json!({ "userName": fresh("user"), "passwordInfo": password, "permissions": { "roles": [2] } })
}

fn role(_: &TestServer) -> Value {
    json!({ "name": fresh("role"), "description": "", "permissions": [7, 11] })
}

fn old_access(_: &TestServer) -> Value {
    json!({ "issuedBefore": "2001-01-01T00:00:00Z" })
}

fn link(_: &TestServer) -> Value {
    json!({ "purpose": "reset" })
}

fn receiver(_: &TestServer) -> Value {
    json!({ "to": "ada@example.com" })
}

fn invitation(_: &TestServer) -> Value {
    json!({ "userName": fresh("guest") })
}

fn limit(_: &TestServer) -> Value {
    json!({ "value": 1_000 })
}

/// With the address of the tests.
fn lists(_: &TestServer) -> Value {
    json!({ "dataAccess": [{ "network": "127.0.0.0/8" }] })
}

fn origins(_: &TestServer) -> Value {
    json!({ "whitelist": [trusted(), trusted()] })
}

fn origin(_: &TestServer) -> Value {
    trusted()
}

fn trusted() -> Value {
    json!({ "domain": format!("https://{}.example", fresh("page")) })
}

fn resource_server(_: &TestServer) -> Value {
    json!({ "identifier": format!("https://{}.example", fresh("api")), "name": "Orders" })
}

fn trusted_issuer(_: &TestServer) -> Value {
    json!({
        "issuer": format!("https://{}.example", fresh("idp")), "purposes": ["jwt_bearer"], "clients": ["*"],
        "subjectIs": "user_name",
    })
}

fn initial_access_token(_: &TestServer) -> Value {
    json!({ "description": "Build agents" })
}

fn scope(_: &TestServer) -> Value {
    json!({ "name": fresh("orders"), "description": "Read your orders" })
}

fn shared(_: &TestServer) -> Value {
    json!({ "sharedUsers": [{ "userName": "other" }] })
}

fn credentials(_: &TestServer) -> Value {
    json!({ "user": "reader", "password": "reader's" })
}

fn members(_: &TestServer) -> Value {
    json!({ "members": [] })
}

fn model(_: &TestServer) -> Value {
    json!({ "formatVersion": 1 })
}

fn source(server: &TestServer) -> Value {
    let name = fresh("source");
    let path =
        server.sqlite_file(&format!("{name}.db"), "CREATE TABLE ship (id INTEGER PRIMARY KEY, name TEXT)");
    json!({ "name": name, "dataStore": 1, "connectionType": "Cloud", "options": { "path": path } })
}

/// A name that is not in use.
fn fresh(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{kind}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";
const APPLICATION: &str = "/api/mgmt/oauth/client/applications/{id}";
const RESET: &str = "/api/mgmt/oauth/client/applications/{id}/reset";
const SECRETS: &str = "/api/mgmt/oauth/client/applications/{id}/secrets";
const SECRET: &str = "/api/mgmt/oauth/client/applications/{id}/secrets/{secretId}";
const ALLOWED_LIST: &str = "/api/mgmt/oauth/client/allowedapplications";
const ALLOWED_ONE: &str = "/api/mgmt/oauth/client/allowedapplications/{id}";
const PERSONAL_LIST: &str = "/api/mgmt/personalaccesstokens";
const PERSONAL_ONE: &str = "/api/mgmt/personalaccesstokens/{id}";
const USERS: &str = "/api/admin/users";
const ONE_USER: &str = "/api/admin/users/{id}";
const ONE_FACTOR: &str = "/api/admin/users/{id}/secondfactor";
const LINKS: &str = "/api/admin/users/{id}/onetimelinks";
const INVITATIONS: &str = "/api/admin/invitations";
const SESSIONS: &str = "/api/admin/users/{id}/sessions";
const SESSION: &str = "/api/admin/users/{id}/sessions/{sessionId}";
const SYSTEM_LISTS: &str = "/api/admin/security/whitelist/system";
const USER_LISTS: &str = "/api/mgmt/security/whitelist/user";
const APPLICATION_LISTS: &str = "/api/mgmt/oauth/client/applications/{id}/whitelist";
const ROLES: &str = "/api/admin/roles";
const ONE_ROLE: &str = "/api/admin/roles/{id}";
const ONE_LIMIT: &str = "/api/admin/limits/system/{limitId}";
const ORIGINS: &str = "/api/admin/security/cors/whitelist";
const ONE_ORIGIN: &str = "/api/admin/security/cors/whitelist/{id}";
const ISSUERS: &str = "/api/admin/trustedissuers";
const ONE_ISSUER: &str = "/api/admin/trustedissuers/{id}";
const TOKENS: &str = "/api/admin/initialaccesstokens";
const ONE_TOKEN: &str = "/api/admin/initialaccesstokens/{id}";
const SERVERS: &str = "/api/admin/resourceservers";
const SERVER: &str = "/api/admin/resourceservers/{id}";
const SCOPES: &str = "/api/admin/resourceservers/{id}/scopes";
const SCOPE: &str = "/api/admin/resourceservers/{id}/scopes/{scopeId}";
const SOURCES: &str = "/api/mgmt/datasources";
const SOURCE: &str = "/api/mgmt/datasources/{id}";
const CREDENTIALS: &str = "/api/mgmt/datasources/{id}/credentials";
const MEMBERS: &str = "/api/mgmt/datasources/{id}/members";
const MODEL: &str = "/api/mgmt/datasources/{id}/model";
const FINDINGS: &str = "/api/mgmt/datasources/{id}/model/findings";
const SCHEMAS: &str = "/api/mgmt/datasources/{id}/schemas";
const TABLES: &str = "/api/mgmt/datasources/{id}/schemas/{schema}/tables";
const TABLE: &str = "/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}";
const COLUMNS: &str = "/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}/columns";
const PRIMARY_KEYS: &str = "/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}/primarykeys";
const TEST_NEW: &str = "/api/mgmt/datasources/test";
const TEST: &str = "/api/mgmt/datasources/{id}/test";
const SHARED_USERS: &str = "/api/mgmt/datasources/{id}/sharedUsers";
const SHARED_USER: &str = "/api/mgmt/datasources/{id}/sharedUsers/{userId}";

/// Every route that needs a caller. A list and a registration are open to every user of the API: the other
/// user gets the same status, and a separate test proves that the response contains nothing of other users.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(Method::GET,    APPLICATIONS, Target::Plain,       nothing,     200, 200),
    row(Method::POST,   APPLICATIONS, Target::Plain,       application, 201, 201),
    row(Method::GET,    APPLICATION,  Target::Application, nothing,     200, 404),
    row(Method::PUT,    APPLICATION,  Target::Application, application, 200, 404),
    row(Method::DELETE, APPLICATION,  Target::Application, nothing,     204, 404),
    row(Method::PUT,    RESET,        Target::Application, nothing,     200, 404),
    row(Method::POST,   SECRETS,      Target::Application, nothing,     201, 404),
    row(Method::DELETE, SECRET,       Target::TwoSecrets,  nothing,     204, 404),
    row(Method::GET,    ALLOWED_LIST, Target::Plain,       nothing,     200, 200),
    row(Method::DELETE, ALLOWED_ONE,  Target::Allowed,     nothing,     204, 404),
    row(Method::GET,    APPLICATION_LISTS, Target::Application, nothing, 200, 404),
    row(Method::PUT,    APPLICATION_LISTS, Target::Application, lists,   200, 404),
    row(Method::DELETE, APPLICATION_LISTS, Target::Application, nothing, 204, 404),
    row(Method::GET,    PERSONAL_LIST, Target::Plain,         nothing, 200, 200),
    row(Method::GET,    PERSONAL_ONE,  Target::PersonalToken, nothing, 200, 404),
    row(Method::DELETE, PERSONAL_ONE,  Target::PersonalToken, nothing, 204, 404),

    administration(Method::GET,    USERS,                      Target::Plain,   nothing, 200),
    administration(Method::POST,   USERS,                      Target::Plain,   account, 201),
    administration(Method::GET,    ONE_USER,                   Target::Account, nothing, 200),
    administration(Method::PUT,    ONE_USER,                   Target::Account, account, 200),
    administration(Method::DELETE, ONE_USER,                   Target::Account, nothing, 204),
    administration(Method::GET,    ONE_FACTOR,                 Target::SecondFactor, nothing, 200),
    administration(Method::DELETE, ONE_FACTOR,                 Target::SecondFactor, nothing, 204),
    administration(Method::GET,    LINKS,                      Target::Account, nothing, 200),
    administration(Method::POST,   LINKS,                      Target::Account, link,    201),
    administration(Method::DELETE, LINKS,                      Target::Link,    nothing, 204),
    administration(Method::POST,   "/api/admin/mail/test",     Target::Plain,   receiver, 200),
    administration(Method::POST,   INVITATIONS,                Target::Plain,   invitation, 201),
    administration(Method::GET,    SESSIONS,                   Target::Session, nothing, 200),
    administration(Method::DELETE, SESSIONS,                   Target::Session, nothing, 204),
    administration(Method::DELETE, SESSION,                    Target::Session, nothing, 204),
    administration(Method::GET,    SYSTEM_LISTS,               Target::Plain,   nothing, 200),
    administration(Method::POST,   SYSTEM_LISTS,               Target::Plain,   lists,   200),
    administration(Method::PUT,    SYSTEM_LISTS,               Target::Plain,   lists,   200),
    administration(Method::DELETE, SYSTEM_LISTS,               Target::Plain,   nothing, 204),
    administration(Method::GET,    USER_LISTS,                 Target::Plain,   nothing, 200),
    administration(Method::POST,   USER_LISTS,                 Target::Plain,   lists,   200),
    administration(Method::PUT,    USER_LISTS,                 Target::Plain,   lists,   200),
    administration(Method::DELETE, USER_LISTS,                 Target::Plain,   nothing, 204),
    administration(Method::GET,    ROLES,                      Target::Plain,   nothing, 200),
    administration(Method::POST,   ROLES,                      Target::Plain,   role,    201),
    administration(Method::GET,    ONE_ROLE,                   Target::Role,    nothing, 200),
    administration(Method::PUT,    ONE_ROLE,                   Target::Role,    role,    200),
    administration(Method::DELETE, ONE_ROLE,                   Target::Role,    nothing, 204),
    administration(Method::GET,    "/api/admin/permissions",   Target::Plain,   nothing, 200),
    administration(Method::GET,    "/api/admin/limits",        Target::Plain,   nothing, 200),
    administration(Method::GET,    "/api/admin/limits/system", Target::Plain,   nothing, 200),
    administration(Method::GET,    ONE_LIMIT,                  Target::Limit,   nothing, 200),
    administration(Method::POST,   ONE_LIMIT,                  Target::Limit,   limit,   200),
    administration(Method::PUT,    ONE_LIMIT,                  Target::Limit,   limit,   200),
    administration(Method::DELETE, ONE_LIMIT,                  Target::Limit,   nothing, 204),
    administration(Method::GET,    ORIGINS,                    Target::Plain,         nothing, 200),
    administration(Method::POST,   ORIGINS,                    Target::Plain,         origins, 201),
    administration(Method::GET,    ONE_ORIGIN,                 Target::TrustedOrigin, nothing, 200),
    administration(Method::PUT,    ONE_ORIGIN,                 Target::TrustedOrigin, origin,  200),
    administration(Method::DELETE, ONE_ORIGIN,                 Target::TrustedOrigin, nothing, 204),
    administration(Method::GET,    SERVERS,                    Target::Plain,          nothing,         200),
    administration(Method::POST,   SERVERS,                    Target::Plain,          resource_server, 201),
    administration(Method::GET,    SERVER,                     Target::ResourceServer, nothing,         200),
    administration(Method::PUT,    SERVER,                     Target::ResourceServer, resource_server, 200),
    administration(Method::DELETE, SERVER,                     Target::ResourceServer, nothing,         204),
    administration(Method::GET,    SCOPES,                     Target::ResourceServer, nothing,         200),
    administration(Method::POST,   SCOPES,                     Target::ResourceServer, scope,           201),
    administration(Method::GET,    SCOPE,                      Target::Scope,          nothing,         200),
    administration(Method::PUT,    SCOPE,                      Target::Scope,          scope,           200),
    administration(Method::DELETE, SCOPE,                      Target::Scope,          nothing,         204),
    administration(Method::GET,    TOKENS,                     Target::Plain,              nothing,              200),
    administration(Method::POST,   TOKENS,                     Target::Plain,              initial_access_token, 201),
    administration(Method::GET,    ONE_TOKEN,                  Target::InitialAccessToken, nothing,              200),
    administration(Method::DELETE, ONE_TOKEN,                  Target::InitialAccessToken, nothing,              204),
    administration(Method::GET,    ISSUERS,                    Target::Plain,          nothing,         200),
    administration(Method::POST,   ISSUERS,                    Target::Plain,          trusted_issuer,  201),
    administration(Method::GET,    ONE_ISSUER,                 Target::TrustedIssuer,  nothing,         200),
    administration(Method::PUT,    ONE_ISSUER,                 Target::TrustedIssuer,  trusted_issuer,  200),
    administration(Method::DELETE, ONE_ISSUER,                 Target::TrustedIssuer,  nothing,         204),
    administration(Method::POST,   "/api/admin/revocations",   Target::Plain,   old_access, 204),
    administration(Method::GET,    "/api/admin/audit",         Target::Plain,   nothing, 200),

    row(Method::GET,    "/api/mgmt/permissions",     Target::Plain,  nothing, 200, 200),
    row(Method::GET,    "/api/mgmt/datastores",      Target::Plain,  nothing, 200, 200),
    row(Method::GET,    "/api/mgmt/datastores/{id}", Target::Store,  nothing, 200, 200),
    row(Method::GET,    SOURCES,                     Target::Plain,  nothing, 200, 200),
    row(Method::POST,   SOURCES,                     Target::Plain,  source,  201, 201),
    row(Method::GET,    SOURCE,                      Target::Source, nothing, 200, 404),
    row(Method::PUT,    SOURCE,                      Target::Source, source,  200, 404),
    row(Method::DELETE, SOURCE,                      Target::Source, nothing, 204, 404),
    // A file demands no credentials.
    row(Method::PUT,    CREDENTIALS,                 Target::Source, credentials, 400, 404),
    row(Method::DELETE, CREDENTIALS,                 Target::Source, nothing, 204, 404),
    row(Method::GET,    MEMBERS,                     Target::Group,  nothing, 200, 404),
    row(Method::PUT,    MEMBERS,                     Target::Group,  members, 200, 404),
    row(Method::POST,   MEMBERS,                     Target::Group,  members, 200, 404),
    row(Method::GET,    MODEL,                       Target::Source, nothing, 200, 404),
    row(Method::POST,   MODEL,                       Target::Source, nothing, 200, 404),
    row(Method::PUT,    MODEL,                       Target::Source, model,   200, 404),
    row(Method::DELETE, MODEL,                       Target::Source, nothing, 204, 404),
    row(Method::GET,    FINDINGS,                    Target::Source, nothing, 200, 404),
    row(Method::GET,    SCHEMAS,                     Target::Source, nothing, 200, 404),
    row(Method::GET,    TABLES,                      Target::Source, nothing, 200, 404),
    row(Method::GET,    TABLE,                       Target::Source, nothing, 200, 404),
    row(Method::GET,    COLUMNS,                     Target::Source, nothing, 200, 404),
    row(Method::GET,    PRIMARY_KEYS,                Target::Source, nothing, 200, 404),
    row(Method::POST,   TEST_NEW,                    Target::Plain,  source,  200, 200),
    row(Method::POST,   TEST,                        Target::Source, nothing, 200, 404),
    row(Method::GET,    SHARED_USERS,                Target::Source, nothing, 200, 404),
    row(Method::PUT,    SHARED_USERS,                Target::Source, shared,  200, 404),
    row(Method::POST,   SHARED_USERS,                Target::Source, shared,  200, 404),
    row(Method::DELETE, SHARED_USERS,                Target::Source, nothing, 204, 404),
    row(Method::DELETE, SHARED_USER,                 Target::Shared, nothing, 204, 403),
];

/// Routes that need another kind of authentication than the management API, with their status without
/// credentials; 200 is the page that asks to sign in, or says that nobody is signed in any more. They have
/// separate tests.
#[rustfmt::skip]
const ELSEWHERE: &[(Method, &str, u16)] = &[
    (Method::GET,  "/oauth2/authorize",                400),
    (Method::POST, "/oauth2/authorize",                400),
    (Method::GET,  "/api/mgmt/oauth2/authorize",       400),
    (Method::POST, "/api/mgmt/oauth2/authorize",       400),
    (Method::POST, "/oauth2/consent",                  200),
    (Method::POST, "/oauth2/par",                      401),
    (Method::POST, "/api/mgmt/oauth2/par",             401),
    (Method::POST, "/oauth2/register",                 404),
    (Method::GET,  "/oauth2/register/{clientId}",      401),
    (Method::PUT,  "/oauth2/register/{clientId}",      401),
    (Method::DELETE, "/oauth2/register/{clientId}",    401),
    (Method::POST, "/oauth2/device_authorization",     401),
    (Method::POST, "/api/mgmt/oauth2/device_authorization", 401),
    (Method::POST, "/oauth2/bc-authorize",             401),
    (Method::POST, "/api/mgmt/oauth2/bc-authorize",    401),
    (Method::GET,  "/device",                          200),
    (Method::POST, "/device",                          200),
    (Method::POST, "/device/consent",                  200),
    (Method::POST, "/oauth2/token",                    401),
    (Method::POST, "/api/mgmt/oauth2/token",           401),
    (Method::POST, "/oauth2/introspect",               401),
    (Method::POST, "/api/mgmt/oauth2/introspect",      401),
    (Method::POST, "/oauth2/revoke",                   401),
    (Method::GET,  "/oauth2/userinfo",                 401),
    (Method::POST, "/oauth2/userinfo",                 401),
    (Method::GET,  "/api/mgmt/oauth2/userinfo",        401),
    (Method::POST, "/api/mgmt/oauth2/userinfo",        401),
    (Method::GET,  "/oauth2/logout",                   200),
    (Method::POST, "/oauth2/logout",                   200),
    (Method::POST, "/oauth2/logout/confirm",           200),
    (Method::POST, "/api/mgmt/oauth2/revoke",          401),
    (Method::POST, "/login",                           403),
    (Method::GET,  "/forgot",                          404),
    (Method::POST, "/forgot",                          404),
    (Method::GET,  "/forgot/asked",                    404),
    (Method::GET,  "/reset",                           410),
    (Method::POST, "/reset",                           403),
    (Method::GET,  "/login/factor",                    303),
    (Method::POST, "/login/factor",                    403),
    (Method::GET,  "/logout",                          200),
    (Method::POST, "/logout",                          200),
    (Method::GET,  "/account",                         200),
    (Method::GET,  "/account/applications",            200),
    (Method::GET,  "/account/applications/{id}/revoke", 200),
    (Method::POST, "/account/applications/{id}/revoke", 200),
    (Method::GET,  "/account/requests",                200),
    (Method::GET,  "/account/requests/{id}",           200),
    (Method::POST, "/account/requests/{id}",           200),
    (Method::GET,  "/account/activity",                200),
    (Method::GET,  "/account/sessions",                200),
    (Method::POST, "/account/sessions/others",         200),
    (Method::POST, "/account/sessions/all",            200),
    (Method::POST, "/account/sessions/{id}/end",       200),
    (Method::GET,  "/account/tokens",                  200),
    (Method::GET,  "/account/tokens/new",              200),
    (Method::POST, "/account/tokens/new",              200),
    (Method::GET,  "/account/tokens/{id}/end",         200),
    (Method::POST, "/account/tokens/{id}/end",         200),
    (Method::GET,  "/account/logins",                  200),
    (Method::GET,  "/account/logins/{id}",             200),
    (Method::POST, "/account/logins/{id}",             200),
    (Method::GET,  "/account/logins/{id}/delete",      200),
    (Method::POST, "/account/logins/{id}/delete",      200),
    (Method::GET,  "/account/password",                200),
    (Method::POST, "/account/password",                200),
    (Method::GET,  "/account/security",                200),
    (Method::GET,  "/account/security/new",            200),
    (Method::POST, "/account/security/new",            200),
    (Method::GET,  "/account/security/recovery",       200),
    (Method::POST, "/account/security/recovery",       200),
    (Method::GET,  "/account/security/remove",         200),
    (Method::POST, "/account/security/remove",         200),
    (Method::GET,  "/account/profile",                 200),
    (Method::POST, "/account/profile",                 200),
    (Method::GET,  "/api/odata4",                      401),
    (Method::GET,  "/api/odata4/",                     401),
    (Method::GET,  "/api/odata4/{source}",             401),
    (Method::GET,  "/api/odata4/{source}/",            401),
    (Method::GET,  "/api/odata4/{source}/{*path}",     401),
    (Method::POST, "/api/odata4/{source}/{*path}",     401),
    (Method::PATCH, "/api/odata4/{source}/{*path}", 401),
    (Method::PUT, "/api/odata4/{source}/{*path}", 401),
    (Method::DELETE, "/api/odata4/{source}/{*path}", 401),
    (Method::POST, "/mcp", 401),
    (Method::POST, "/mcp/", 401),
    (Method::POST, "/mcp/{source}", 401),
    (Method::POST, "/mcp/{source}/", 401),
];

/// Routes without a caller, with the reason. This list may only shrink.
const OPEN: &[(&str, &str)] = &[
    ("/", "says what this is and where to go"),
    ("/login", "where proving begins; a POST without a form that we rendered is refused below"),
    ("/oauth2/jwks", "public keys"),
    ("/api/mgmt/oauth2/jwks", "public keys"),
    ("/oauth2/challenge", "the same value for everybody, which a client needs before it can authenticate"),
    ("/.well-known/oauth-authorization-server", "a public document"),
    ("/.well-known/openid-configuration", "a public document"),
    ("/.well-known/oauth-protected-resource", "a public document"),
    ("/.well-known/oauth-protected-resource/", "a public document"),
    ("/.well-known/oauth-protected-resource/api/odata4", "a public document"),
    ("/.well-known/oauth-protected-resource/api/odata4/", "a public document"),
    ("/.well-known/oauth-protected-resource/api/odata4/{source}", "a public document"),
    ("/.well-known/oauth-protected-resource/api/odata4/{source}/", "a public document"),
    ("/.well-known/oauth-protected-resource/mcp", "a public document"),
    ("/.well-known/oauth-protected-resource/mcp/", "a public document"),
    ("/.well-known/oauth-protected-resource/mcp/{source}", "a public document"),
    ("/.well-known/oauth-protected-resource/mcp/{source}/", "a public document"),
    ("/healthz", "says that the process lives, and nothing else"),
    ("/readyz", "says whether requests are welcome, and nothing else"),
    ("/openapi.json", "a public document"),
    ("/docs", "a public document"),
    ("/assets/style.css", "a public document"),
    ("/assets/check_session.js", "a public document"),
    ("/oauth2/check_session", "a page without content, which clients load in a frame"),
];

/// A row for which [`USER`] has the right.
const fn row(
    method: Method,
    path: &'static str,
    target: Target,
    body: fn(&TestServer) -> Value,
    right_status: u16,
    wrong_status: u16,
) -> Row {
    Row { method, path, target, body, right: USER, right_status, wrong_status }
}

/// A row for administrators only.
const fn administration(
    method: Method,
    path: &'static str,
    target: Target,
    body: fn(&TestServer) -> Value,
    right_status: u16,
) -> Row {
    Row { method, path, target, body, right: ADMIN, right_status, wrong_status: 403 }
}

/// A user without a role that may use the management API.
const OUTSIDER: TestUser = TestUser { name: "outsider", password: "only the data, thank you" };

#[tokio::test]
async fn no_route_accepts_a_request_without_credentials() {
    let server = TestServer::start().await;
    let stranger = TestUser { name: "d2cuser", password: "not the password at all" };
    for row in ROWS {
        let target = prepare(&server, row).await;
        let anonymous = call(&server, row, &target).send().await;
        assert_is_challenge(row, &anonymous);
        let dead_token = call(&server, row, &target).bearer("sga_dead").send().await;
        assert_is_challenge(row, &dead_token);
        let unreadable = call(&server, row, &target).header("authorization", "Basic %%%").send().await;
        assert_is_challenge(row, &unreadable);
    }
    let first = &ROWS[0];
    assert_is_challenge(first, &call(&server, first, first.path).basic(&stranger).send().await);
}

#[tokio::test]
async fn every_route_refuses_a_caller_without_permission_or_scope() {
    let server = TestServer::start().await;
    let data_only = server.add_role("data only", &[Permission::UseDataSourceWithOData]).await;
    server.add_user(&OUTSIDER, &[data_only]).await;
    let data_token =
        server.access_token(&ADMIN, ApplicationId::new(1), ScopeSet::from(BuiltInScope::OData)).await;
    for row in ROWS {
        let target = prepare(&server, row).await;
        for refused in [
            call(&server, row, &target).basic(&OUTSIDER).send().await,
            call(&server, row, &target).bearer(&data_token).send().await,
        ] {
            assert_eq!(refused.status(), 403, "{} {}", row.method, row.path);
            assert_eq!(refused.error_code(), 222_208_103, "{} {}", row.method, row.path);
        }
    }
}

#[tokio::test]
async fn every_route_refuses_access_to_what_belongs_to_another_user() {
    let server = TestServer::start().await;
    for row in ROWS {
        let target = prepare(&server, row).await;
        let answer = call(&server, row, &target).basic(&OTHER).send().await;
        assert_eq!(answer.status(), row.wrong_status, "{} {}", row.method, row.path);
    }
}

#[tokio::test]
async fn every_route_accepts_the_right_caller_by_password_and_by_token() {
    let server = TestServer::start().await;
    let token =
        server.access_token(&USER, ApplicationId::new(1), ScopeSet::from(BuiltInScope::Management)).await;
    for row in ROWS {
        let target = prepare(&server, row).await;
        let by_password = call(&server, row, &target).basic(&row.right).send().await;
        assert_eq!(
            by_password.status(),
            row.right_status,
            "{} {} {}",
            row.method,
            row.path,
            by_password.text()
        );
        if row.right == USER {
            let target = prepare(&server, row).await;
            let by_token = call(&server, row, &target).bearer(&token).send().await;
            assert_eq!(
                by_token.status(),
                row.right_status,
                "{} {} {}",
                row.method,
                row.path,
                by_token.text()
            );
        }
    }
}

#[tokio::test]
async fn routes_with_other_authentication_refuse_strangers() {
    let server = TestServer::start().await;
    let mut wrong = Vec::new();
    for (method, path, status) in ELSEWHERE {
        let target = path.replace("{id}", "1").replace("{source}", "any").replace("{*path}", "Things");
        let call = server.call(method.clone(), &target);
        let call = if *method == Method::POST { call.form(&[]) } else { call };
        let answer = call.send().await;
        let page = String::from_utf8_lossy(answer.bytes());
        let asks = page.contains("login-submit") || page.contains("<title>Signed out");
        if answer.status() != *status || (answer.status() == 200 && !asks) {
            wrong.push(format!("{method} {path}: {}", answer.status()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_route_is_in_the_table_or_in_the_list_of_open_ones() {
    let routes = routes();
    assert!(!routes.is_empty(), "the routes could not be read");
    for (method, path) in &routes {
        let open = OPEN.iter().any(|(open, _)| open == path);
        let row = ROWS.iter().any(|row| row.path == path && row.method == *method);
        let elsewhere = ELSEWHERE.iter().any(|(other, route, _)| route == path && other == method);
        assert!(open || row || elsewhere, "{method} {path} stands nowhere: add a row");
    }
    for (path, _) in OPEN {
        assert!(
            routes.iter().any(|(_, route)| route == path),
            "{path} is not a route any more: take it from the list"
        );
    }
    for row in ROWS {
        assert!(routes.contains(&(row.method.clone(), row.path.to_owned())), "{} {}", row.method, row.path);
    }
}

/// The routes as written in `routes.rs`: one on each line, the methods after the path.
fn routes() -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for line in include_str!("../src/routes.rs").lines() {
        let Some((_, rest)) = line.split_once(".route(\"") else { continue };
        let (path, methods) = rest.split_once('"').expect("a path ends");
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let name = method.as_str().to_ascii_lowercase();
            if methods.contains(&format!(" {name}(")) || methods.contains(&format!(").{name}(")) {
                routes.push((method, path.to_owned()));
            }
        }
    }
    routes
}

fn assert_is_challenge(row: &Row, answer: &Answer) {
    assert_eq!(answer.status(), 401, "{} {}", row.method, row.path);
    assert_eq!(answer.header("www-authenticate"), r#"Basic realm="Sluicegate", charset="UTF-8""#);
    assert_eq!(answer.error_code(), 222_299_401);
}

fn call<'a>(server: &'a TestServer, row: &Row, target: &str) -> testkit::Call<'a> {
    let call = server.call(row.method.clone(), target);
    match (row.body)(server) {
        Value::Null => call,
        body => call.json(&body),
    }
}

/// Gives a second factor to the user of an address.
async fn add_second_factor(server: &TestServer, path: &str) {
    let id = path.split('/').nth(4).and_then(|id| id.parse().ok()).expect("the id of a user");
    let new = NewSecondFactor {
        user: UserId::new(id),
        user_epoch: Epoch::new(1),
        secret: SealedTotpSecret::new(Vec::new()),
        step: 1,
        recovery_codes: Vec::new(),
        session: SessionId::new(1),
        revocations_expire_at: Timestamp::from_secs(0),
    };
    let at = server.clock().now();
    let event = NewAuditEvent::new(Action::AddSecondFactor, Outcome::Success, at);
    server.store().insert_second_factor(new, event).await.expect("stored").expect("added");
}

/// Opens a session of the user of an address, and returns its number.
async fn add_session(server: &TestServer, path: &str) -> SessionId {
    let id = path.split('/').nth(4).and_then(|id| id.parse().ok()).expect("the id of a user");
    let at = server.clock().now();
    let new = NewSession {
        user: UserId::new(id),
        user_epoch: Epoch::new(1),
        digest: Digest::from_bytes([7; 32]),
        auth_time: at,
        expires_at: at.plus_secs(3_600),
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    let event = NewAuditEvent::new(Action::SignIn, Outcome::Success, at);
    server.store().insert_session(new, event).await.expect("stored").expect("opened").id
}

/// Creates what the row acts on, and returns its address.
async fn prepare(server: &TestServer, row: &Row) -> String {
    match row.target {
        Target::Plain => row.path.to_owned(),
        Target::Application => {
            let id = register(server).await["id"].clone();
            row.path.replace("{id}", &id.to_string())
        }
        Target::TwoSecrets => {
            let registered = register(server).await;
            let secrets = format!("{APPLICATIONS}/{}/secrets", registered["id"]);
            server.post(&secrets).basic(&USER).send().await.expect(201);
            let older = registered["secrets"][0]["id"].to_string();
            row.path.replace("{id}", &registered["id"].to_string()).replace("{secretId}", &older)
        }
        Target::Allowed => {
            let id = register(server).await["id"].as_i64().expect("an id");
            server.allow(&USER, ApplicationId::new(id), ScopeSet::from(BuiltInScope::OData)).await;
            row.path.replace("{id}", &id.to_string())
        }
        Target::PersonalToken => row.path.replace("{id}", &personal_token(server).await),
        Target::Account => made(server, row, USERS, account(server)).await,
        Target::Link => {
            let path = made(server, row, USERS, account(server)).await;
            server.post(&path).basic(&row.right).json(&link(server)).send().await.expect(201);
            path
        }
        Target::SecondFactor => {
            let path = made(server, row, USERS, account(server)).await;
            add_second_factor(server, &path).await;
            path
        }
        Target::Session => {
            let path = made(server, row, USERS, account(server)).await;
            let session = add_session(server, &path).await;
            path.replace("{sessionId}", &session.to_string())
        }
        Target::Role => made(server, row, ROLES, role(server)).await,
        Target::Limit => row.path.replace("{limitId}", "100"),
        Target::TrustedOrigin => {
            let body = json!({ "whitelist": [trusted()] });
            let added = server.post(ORIGINS).basic(&ADMIN).json(&body).send().await.expect(201);
            row.path.replace("{id}", &added.json()["whitelist"][0]["id"].to_string())
        }
        Target::ResourceServer => made(server, row, SERVERS, resource_server(server)).await,
        Target::InitialAccessToken => made(server, row, TOKENS, initial_access_token(server)).await,
        Target::TrustedIssuer => made(server, row, ISSUERS, trusted_issuer(server)).await,
        Target::Scope => {
            let target = made(server, row, SERVERS, resource_server(server)).await;
            let scopes = target.split_once("/{scopeId}").expect("the route of a scope").0;
            let scope = server.post(scopes).basic(&row.right).json(&scope(server)).send().await.expect(201);
            target.replace("{scopeId}", &scope.json()["id"].to_string())
        }
        Target::Store => row.path.replace("{id}", "1"),
        Target::Source => {
            let target = made(server, row, SOURCES, source(server)).await;
            target.replace("{schema}", "-").replace("{table}", "ship")
        }
        Target::Group => {
            let group = json!({ "name": fresh("group"), "isGroup": true });
            made(server, row, SOURCES, group).await
        }
        Target::Shared => {
            let target = made(server, row, SOURCES, source(server)).await;
            let source = target.split_once("/sharedUsers").expect("the route of one who shares").0;
            let share = shared(server);
            server.put(&format!("{source}/sharedUsers")).basic(&USER).json(&share).send().await.expect(200);
            target.replace("{userId}", &server.user(&OTHER).await.id.to_string())
        }
    }
}

/// Makes a personal access token of [`USER`], and returns its number.
async fn personal_token(server: &TestServer) -> String {
    let mut browser = server.browser_of(&USER, "/account/tokens/new").await;
    let form = browser.form_with_button("token-submit").fill("name", "Crane").with("others", "yes");
    browser.submit(form.press("token-submit")).await.expect(200);
    let tokens = server.get(PERSONAL_LIST).basic(&USER).send().await.expect(200).json();
    let last = tokens["personalAccessTokens"].as_array().expect("a list").last().expect("a token");
    last["id"].to_string()
}

/// Creates something as the caller with the right, and returns the address of the row with its id.
async fn made(server: &TestServer, row: &Row, path: &str, body: Value) -> String {
    let answer = server.post(path).basic(&row.right).json(&body).send().await.expect(201);
    row.path.replace("{id}", &answer.json()["id"].to_string())
}

async fn register(server: &TestServer) -> Value {
    let body = application(server);
    server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(201).json()
}
