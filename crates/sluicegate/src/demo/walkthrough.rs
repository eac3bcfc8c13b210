//! The walkthrough, played by a client over real HTTP. Each step is a request, its result in words, and the
//! check of that result.

use anyhow::{Context, bail, ensure};
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{As, Client, Send, encode};
use super::forms::Form;
use super::narrator::{Narrator, detail, shortened};
use crate::http_client::HttpAnswer;

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";
const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";
const TOKEN: &str = "/oauth2/token";
const SERVICE: &str = "/api/odata4/harbour";
const READ: &str = "/api/odata4/harbour/Ships?$filter=Kind eq 'Tanker' and BuiltYear ge 2010 and Owner ne null\
                    &$orderby=LengthMetres desc&$top=3&$select=Name,Flag,BuiltYear,LengthMetres";

/// The name of the application that the walkthrough registers.
pub(super) const APPLICATION: &str = "Harbour dashboard";

/// The participants of the walkthrough.
pub(super) struct Cast<'a> {
    /// The server's issuer identifier.
    pub(super) issuer: &'a str,
    /// The redirect URL of the application. The walkthrough reads the code from the redirect, as the
    /// application's web server would read it from the request; a person who tries it by hand finds a page
    /// there.
    pub(super) redirect: &'a str,
    /// The user's name.
    pub(super) user: &'a str,
    /// The user's password.
    pub(super) password: &'a str,
    /// A PKCE code verifier ([RFC 7636 §4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
    pub(super) verifier: &'a str,
    /// The state that the application sends and expects back.
    pub(super) state: &'a str,
}

/// What the walkthrough leaves behind, to be tried by hand.
pub(super) struct Registered {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    redirect: String,
}

impl Registered {
    /// The address at which a user allows the application; `more` are further parameters of the application.
    pub(super) fn authorize_path(&self, more: &[(&str, &str)]) -> String {
        let fields =
            [("response_type", "code"), ("client_id", &self.client_id), ("redirect_uri", &self.redirect)];
        let fields: Vec<_> = fields
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        format!("/oauth2/authorize?{}", encode(&fields))
    }
}

struct Tokens {
    access: String,
    refresh: String,
}

/// Plays the walkthrough to its end.
///
/// # Errors
/// The first step with an unexpected result.
pub(super) async fn play(
    client: &mut Client,
    cast: &Cast<'_>,
    narrator: &mut Narrator,
) -> anyhow::Result<Registered> {
    let application = register(client, cast, narrator).await.context("step 1, registering an application")?;
    let code =
        allow(client, cast, &application, narrator).await.context("step 2, signing in and allowing")?;
    let first =
        exchange(client, cast, &application, &code, narrator).await.context("step 3, exchanging the code")?;
    metadata(client, &first, narrator).await.context("step 4, reading the metadata")?;
    read(client, &first, narrator).await.context("step 5, reading rows")?;
    let second = refresh(client, &application, &first, narrator).await.context("step 6, refreshing")?;
    let allowed =
        list_allowed(client, cast, narrator).await.context("step 7, listing allowed applications")?;
    ensure!(allowed == application.id, "step 7: the application that was allowed is not on the list");
    revoke(client, cast, &allowed, narrator).await.context("step 8, revoking")?;
    refused(client, &[&first, &second], narrator).await.context("step 9, reading after the revocation")?;
    Ok(application)
}

async fn register(
    client: &mut Client,
    cast: &Cast<'_>,
    narrator: &mut Narrator,
) -> anyhow::Result<Registered> {
    let payload = json!({
        "name": APPLICATION,
        "description": "Shows who is in the harbour",
        "redirectUrls": [cast.redirect],
    });
    narrator.step("register an application", "POST", APPLICATIONS);
    let caller = As::Basic(cast.user, cast.password);
    let answer = client.send(Method::POST, APPLICATIONS, caller, Send::Json(&payload)).await?;
    expect(&answer, StatusCode::CREATED)?;
    let body = answer.json()?;
    let application = Registered {
        id: body["id"].as_i64().context("the answer has no id")?.to_string(),
        client_id: text(&body, "clientId")?,
        client_secret: text(&body, "clientSecret")?,
        redirect: cast.redirect.to_owned(),
    };
    let secret = shortened(&application.client_secret);
    narrator.outcome(&answer, &format!("clientId {}, clientSecret {secret}", application.client_id));
    Ok(application)
}

async fn allow(
    client: &mut Client,
    cast: &Cast<'_>,
    application: &Registered,
    narrator: &mut Narrator,
) -> anyhow::Result<String> {
    let challenge = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        vault::sha256(cast.verifier.as_bytes()),
    );
    let path = application.authorize_path(&[
        ("scope", "api.access.odata"),
        ("state", cast.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    narrator.step("the user's browser asks for access", "GET", "/oauth2/authorize");
    let answer = client.send(Method::GET, &path, As::Browser, Send::Nothing).await?;
    let page = client.open(answer).await?;
    expect(&page, StatusCode::OK)?;
    narrator.outcome(&page, "the sign-in page");

    let mut login = Form::with_element(&page.body, "login-submit").context("there is no sign-in form")?;
    login.fill("username", cast.user);
    login.fill("password", cast.password);
    login.press("login-submit");
    narrator.part("the user signs in", "POST", &login.action);
    let path = client.path_here(&login.action).context("the sign-in form leads elsewhere")?;
    let answer = client.send(Method::POST, path, As::Browser, Send::Form(&login.fields)).await?;
    let page = client.open(answer).await?;
    expect(&page, StatusCode::OK)?;
    let mut consent = Form::with_element(&page.body, "consent-allow").context("there is no consent form")?;
    narrator.outcome(&page, &format!("the page that asks whether {APPLICATION} may read the data"));

    consent.press("consent-allow");
    let installation = consent.action.split('?').next().unwrap_or_default();
    narrator.part("the user presses Allow", "POST", installation);
    let path = client.path_here(&consent.action).context("the consent form leads elsewhere")?;
    let answer = client.send(Method::POST, path, As::Browser, Send::Form(&consent.fields)).await?;
    ensure!(answer.status.is_redirection(), "the answer is {} and not a redirect", answer.status);
    let code = code_of(answer.header(LOCATION), cast)?;
    narrator.outcome(&answer, &format!("back to {} with code {}", cast.redirect, shortened(&code)));
    Ok(code)
}

/// Extracts the code from a redirect, after the checks that a careful application makes ([RFC 9207
/// §2.4](https://www.rfc-editor.org/rfc/rfc9207#section-2.4)).
fn code_of(location: &str, cast: &Cast<'_>) -> anyhow::Result<String> {
    let url = url::Url::parse(location).context("the redirect leads nowhere")?;
    ensure!(
        location.starts_with(cast.redirect),
        "the redirect leads to {}",
        url.host_str().unwrap_or_default()
    );
    let field =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(error) = field("error") {
        bail!("the redirect carries the error {error}");
    }
    ensure!(field("state").as_deref() == Some(cast.state), "the redirect carries another state");
    ensure!(field("iss").as_deref() == Some(cast.issuer), "the redirect names another issuer");
    field("code").context("the redirect carries no code")
}

async fn exchange(
    client: &mut Client,
    cast: &Cast<'_>,
    application: &Registered,
    code: &str,
    narrator: &mut Narrator,
) -> anyhow::Result<Tokens> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", cast.redirect),
        ("code_verifier", cast.verifier),
    ];
    narrator.step("exchange the code for tokens", "POST", TOKEN);
    tokens(client, application, &fields, narrator).await
}

async fn refresh(
    client: &mut Client,
    application: &Registered,
    tokens_before: &Tokens,
    narrator: &mut Narrator,
) -> anyhow::Result<Tokens> {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &tokens_before.refresh)];
    narrator.step("refresh", "POST", TOKEN);
    let fresh = tokens(client, application, &fields, narrator).await?;
    ensure!(fresh.access != tokens_before.access, "the access token is not a new one");
    let answer = client.send(Method::GET, SERVICE, As::Bearer(&fresh.access), Send::Nothing).await?;
    expect(&answer, StatusCode::OK)?;
    Ok(fresh)
}

async fn tokens(
    client: &mut Client,
    application: &Registered,
    fields: &[(&str, &str)],
    narrator: &mut Narrator,
) -> anyhow::Result<Tokens> {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let caller = As::Basic(&application.client_id, &application.client_secret);
    let answer = client.send(Method::POST, TOKEN, caller, Send::Form(&fields)).await?;
    expect(&answer, StatusCode::OK)?;
    let body = answer.json()?;
    let tokens = Tokens { access: text(&body, "access_token")?, refresh: text(&body, "refresh_token")? };
    let lifetime = body["expires_in"].as_i64().context("the answer has no expires_in")?;
    let message = format!(
        "access token {} for {lifetime} s, refresh token {}",
        shortened(&tokens.access),
        shortened(&tokens.refresh)
    );
    narrator.outcome(&answer, &message);
    Ok(tokens)
}

async fn metadata(client: &mut Client, tokens: &Tokens, narrator: &mut Narrator) -> anyhow::Result<()> {
    let path = format!("{SERVICE}/$metadata");
    narrator.step("read what there is", "GET", &path);
    let answer = client.send(Method::GET, &path, As::Bearer(&tokens.access), Send::Nothing).await?;
    expect(&answer, StatusCode::OK)?;
    let sets: Vec<&str> = answer
        .body
        .split("<EntitySet ")
        .skip(1)
        .filter_map(|rest| rest.split_once("Name=\"")?.1.split('"').next())
        .collect();
    ensure!(sets.len() >= 4, "the metadata names {} entity sets", sets.len());
    narrator.outcome(&answer, &format!("entity sets {}", sets.join(", ")));
    Ok(())
}

async fn read(client: &mut Client, tokens: &Tokens, narrator: &mut Narrator) -> anyhow::Result<()> {
    narrator.step("read some rows", "GET", READ);
    let answer = client.send(Method::GET, &escaped(READ), As::Bearer(&tokens.access), Send::Nothing).await?;
    expect(&answer, StatusCode::OK)?;
    let body = answer.json()?;
    let rows = body["value"].as_array().context("the answer has no value")?;
    ensure!(rows.len() == 3, "{} rows came instead of 3", rows.len());
    narrator.outcome(&answer, &format!("{} rows", rows.len()));
    for row in rows {
        detail(&format!(
            "{}, {}, built {}, {} m",
            row["Name"].as_str().unwrap_or_default(),
            row["Flag"].as_str().unwrap_or_default(),
            row["BuiltYear"],
            row["LengthMetres"],
        ));
    }
    Ok(())
}

async fn list_allowed(
    client: &mut Client,
    cast: &Cast<'_>,
    narrator: &mut Narrator,
) -> anyhow::Result<String> {
    narrator.step("the user looks at what has access", "GET", ALLOWED);
    let caller = As::Basic(cast.user, cast.password);
    let answer = client.send(Method::GET, ALLOWED, caller, Send::Nothing).await?;
    expect(&answer, StatusCode::OK)?;
    let body = answer.json()?;
    let applications = body["applications"].as_array().context("the answer has no applications")?;
    let ours = applications.iter().rfind(|application| application["name"] == APPLICATION);
    let ours = ours.context("the application is not on the list")?;
    let scopes: Vec<&str> =
        ours["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    narrator.outcome(&answer, &format!("{APPLICATION} with {}", scopes.join(" ")));
    Ok(ours["id"].as_i64().context("it has no id")?.to_string())
}

async fn revoke(
    client: &mut Client,
    cast: &Cast<'_>,
    id: &str,
    narrator: &mut Narrator,
) -> anyhow::Result<()> {
    let path = format!("{ALLOWED}/{id}");
    narrator.step("the user revokes it", "DELETE", &path);
    let caller = As::Basic(cast.user, cast.password);
    let answer = client.send(Method::DELETE, &path, caller, Send::Nothing).await?;
    expect(&answer, StatusCode::NO_CONTENT)?;
    narrator.outcome(&answer, "it has no access any more");
    Ok(())
}

async fn refused(client: &mut Client, tokens: &[&Tokens], narrator: &mut Narrator) -> anyhow::Result<()> {
    narrator.step("the same read again", "GET", READ);
    let mut last = None;
    for tokens in tokens {
        let answer =
            client.send(Method::GET, &escaped(READ), As::Bearer(&tokens.access), Send::Nothing).await?;
        expect(&answer, StatusCode::UNAUTHORIZED)?;
        let challenge = answer.header(WWW_AUTHENTICATE);
        ensure!(challenge.contains("invalid_token"), "the challenge is {challenge}");
        last = Some(answer);
    }
    let answer = last.context("there is no token")?;
    narrator.outcome(&answer, "refused: the tokens were revoked");
    Ok(())
}

fn expect(answer: &HttpAnswer, status: StatusCode) -> anyhow::Result<()> {
    if answer.status == status {
        return Ok(());
    }
    let body: String = answer.body.chars().take(600).collect();
    bail!("the answer is {} instead of {status}: {body}", answer.status)
}

fn text(body: &Value, name: &str) -> anyhow::Result<String> {
    body[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no {name}"))
}

/// Percent-encodes a readable address.
fn escaped(path: &str) -> String {
    path.replace(' ', "%20").replace('\'', "%27")
}
