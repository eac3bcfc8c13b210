//! A person with a browser: it stores cookies, follows redirects on our host and fills forms.

use std::collections::BTreeMap;

use http::Method;
use http::header::SET_COOKIE;
use url::Url;

use crate::answer::Answer;
use crate::html::{Form, forms};
use crate::server::{TestServer, TestUser};

/// A browser without a screen and without scripts. It stops at a redirect to another host, as tests of the
/// authorization code flow need it: [`Answer::location`] is then the redirect to the client.
pub struct Browser<'a> {
    server: &'a TestServer,
    cookies: BTreeMap<String, String>,
    user_agent: Option<&'static str>,
    at: Url,
    page: Option<Answer>,
}

/// A server that redirects a browser in a circle is at fault.
const MOST_REDIRECTS: usize = 10;

impl TestServer {
    /// A new browser.
    pub fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// A new browser in which the user has signed in to see this page.
    pub async fn browser_of(&self, user: &TestUser, page: &str) -> Browser<'_> {
        let mut browser = self.browser();
        browser.get(page).await.expect(200);
        browser.sign_in(user).await.expect(200);
        browser
    }
}

impl<'a> Browser<'a> {
    fn new(server: &'a TestServer) -> Self {
        let at = Url::parse(&server.app().node().settings().public_url).expect("the public URL is one");
        Self { server, cookies: BTreeMap::new(), user_agent: None, at, page: None }
    }

    /// Sends this `User-Agent` from now on.
    pub fn call_itself(&mut self, user_agent: &'static str) {
        self.user_agent = Some(user_agent);
    }

    /// Opens an address of the server: absolute, a path below the public URL, or relative to the current page.
    pub async fn get(&mut self, address: &str) -> Answer {
        let url = if address.starts_with('/') {
            self.resolve(&format!("{}{address}", self.server.base()))
        } else {
            self.resolve(address)
        };
        self.go(Method::GET, url, None).await
    }

    /// The current page.
    ///
    /// # Panics
    /// If nothing was opened yet.
    pub fn page(&self) -> &Answer {
        self.page.as_ref().expect("a page was opened")
    }

    /// The address of the current page.
    pub fn address(&self) -> &Url {
        &self.at
    }

    /// The first form of the page whose action starts with this path.
    ///
    /// # Panics
    /// If there is none; the message shows the page.
    pub fn form(&self, action: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action.starts_with(action));
        found.unwrap_or_else(|| panic!("no form goes to {action} in {}", self.page().text()))
    }

    /// The first form of the page that has a button with this id.
    ///
    /// # Panics
    /// If there is none; the message shows the page.
    pub fn form_with_button(&self, id: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.has_button(id));
        found.unwrap_or_else(|| panic!("no form has a button {id} in {}", self.page().text()))
    }

    /// Every form of the page.
    pub fn forms(&self) -> Vec<Form> {
        forms(self.page().text())
    }

    /// Submits a form.
    pub async fn submit(&mut self, form: Form) -> Answer {
        let mut url = self.resolve(&form.action);
        if form.method == "post" {
            return self.go(Method::POST, url, Some(form.fields)).await;
        }
        url.query_pairs_mut().clear().extend_pairs(&form.fields);
        self.go(Method::GET, url, None).await
    }

    /// Fills the sign-in form of the current page, and submits it.
    pub async fn sign_in(&mut self, user: &TestUser) -> Answer {
        let form = self.form_with_button("login-submit").press("login-submit");
        self.submit(form.fill("username", user.name).fill("password", user.password)).await
    }

    /// The value of a cookie, if the browser has it.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Sets a cookie, as an attacker or an earlier page might have done.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// The `Cookie` header of a request.
    pub fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn resolve(&self, address: &str) -> Url {
        self.at.join(address).unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    async fn go(&mut self, method: Method, url: Url, form: Option<Vec<(String, String)>>) -> Answer {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..MOST_REDIRECTS {
            let answer = self.once(&method, &url, form.as_deref()).await;
            let redirected =
                matches!(answer.status(), 301 | 302 | 303 | 307 | 308) && !answer.location().is_empty();
            self.at = url.clone();
            self.page = Some(answer.clone());
            if !redirected {
                return answer;
            }
            let next = self.resolve(answer.location());
            if next.origin() != self.at.origin() {
                return answer;
            }
            if !matches!(answer.status(), 307 | 308) {
                (method, form) = (Method::GET, None);
            }
            url = next;
        }
        panic!("redirected more than {MOST_REDIRECTS} times, lastly to {url}");
    }

    async fn once(&mut self, method: &Method, url: &Url, form: Option<&[(String, String)]>) -> Answer {
        let target =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut call = self.server.call_at(method.clone(), &target).header("accept", "text/html");
        if let Some(user_agent) = self.user_agent {
            call = call.header("user-agent", user_agent);
        }
        if !self.cookies.is_empty() {
            call = call.header("cookie", self.cookie_line());
        }
        if let Some(fields) = form {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            call = call.header("origin", self.at.origin().ascii_serialization()).form(&fields);
        }
        let answer = call.send().await;
        self.keep_cookies(&answer);
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("a cookie is text");
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let ended = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
            if ended {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
