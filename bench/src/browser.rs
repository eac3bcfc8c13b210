//! A person at a browser without JavaScript: follows redirects, stores cookies, fills and submits forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use hyper::header::{COOKIE, ORIGIN, SET_COOKIE};

use crate::call::{self, Answer, Connection};

/// A browser with its cookies.
pub(crate) struct Browser {
    connection: Connection,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let connection = Connection::open(address).await?;
        Ok(Self { connection, origin: format!("http://{address}"), cookies: BTreeMap::new() })
    }

    /// The value of the `Cookie` header.
    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Starts at `path` and does what a page asks for, first sign-in, then consent, until a redirect leads to
    /// `target`; returns that redirect.
    pub(crate) async fn authorize(
        &mut self,
        path: &str,
        target: &str,
        user: &str,
        password: &str,
    ) -> Result<String> {
        let mut answer = self.get(path).await?;
        let mut here = path.to_owned();
        for _ in 0..10 {
            if let Some(location) = answer.location().map(str::to_owned) {
                if location.starts_with(target) {
                    return Ok(location);
                }
                here = location.strip_prefix(&self.origin).unwrap_or(&location).to_owned();
                answer = self.get(&here).await?;
                continue;
            }
            answer.expect_success().with_context(|| format!("at {here}"))?;
            let page = String::from_utf8_lossy(&answer.body).into_owned();
            let form = Form::find(&page, &here).with_context(|| format!("no form to fill in at {here}"))?;
            answer = self.send(form, user, password).await?;
        }
        bail!("signing in and consenting does not come to an end")
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = call::with_header(call::get(path)?, COOKIE, &self.cookies())?;
        let answer = self.connection.send(request).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    async fn send(&mut self, form: Form, user: &str, password: &str) -> Result<Answer> {
        let mut fields = form.fields;
        for (name, value) in &mut fields {
            match name.as_str() {
                "username" => user.clone_into(value),
                "password" => password.clone_into(value),
                _ => {}
            }
        }
        let pairs: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = call::with_header(call::post_form(&form.action, &pairs)?, COOKIE, &self.cookies())?;
        let request = call::with_header(request, ORIGIN, &self.origin)?;
        let answer = self.connection.send(request).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

/// The fields of a form.
#[derive(Debug, PartialEq)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The form for sign-in or consent: the one around the button `login-submit` or `consent-allow`.
    fn find(page: &str, here: &str) -> Option<Self> {
        let forms = page.split("<form").skip(1).map(|rest| rest.split("</form").next().unwrap_or(rest));
        let form =
            forms.into_iter().find(|form| form.contains("login-submit") || form.contains("consent-allow"))?;
        let action = attribute(form.split('>').next()?, "action").filter(|action| !action.is_empty());
        let mut fields = Vec::new();
        for tag in form.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let is_input = tag.starts_with("input") && attribute(tag, "type").as_deref() != Some("submit");
            let is_pressed = ["login-submit", "consent-allow"]
                .iter()
                .any(|id| attribute(tag, "id").as_deref() == Some(*id));
            if let Some(name) = attribute(tag, "name").filter(|_| is_input || is_pressed) {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        }
        Some(Self { action: action.unwrap_or_else(|| here.to_owned()), fields })
    }
}

/// An attribute of a tag, with the entities that our pages use resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    let entities =
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&quot;", "\""), ("&lt;", "<")];
    let value = entities.iter().fold(value.to_owned(), |value, (entity, text)| value.replace(entity, text));
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn a_form_is_filled_from_the_page() {
        let page = "<form action=\"/other\"><button id=\"consent-deny\"></button></form>\n\
                    <form method=\"post\" action=\"/login?a=1&#38;b=2\"><input type=\"hidden\" name=\"csrf\" value=\"x&#38;y\">\
                    <input id=\"username\" name=\"username\"><button id=\"login-submit\" name=\"go\" value=\"1\">Sign in</button></form>";
        let form = Form::find(page, "/here").unwrap();
        assert_eq!(form.action, "/login?a=1&b=2");
        let fields = [("csrf", "x&y"), ("username", ""), ("go", "1")];
        assert_eq!(form.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
