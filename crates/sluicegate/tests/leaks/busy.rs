//! A run through every flow, which collects every secret that it sees.

use serde_json::{Value, json};
use testkit::{ADMIN, Installation, REDIRECT, Random, Served, TestUser, USER, Wire, WireClient, basic};

use super::needles::Secret;

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

/// The result of the run.
pub(crate) struct Busy {
    pub(crate) secrets: Vec<Secret>,
    /// The body of every refusal.
    pub(crate) errors: Vec<String>,
    /// An application that still exists.
    pub(crate) client: WireClient,
}

struct Run<'a> {
    installation: &'a Installation,
    wire: Wire,
    random: Random,
    secrets: Vec<Secret>,
}

impl Busy {
    pub(crate) fn run(installation: &Installation, server: &Served) -> Self {
        let wire = Wire::new(server.url()).recording();
        let mut run =
            Run { installation, wire, random: Random::new(Random::fresh_seed()), secrets: Vec::new() };
        run.note("password", ADMIN.password);
        run.note("password", USER.password);
        let key = std::fs::read_to_string(installation.data_dir().join("master.key")).unwrap();
        run.note("master key", key.trim());
        // This test is not about guessing: no account should be locked.
        let off = run.wire.put_json("/api/admin/limits/system/3", &ADMIN, &json!({"value": 0})).unwrap();
        assert!(off.status.is_success(), "{off:?}");
        let client = run.tokens();
        run.rotation();
        run.mistakes(&client);
        run.secrets_of_applications();
        run.people();
        run.pages(&client);
        run.operator(&client);
        let standing = WireClient::register(&run.wire, &ADMIN, "Standing", &json!({})).unwrap();
        run.finish(standing)
    }
}

impl Run<'_> {
    fn note(&mut self, what: &'static str, text: &str) {
        self.secrets.push(Secret { what, text: text.to_owned() });
    }

    fn verifier(&mut self) -> String {
        let verifier = self.random.verifier();
        self.note("verifier", &verifier);
        verifier
    }

    fn register(&self, more: &Value) -> WireClient {
        WireClient::register(&self.wire, &USER, "Busy", more).unwrap()
    }

    /// Codes, passwords and client credentials; tokens are used, introspected and revoked.
    fn tokens(&mut self) -> WireClient {
        let all = ["authorization_code", "refresh_token", "password", "client_credentials"];
        let client = self.register(&json!({"grantTypes": all}));
        let verifier = self.verifier();
        let code = client.code(&self.wire, &USER, &verifier).unwrap();
        let tokens = client.exchange(&self.wire, &code, &verifier).unwrap().json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        self.wire.get_with_token("/api/odata4", &access).unwrap();
        self.wire.get(&format!("/api/odata4?access_token={access}"), None).unwrap();
        assert_eq!(client.refresh(&self.wire, &refresh).unwrap().status, 200);
        assert!(
            client.is_active(&self.wire, &access).unwrap() && client.is_active(&self.wire, &refresh).unwrap()
        );
        let password = [("grant_type", "password"), ("username", USER.name), ("password", USER.password)];
        assert_eq!(client.post(&self.wire, "/oauth2/token", &password).unwrap().status, 200);
        let service = json!({"grant_type": "client_credentials", "clientId": client.client_id,
            "clientSecret": client.client_secret});
        let kind = [("content-type", "application/json")];
        let given = self.wire.send("POST", "/oauth2/token", &kind, Some(&service.to_string())).unwrap();
        assert_eq!(given.status, 200, "{given:?}");
        client.revoke(&self.wire, &access).unwrap();
        // The code is presented again, which revokes what it yielded.
        assert_eq!(client.exchange(&self.wire, &code, &verifier).unwrap().status, 400);
        assert_eq!(client.refresh(&self.wire, &refresh).unwrap().status, 400);
        client
    }

    /// Rotates a family of refresh tokens until a replay revokes it.
    fn rotation(&mut self) {
        let client = self.register(&json!({"profile": "oauth21"}));
        let verifier = self.verifier();
        let code = client.code(&self.wire, &USER, &verifier).unwrap();
        let mut answer = client.exchange(&self.wire, &code, &verifier).unwrap();
        let first = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            let current = answer.json()["refresh_token"].as_str().unwrap().to_owned();
            answer = client.refresh(&self.wire, &current).unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        assert_eq!(client.refresh(&self.wire, &first).unwrap().status, 400);
    }

    /// Secrets that are wrong, truncated, or in the wrong place: they may belong to somebody else.
    fn mistakes(&mut self, client: &WireClient) {
        let wire = &self.wire;
        let mistyped: &'static str = format!("mistyped {}", self.random.word()).leak();
        let stranger = TestUser { name: USER.name, password: mistyped };
        wire.get(APPLICATIONS, Some(&stranger)).unwrap();
        wire.get("/api/odata4", Some(&stranger)).unwrap();
        let password = [("grant_type", "password"), ("username", USER.name), ("password", mistyped)];
        client.post(wire, "/oauth2/token", &password).unwrap();
        let mut wrong = client.clone();
        wrong.client_secret = format!("sgs_{}", self.random.verifier());
        wrong.post(wire, "/oauth2/token", &[("grant_type", "client_credentials")]).unwrap();
        let verifier = self.random.verifier();
        for token in [&wrong.client_secret, &verifier] {
            wire.get_with_token("/api/odata4", token).unwrap();
            wire.get_with_token(APPLICATIONS, token).unwrap();
            client.refresh(wire, token).unwrap();
            client.exchange(wire, token, &verifier).unwrap();
            client.is_active(wire, token).unwrap();
            let form = [("grant_type", "authorization_code"), ("code", token), ("code", token)];
            client.post(wire, "/oauth2/token", &form).unwrap();
            wire.get(&format!("/oauth2/authorize?client_id=x&clientSecret={token}&token={token}"), None)
                .unwrap();
            wire.get(&format!("/callback?code={token}&state={token}"), None).unwrap();
            wire.get(&format!("/api/odata4/x?$filter=Name eq '{token}'"), None).unwrap();
            let cookie = format!("sluicegate={token}; sluicegate-visitor={token}");
            wire.send("GET", "/account", &[("cookie", &cookie)], None).unwrap();
            wire.send("DELETE", "/api/admin/users/1", &[("cookie", &cookie), ("x-csrf-token", token)], None)
                .unwrap();
            let authorization = basic(USER.name, USER.password);
            let headers = [("content-type", "application/json"), ("authorization", &*authorization)];
            for body in [
                format!("{{\"name\": \"x\", \"clientSecret\": \"{token}\" "),
                format!("{{\"name\": \"x\", \"secret\": \"{token}\"}}"),
                format!("{{\"name\": 1, \"redirectUrls\": [\"https://x.example/#{token}\"]}}"),
            ] {
                wire.send("POST", APPLICATIONS, &headers, Some(&body)).unwrap();
            }
        }
        self.note("mistyped password", mistyped);
        self.note("mistyped secret", &wrong.client_secret);
        self.note("mistyped token", &verifier);
    }

    fn secrets_of_applications(&mut self) {
        let client = self.register(&json!({}));
        let path = client.path();
        let second = self.wire.post_json(&format!("{path}/secrets"), &USER, &json!({})).unwrap();
        assert_eq!(second.status, 201, "{second:?}");
        let id = &second.json()["id"];
        self.wire.delete(&format!("{path}/secrets/{id}"), &USER).unwrap();
        self.wire.put_json(&format!("{path}/reset"), &USER, &json!({})).unwrap();
        self.wire.get(&path, Some(&USER)).unwrap();
        self.wire.delete(&path, &USER).unwrap();
        assert_eq!(client.post(&self.wire, "/oauth2/token", &[]).unwrap().status, 401);
    }

    /// Creates accounts, changes their passwords, and deletes them.
    fn people(&mut self) {
        let passwords: Vec<String> = (0..3).map(|_| format!("a secret {}", self.random.word())).collect();
        for password in &passwords {
            self.note("password of an account", password);
        }
        let account = |password: &str| json!({"userName": "ada", "passwordInfo": {"password": password}});
        let made = self.wire.post_json("/api/admin/users", &ADMIN, &account(&passwords[0])).unwrap();
        assert_eq!(made.status, 201, "{made:?}");
        let path = format!("/api/admin/users/{}", made.json()["id"]);
        self.wire.post_json("/api/admin/users", &ADMIN, &account(&passwords[1])).unwrap();
        let changed = self.wire.put_json(&path, &ADMIN, &account(&passwords[1])).unwrap();
        assert_eq!(changed.status, 200, "{changed:?}");
        let ada = TestUser { name: "ada", password: passwords[1].clone().leak() };
        assert_eq!(self.wire.get(APPLICATIONS, Some(&ada)).unwrap().status, 200);
        // Longer than the maximum length of a password.
        let long = passwords[2].repeat(20);
        let refused = self.wire.put_json(&path, &ADMIN, &account(&long)).unwrap();
        assert_eq!(refused.status, 400, "{refused:?}");
        self.wire.delete(&path, &ADMIN).unwrap();
    }

    /// A person at a browser: fails and succeeds to sign in, views connected applications, changes the
    /// password, signs out.
    fn pages(&mut self, client: &WireClient) {
        let verifier = self.verifier();
        let fresh = format!("a fresh password {}", self.random.word());
        self.note("password", &fresh);
        let wire = &self.wire;
        client.code(wire, &USER, &verifier).unwrap();
        let csrf = csrf_of(&wire.get("/account/applications", None).unwrap().body);
        let revoke = format!("/account/applications/{}/revoke", client.id);
        wire.post_form(&revoke, &[("csrf", "wrong")]).unwrap();
        assert_eq!(wire.post_form(&revoke, &[("csrf", &csrf)]).unwrap().status, 303);
        let change = |current: &str, new: &str| {
            let fields = [("csrf", &*csrf), ("current", current), ("new", new), ("again", new)];
            wire.post_form("/account/password", &fields).unwrap()
        };
        assert_eq!(change(&fresh, &fresh).status, 400, "the current password is wrong");
        assert_eq!(change(USER.password, &fresh).status, 303);
        let authorization = basic(USER.name, &fresh);
        let signed = [("authorization", &*authorization)];
        assert_eq!(wire.send("GET", &client.authorize(&verifier), &signed, None).unwrap().status, 200);
        let csrf = csrf_of(&wire.get("/logout", None).unwrap().body);
        assert_eq!(wire.post_form("/logout", &[("csrf", &csrf)]).unwrap().status, 200);
        let csrf = csrf_of(&wire.get("/login", None).unwrap().body);
        let fields = [("csrf", &*csrf), ("username", USER.name), ("password", USER.password)];
        assert_eq!(wire.post_form("/login", &fields).unwrap().status, 401, "it is the old password");
        let denied = [("csrf", &*csrf), ("request", "redirect_uri=x"), ("decision", "deny")];
        wire.post_form("/oauth2/consent", &denied).unwrap();
    }

    /// The command line prints secrets once, while the server is running.
    fn operator(&mut self, client: &WireClient) {
        let id = client.id.to_string();
        let acts: [&[&str]; 3] = [
            &["keys", "rotate"],
            &["application", "reset-secret", &id, "--yes"],
            &["user", "set-password", USER.name],
        ];
        for act in acts {
            let output = self.installation.command(act).output().unwrap();
            assert!(output.status.success(), "{act:?}: {}", String::from_utf8_lossy(&output.stderr));
            let printed = String::from_utf8(output.stdout).unwrap();
            let shown =
                printed.split_whitespace().filter(|word| word.len() >= 20 && *word != client.client_id);
            for word in shown {
                self.note("what the command line showed", word);
            }
        }
    }

    /// Extracts the secrets from every answer.
    fn finish(mut self, client: WireClient) -> Busy {
        let seen = self.wire.seen();
        for answer in &seen {
            for cookie in answer.headers.get_all("set-cookie") {
                let value = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap().1;
                if !value.is_empty() {
                    self.note("cookie", value);
                }
            }
            for part in answer.body.split("name=\"csrf\" value=\"").skip(1) {
                self.note("csrf", part.split('"').next().unwrap());
            }
            let code = answer.location.as_deref().filter(|location| location.starts_with(REDIRECT));
            if let Some((_, code)) = code.and_then(|location| location.split_once("code=")) {
                self.note("code", code.split('&').next().unwrap());
            }
            take_tokens(&mut self.secrets, &serde_json::from_str(&answer.body).unwrap_or_default());
        }
        for (what, least) in [("cookie", 4), ("csrf", 4), ("code", 3), ("token", 10), ("client secret", 5)] {
            let found = self.secrets.iter().filter(|secret| secret.what == what).count();
            assert!(found >= least, "{found} of kind {what}");
        }
        let errors =
            seen.into_iter().filter(|answer| answer.status.as_u16() >= 400).map(|answer| answer.body);
        Busy { secrets: self.secrets, errors: errors.collect(), client }
    }
}

fn take_tokens(secrets: &mut Vec<Secret>, answer: &Value) {
    for (member, what) in
        [("access_token", "token"), ("refresh_token", "token"), ("clientSecret", "client secret")]
    {
        if let Some(text) = answer[member].as_str() {
            secrets.push(Secret { what, text: text.to_owned() });
        }
    }
}

fn csrf_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
    rest.split('"').next().unwrap().to_owned()
}
