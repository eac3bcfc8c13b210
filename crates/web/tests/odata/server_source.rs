//! A client of a data source that is a database of a server on this machine.

use serde_json::{Value, json};
use sources::AllowedHosts;
use testkit::{ADMIN, Answer, Setup, TestServer};

/// A server whose data sources may use this machine.
pub(crate) async fn server() -> TestServer {
    let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
    TestServer::start_with(Setup { hosts, ..Setup::default() }).await
}

/// A token of an application that acts as the administrator.
pub(crate) async fn token(server: &TestServer) -> String {
    let application = json!({
        "name": "Reports", "redirectUrls": ["http://127.0.0.1/callback"], "grantTypes": ["client_credentials"],
    });
    let path = "/api/mgmt/oauth/client/applications";
    let made = server.post(path).basic(&ADMIN).json(&application).send().await.expect(201).json();
    let (id, secret) = (made["clientId"].as_str().unwrap(), made["clientSecret"].as_str().unwrap());
    let call =
        server.post("/oauth2/token").basic_as(id, secret).form(&[("grant_type", "client_credentials")]);
    call.send().await.expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

/// A client of one data source.
pub(crate) struct Client {
    pub(crate) server: TestServer,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn get(&self, path: &str, status: u16) -> Answer {
        let path = path.replace(' ', "%20");
        self.server
            .get(&path)
            .bearer(&self.token)
            .header("prefer", "maxpagesize=50")
            .send()
            .await
            .expect(status)
    }

    pub(crate) async fn rows(&self, path: &str) -> Vec<Value> {
        self.get(path, 200).await.json()["value"].as_array().unwrap().clone()
    }

    /// The rows of all pages, and the number of pages.
    pub(crate) async fn pages(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let page = self.get(&path, 200).await.json();
            rows.extend(page["value"].as_array().unwrap().clone());
            next = page["@odata.nextLink"].as_str().map(|link| link.replace("http://127.0.0.1:8080", ""));
            pages += 1;
        }
        (rows, pages)
    }
}

pub(crate) fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
