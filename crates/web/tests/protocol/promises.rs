//! The metadata promise exactly what works ([RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2)): under each
//! profile of the whole server, each value of each list is used once, and values that are not promised are refused.

use oauth::application::{AuthenticationMethod, GrantType, Profile};
use oauth::authorize::ResponseMode;
use oauth::oidc::claims::Claim;
use oauth::scope::BuiltInScope;
use oauth::signing::{JwsAlgorithm, SECRET_ALGORITHM, SigningAlgorithm};
use oauth::user_authentication::ACR_VALUES;
use serde_json::{Value, json};
use testkit::{ADMIN, USER};

use crate::openid::decoded;

mod grants;
mod party;

use party::{Fields, Party, Stage, Works, allow, response};

const OPENID: (&str, &str) = ("scope", "openid");

#[tokio::test]
async fn the_default_profile_keeps_its_promises() {
    walk(Profile::Compatible, false).await;
}

#[tokio::test]
async fn oauth21_keeps_its_promises() {
    walk(Profile::OAuth21, false).await;
}

#[tokio::test]
async fn fapi2_keeps_its_promises() {
    walk(Profile::Fapi2, false).await;
}

#[tokio::test]
async fn fapi2_with_message_signing_keeps_its_promises() {
    walk(Profile::Fapi2, true).await;
}

/// Uses each value that the metadata name, and those that they might name but do not.
async fn walk(profile: Profile, signs: bool) {
    let stage = Stage::open(profile, signs).await;
    describe_the_user(&stage).await;
    let metadata = stage.server.get("/.well-known/openid-configuration").send().await.expect(200).json();
    let mut broken = Vec::new();
    for (member, values) in metadata.as_object().unwrap() {
        let Value::Array(promised) = values else { continue };
        let promised: Vec<&str> = promised.iter().map(|value| value.as_str().unwrap()).collect();
        assert!(!promised.is_empty(), "{member} would be omitted");
        for value in promised.iter().copied().chain(others(member, &promised)) {
            let works = Box::pin(works(&stage, member, value)).await;
            match (promised.contains(&value), works) {
                (true, Err(why)) => broken.push(format!("{member}: {value} does not work: {why}")),
                (false, Ok(())) => broken.push(format!("{member}: {value} works, but is not promised")),
                _ => {}
            }
        }
    }
    broken.extend(Box::pin(requirements(&stage, &metadata)).await);
    broken.extend(Box::pin(registrations(&stage, &metadata)).await);
    broken.extend(Box::pin(session_frame(&stage, &metadata)).await.err());
    assert!(broken.is_empty(), "{profile:?} {signs}:\n{}", broken.join("\n"));
}

/// What the metadata say that every request must be is demanded, and nothing else is.
async fn requirements(stage: &Stage, metadata: &Value) -> Vec<String> {
    let party = plain(stage).await.unwrap();
    let by_browser = party.response_delivered(false, false, &[]).await;
    let unsigned = party.response_delivered(true, false, &[]).await;
    let signed = party.response_delivered(true, true, &[]).await;
    let reported = |name: &str| metadata[name].as_bool().unwrap();
    let (pushed_only, signed_only) =
        (reported("require_pushed_authorization_requests"), reported("require_signed_request_object"));
    [
        ("a request by the browser", by_browser, !pushed_only && !signed_only),
        ("a request without a signature", unsigned, !signed_only),
        ("a pushed and signed request", signed, reported("request_parameter_supported")),
    ]
    .into_iter()
    .filter(|(_, works, promised)| works.is_ok() != *promised)
    .map(|(what, works, _)| format!("{what}: {works:?}"))
    .collect()
}

/// A client registers itself with each method of authentication that is promised, and with no other.
async fn registrations(stage: &Stage, metadata: &Value) -> Vec<String> {
    let endpoint = metadata["registration_endpoint"].as_str().unwrap().strip_prefix(party::ISSUER).unwrap();
    let promised = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    let mut broken = Vec::new();
    for method in AuthenticationMethod::ALL.map(AuthenticationMethod::as_str).into_iter().chain(["nonsense"])
    {
        let mut members =
            json!({ "redirect_uris": [crate::client::CALLBACK], "token_endpoint_auth_method": method });
        match method {
            "private_key_jwt" => members["jwks"] = stage.jwks(),
            "self_signed_tls_client_auth" => members["jwks"] = testkit::TestCertificate::SelfSigned.jwks(),
            "tls_client_auth" => members["tls_client_auth_subject_dn"] = json!("CN=crane 7,O=Harbour,C=DE"),
            _ => {}
        }
        let answer = stage.server.post(endpoint).json(&members).send().await;
        let works = answer.status() == 201 && answer.json()["token_endpoint_auth_method"] == method;
        if works != promised.contains(&json!(method)) {
            broken.push(format!("registration with {method}: {} {}", answer.status(), answer.text()));
        }
    }
    broken
}

/// The page at `check_session_iframe` reads the cookie with which the session state of a response was computed.
async fn session_frame(stage: &Stage, metadata: &Value) -> Works {
    let frame = metadata["check_session_iframe"].as_str().unwrap().strip_prefix(party::ISSUER).unwrap();
    let page = stage.server.get(frame).send().await.expect(200);
    let cookie = page.text().split("data-cookie=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let party = plain(stage).await?;
    let mut browser = stage.server.browser();
    let first = party.ask(&mut browser, &[OPENID]).await?;
    let last = allow(&stage.server, &mut browser, first).await;
    let response = response(&browser, &last)?;
    let session_state = response["session_state"].as_str().unwrap_or_default();
    let salt = session_state.split('.').nth(1).unwrap_or_default();
    let browser_state = browser.cookie(cookie).ok_or("the browser has no state")?;
    let content = format!("{} https://client.example {browser_state} {salt}", party.id);
    is(session_state == format!("{}.{salt}", testkit::challenge_of(&content)))
}

/// Values that another server might promise in this list.
fn others(member: &str, promised: &[&str]) -> Vec<&'static str> {
    let known: Vec<&'static str> = match member {
        "grant_types_supported" => {
            GrantType::ALL.map(GrantType::as_str).into_iter().chain(["implicit"]).collect()
        }
        "response_types_supported" => vec!["code id_token", "token", "id_token", "none"],
        "response_modes_supported" => {
            ResponseMode::ALL.map(ResponseMode::as_str).into_iter().chain(["web_message"]).collect()
        }
        "prompt_values_supported" => vec!["create"],
        "code_challenge_methods_supported" => vec!["plain"],
        "subject_types_supported" => vec!["ephemeral"],
        "acr_values_supported" => vec!["urn:example:gold"],
        "ui_locales_supported" => vec!["fr"],
        "scopes_supported" | "claims_supported" => vec!["nonsense"],
        "authorization_details_types_supported" => vec!["payment"],
        "protected_resources" => vec!["http://127.0.0.1:8080/api/unknown"],
        "backchannel_token_delivery_modes_supported" => vec!["ping", "push"],
        "claim_types_supported"
        | "authorization_grant_profiles_supported"
        | "refresh_token_expiration_types_supported" => vec![],
        _ if member.ends_with("_auth_methods_supported") => {
            AuthenticationMethod::ALL.map(AuthenticationMethod::as_str).to_vec()
        }
        _ if is_of_server(member) => {
            SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).into_iter().chain(["none", "HS256"]).collect()
        }
        _ if member.contains("_alg_values_supported") => JwsAlgorithm::ALL
            .map(JwsAlgorithm::as_str)
            .into_iter()
            .chain(["none", SECRET_ALGORITHM])
            .collect(),
        _ => panic!("no test uses the values of {member}"),
    };
    known.into_iter().filter(|value| !promised.contains(value)).collect()
}

/// Whether the server signs with the algorithms of this list.
fn is_of_server(member: &str) -> bool {
    [
        "introspection_signing_alg_values_supported",
        "authorization_signing_alg_values_supported",
        "id_token_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
    ]
    .contains(&member)
}

async fn describe_the_user(stage: &Stage) {
    let path = format!("/api/admin/users/{}", stage.server.user(&USER).await.id);
    let body = json!({ "attributes": {
        "name": "Ada Lovelace", "givenName": "Ada", "familyName": "Lovelace", "middleName": "King",
        "nickname": "A", "preferredUsername": "ada", "profile": "https://ada.example/",
        "picture": "https://ada.example/a.png", "website": "https://ada.example/", "email": "ada@example.com",
        "emailVerified": true, "gender": "female", "birthdate": "1815-12-10", "zoneinfo": "Europe/London",
        "locale": "en-GB", "phoneNumber": "+44 20 7946 0123", "phoneNumberVerified": true,
        "address": { "locality": "London", "country": "GB" },
    } });
    stage.server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200);
}

/// Uses a value.
async fn works(stage: &Stage, member: &str, value: &str) -> Works {
    match member {
        "grant_types_supported" => grants::works(stage, value).await,
        "authorization_grant_profiles_supported" => grants::identity_assertion(stage, value).await,
        "backchannel_token_delivery_modes_supported" => grants::delivery_mode(stage, value).await,
        "refresh_token_expiration_types_supported" => {
            let member = match value {
                "authorization" => "authorization_expires_in",
                _ => "refresh_token_timeout",
            };
            is(plain(stage).await?.tokens(&[("scope", "odata offline_access")]).await?[member].is_i64())
        }
        "response_types_supported" => {
            plain(stage).await?.response(&[("response_type", value)]).await.map(drop)
        }
        "response_modes_supported" => {
            plain(stage).await?.response(&[("response_mode", value)]).await.map(drop)
        }
        "code_challenge_methods_supported" => {
            plain(stage).await?.tokens(&[("code_challenge_method", value)]).await.map(drop)
        }
        "prompt_values_supported" => prompt(stage, value).await,
        "scopes_supported" => scope(stage, value).await,
        "claims_supported" => claim(stage, value).await,
        // A claim of another type is in `_claim_sources`.
        "claim_types_supported" => is(value == "normal" && claim(stage, "_claim_sources").await.is_err()),
        "acr_values_supported" => acr(stage, value).await,
        "ui_locales_supported" => locale(stage, value).await,
        "subject_types_supported" => {
            let party = stage.party(scoped(json!({ "openid": { "subjectType": value } }))).await?;
            party.tokens(&[OPENID]).await.map(drop)
        }
        "authorization_details_types_supported" => {
            let details = json!([{ "type": value }]).to_string();
            plain(stage)
                .await?
                .response(&[("scope", "odata"), ("authorization_details", &details)])
                .await
                .map(drop)
        }
        "protected_resources" => {
            let path = value.strip_prefix("http://127.0.0.1:8080").unwrap_or(value);
            let document = format!("/.well-known/oauth-protected-resource{path}");
            let answer = stage.server.get(&document).send().await;
            is(answer.status() == 200 && answer.json()["resource"] == value)
        }
        _ if is_of_server(member) => signature(stage, member, value).await,
        "dpop_signing_alg_values_supported" => {
            let mut party = plain(stage).await?;
            party.proves_with = Some(value.to_owned());
            let tokens = party.tokens(&[]).await?;
            is(tokens["token_type"] == "DPoP")
        }
        "request_object_signing_alg_values_supported" => object(stage, value).await,
        "client_attestation_signing_alg_values_supported" => attested(stage, value, "EdDSA").await,
        "client_attestation_pop_signing_alg_values_supported" => attested(stage, "EdDSA", value).await,
        _ => authentication(stage, member, value).await,
    }
}

fn is(true_or_not: bool) -> Works {
    if true_or_not { Ok(()) } else { Err("it is not so".to_owned()) }
}

/// These members with every scope.
fn scoped(mut members: Value) -> Value {
    members["scopes"] = json!(BuiltInScope::ALL.map(BuiltInScope::as_str));
    members
}

/// An application without peculiarities.
async fn plain(stage: &Stage) -> Result<Party<'_>, String> {
    stage.party(scoped(json!({}))).await
}

/// A client authenticates with a method, or with an assertion of an algorithm, at the endpoint that the member names.
async fn authentication(stage: &Stage, member: &str, value: &str) -> Works {
    let (endpoint, kind) = member.split_once("_endpoint_auth_").unwrap();
    let is_algorithm = kind == "signing_alg_values_supported";
    let method = match value {
        SECRET_ALGORITHM => "client_secret_jwt",
        _ if is_algorithm => "private_key_jwt",
        _ => value,
    };
    let mut members = json!({ "tokenEndpointAuthMethod": method });
    match method {
        "none" => members["clientType"] = json!("public"),
        "tls_client_auth" => members["tlsClientAuth"] = json!({ "subjectDn": "CN=crane 7,O=Harbour,C=DE" }),
        "self_signed_tls_client_auth" => members["jwks"] = testkit::TestCertificate::SelfSigned.jwks(),
        _ => {}
    }
    let mut party = stage.party(scoped(members)).await?;
    party.signs_with = match (is_algorithm, method) {
        (true, _) => value.to_owned(),
        (_, "client_secret_jwt") => SECRET_ALGORITHM.to_owned(),
        _ => party.signs_with,
    };
    match endpoint {
        // An object needs a key of the registered set, which a method with a certificate has not.
        "token" if !stage.signs || is_algorithm || method == "private_key_jwt" => {
            party.tokens(&[]).await.map(drop)
        }
        "token" => refused_grant(&party).await,
        "introspection" => succeeds(&party, "/oauth2/introspect").await,
        _ => succeeds(&party, "/oauth2/revoke").await,
    }
}

/// An instance authenticates with an attestation and a proof that are signed with these algorithms.
async fn attested(stage: &Stage, attestation: &str, proof: &str) -> Works {
    let mut party = stage.party(json!({ "tokenEndpointAuthMethod": "attest_jwt_client_auth" })).await?;
    party.attested_with = attestation.to_owned();
    party.signs_with = proof.to_owned();
    succeeds(&party, "/oauth2/introspect").await
}

/// The client is authenticated, and its grant is looked at.
async fn refused_grant(party: &Party<'_>) -> Works {
    let refused = party.grant(&[("grant_type", "refresh_token"), ("refresh_token", "sgr_x")]).await;
    let why = refused.err().unwrap_or_default();
    if why.contains("invalid_grant") { Ok(()) } else { Err(why) }
}

async fn succeeds(party: &Party<'_>, path: &str) -> Works {
    let answer = party.post(path, &[("token", "sga_x")]).await;
    if answer.status() == 200 { Ok(()) } else { Err(answer.text().to_owned()) }
}

/// The page that a prompt asks for; none if the user has allowed the same before.
async fn prompt(stage: &Stage, value: &str) -> Works {
    let party = plain(stage).await?;
    let mut browser = stage.server.browser();
    let first = party.ask(&mut browser, &[OPENID]).await?;
    allow(&stage.server, &mut browser, first).await;
    stage.server.clock().advance_secs(5);
    let answer = party.ask(&mut browser, &[OPENID, ("prompt", value)]).await?;
    if value != "none" && answer.status() == 200 && !answer.text().contains("form-post-submit") {
        return Ok(());
    }
    let reported = response(&browser, &answer)?;
    is(value == "none" && reported.contains_key("code"))
}

async fn scope(stage: &Stage, value: &str) -> Works {
    let tokens = plain(stage).await?.tokens(&[("scope", value)]).await?;
    is(tokens["scope"].as_str().is_some_and(|given| given.split(' ').any(|one| one == value)))
}

async fn claim(stage: &Stage, value: &str) -> Works {
    let party = plain(stage).await?;
    let all = "openid profile email address phone";
    let tokens = party.tokens(&[("scope", all)]).await?;
    let id_token = decoded(tokens["id_token"].as_str().unwrap()).1;
    let userinfo = party.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).json();
    let is_there = id_token.get(value).is_some() || userinfo.get(value).is_some();
    let by_name = Claim::named(value).map(|claim| json!({ "userinfo": { claim.name(): null } }).to_string());
    if let Some(claims) = by_name {
        let tokens = party.tokens(&[OPENID, ("claims", &claims)]).await?;
        let userinfo = party.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).json();
        return is(is_there && userinfo.get(value).is_some());
    }
    is(is_there)
}

async fn acr(stage: &Stage, value: &str) -> Works {
    let claims = json!({ "id_token": { "acr": { "essential": true, "value": value } } }).to_string();
    let tokens = plain(stage).await?.tokens(&[OPENID, ("claims", &claims)]).await?;
    let reported = decoded(tokens["id_token"].as_str().unwrap()).1["acr"].clone();
    // The other values are tried with the password alone.
    let factor = format!("/api/admin/users/{}/secondfactor", stage.server.user(&USER).await.id);
    stage.server.delete(&factor).basic(&ADMIN).send().await;
    is(reported == value && ACR_VALUES.contains(&value))
}

async fn locale(stage: &Stage, value: &str) -> Works {
    let mut browser = stage.server.browser();
    let page = plain(stage).await?.ask(&mut browser, &[OPENID, ("ui_locales", value)]).await?.expect(200);
    is(page.text().contains(&format!("lang=\"{value}\"")))
}

/// The server signs what the application registered for.
async fn signature(stage: &Stage, member: &str, value: &str) -> Works {
    let openid = |name: &str| json!({ "openid": { name: value } });
    let members = match member {
        "id_token_signing_alg_values_supported" => openid("idTokenSignedResponseAlg"),
        "userinfo_signing_alg_values_supported" => openid("userinfoSignedResponseAlg"),
        "introspection_signing_alg_values_supported" => json!({ "introspectionSignedResponseAlg": value }),
        _ => json!({ "authorizationSignedResponseAlg": value }),
    };
    let party = stage.party(scoped(members)).await?;
    let signed = match member {
        "authorization_signing_alg_values_supported" => {
            let mut browser = stage.server.browser();
            let first = party.ask(&mut browser, &[("response_mode", "jwt")]).await?;
            let last = allow(&stage.server, &mut browser, first).await;
            crate::client::parameter(&last, "response").ok_or_else(|| last.location().to_owned())?
        }
        "introspection_signing_alg_values_supported" => {
            let answer =
                party.post_accepting("/oauth2/introspect", SIGNED_INTROSPECTION, &[("token", "sga_x")]);
            answer.await.expect(200).text().to_owned()
        }
        _ => {
            let tokens = party.tokens(&[OPENID]).await?;
            if member.starts_with("id_token") {
                tokens["id_token"].as_str().unwrap().to_owned()
            } else {
                party.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).text().to_owned()
            }
        }
    };
    let header = decoded(&signed).0;
    if header["alg"] == value { Ok(()) } else { Err(header.to_string()) }
}

const SIGNED_INTROSPECTION: &str = "application/token-introspection+jwt";

/// A request object, pushed.
async fn object(stage: &Stage, value: &str) -> Works {
    let party = plain(stage).await?;
    let fields: Fields<'_> = &[
        ("response_type", "code"),
        ("redirect_uri", crate::client::CALLBACK),
        ("code_challenge", crate::client::CHALLENGE),
        ("code_challenge_method", "S256"),
        ("response_mode", "jwt"),
    ];
    let object = party.object_signed_with(value, fields);
    let pushed = party.post("/oauth2/par", &[("request", &object)]).await;
    if pushed.status() == 201 { Ok(()) } else { Err(pushed.text().to_owned()) }
}
