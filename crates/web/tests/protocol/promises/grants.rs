//! Each grant type once.

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{Browser, USER};

use super::party::{Party, Stage, Works};
use crate::client::password_fields;
use crate::identity_assertions::Issuer;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";
const ID_JAG: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// Gets a token with a grant type.
pub(super) async fn works(stage: &Stage, grant_type: &str) -> Works {
    let members = json!({
        "grantTypes": [grant_type, "authorization_code"], "scopes": ["openid", "odata", "offline_access"],
    });
    if grant_type == EXCHANGE {
        return exchange(stage).await;
    }
    let party = stage.party(members).await?;
    match grant_type {
        "authorization_code" => party.tokens(&[]).await.map(drop),
        "refresh_token" => {
            let tokens = party.tokens(&[]).await?;
            let refresh = tokens["refresh_token"].as_str().unwrap();
            let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
            party.grant(&fields).await.map(drop)
        }
        "password" => party.grant(&password_fields(&USER)).await.map(drop),
        JWT_BEARER => assertion(stage, &party).await,
        DEVICE => device(&party).await,
        CIBA => backchannel(&party).await,
        other => party.grant(&[("grant_type", other)]).await.map(drop),
    }
}

/// An identity assertion, which this profile of the grant stands for.
pub(super) async fn identity_assertion(stage: &Stage, profile: &str) -> Works {
    if profile == ID_JAG { works(stage, JWT_BEARER).await } else { Err("it is another profile".to_owned()) }
}

/// Asks a user as an application that gets its tokens in this way.
pub(super) async fn delivery_mode(stage: &Stage, mode: &str) -> Works {
    let members = json!({
        "grantTypes": [CIBA], "scopes": ["openid"], "openid": { "backchannelTokenDeliveryMode": mode },
    });
    backchannel(&stage.party(members).await?).await
}

async fn exchange(stage: &Stage) -> Works {
    let front = stage.party(json!({})).await?;
    let tokens = front.tokens(&[]).await?;
    let policy = json!({ "clients": [front.id], "impersonation": true });
    let members = json!({ "grantTypes": [EXCHANGE], "tokenExchange": policy });
    let subject = tokens["access_token"].as_str().unwrap();
    let fields = [("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)];
    stage.party(members).await?.grant(&fields).await.map(drop)
}

async fn assertion(stage: &Stage, party: &Party<'_>) -> Works {
    let issuer = Issuer { key: testkit::ClientKey::new(9), url: crate::identity_assertions::IDP.to_owned() };
    // The second time it is known already.
    issuer.record(&stage.server, &json!({})).await;
    let now = stage.server.clock().now().as_secs();
    let claims = json!({
        "iss": issuer.url, "sub": "employee-7", "aud": super::party::ISSUER, "client_id": party.id,
        "resource": format!("{}/api/odata4", super::party::ISSUER), "scope": "api.access.odata",
        "jti": party.id, "iat": now, "exp": now + 300,
    });
    let assertion = issuer.sign(Some("oauth-id-jag+jwt"), &claims);
    party.grant(&[("grant_type", JWT_BEARER), ("assertion", &assertion)]).await.map(drop)
}

async fn device(party: &Party<'_>) -> Works {
    let codes = party.post("/oauth2/device_authorization", &[]).await;
    if codes.status() != 200 {
        return Err(codes.text().to_owned());
    }
    let codes: Value = codes.json();
    let mut browser = party.stage.server.browser();
    browser.get("/device").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("device-continue");
    browser.submit(form.fill("user_code", codes["user_code"].as_str().unwrap())).await.expect(200);
    press(&mut browser, "consent-allow").await;
    let code = codes["device_code"].as_str().unwrap();
    party.grant(&[("grant_type", DEVICE), ("device_code", code)]).await.map(drop)
}

async fn backchannel(party: &Party<'_>) -> Works {
    let asked = party.post("/oauth2/bc-authorize", &[("scope", "openid"), ("login_hint", USER.name)]).await;
    if asked.status() != 200 {
        return Err(asked.text().to_owned());
    }
    let mut browser = crate::backchannel::requests_of(&party.stage.server, &USER).await;
    let address = crate::backchannel::newest(&browser);
    browser.get(&address).await.expect(200);
    press(&mut browser, "consent-allow").await;
    let id = asked.json()["auth_req_id"].as_str().unwrap().to_owned();
    party.grant(&[("grant_type", CIBA), ("auth_req_id", &id)]).await.map(drop)
}

async fn press(browser: &mut Browser<'_>, button: &str) {
    let form = browser.form_with_button(button).press(button);
    browser.submit(form).await.expect(200);
}
