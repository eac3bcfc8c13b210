//! Converts a request back to a query string, to return to it from the sign-in page.

use url::form_urlencoded::Serializer;

use super::AuthorizeRequest;
use super::request::{MAX_AGE, PROMPT};
use crate::parameters::{CLIENT_ID, Name, RESOURCE};

impl AuthorizeRequest {
    /// The known parameters, in the spelling of the specification, without unknown parameters and without a
    /// client secret.
    pub fn query(&self) -> String {
        self.with_prompt(self.prompt.as_deref(), |_| true)
    }

    /// The same for the return after a sign-in, without the parameters that requested it, which would request
    /// it again.
    pub fn query_after_sign_in(&self) -> String {
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let rest: Vec<&str> =
            prompt.split(' ').filter(|word| !matches!(*word, "login" | "select_account" | "")).collect();
        let prompt = Some(rest.join(" ").as_str()).filter(|rest| !rest.is_empty()).map(str::to_owned);
        self.with_prompt(prompt.as_deref(), |name| name != MAX_AGE)
    }

    fn with_prompt(&self, prompt: Option<&str>, keep: impl Fn(Name) -> bool) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(client_id) = &self.client_id {
            query.append_pair(CLIENT_ID.spelling, client_id.as_str());
        }
        for (name, value) in self.single().filter(|(name, _)| *name != PROMPT && keep(*name)) {
            query.append_pair(name.spelling, value);
        }
        for resource in &self.resources {
            query.append_pair(RESOURCE.spelling, resource);
        }
        if let Some(prompt) = prompt {
            query.append_pair(PROMPT.spelling, prompt);
        }
        query.finish()
    }
}
