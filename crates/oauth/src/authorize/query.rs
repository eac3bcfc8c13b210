//! Converts a request back to a query string, to return to it from the sign-in page.

use url::form_urlencoded::Serializer;

use super::AuthorizeRequest;
use super::request::{CODE_CHALLENGE, CODE_CHALLENGE_METHOD, PROMPT, RESPONSE_MODE, RESPONSE_TYPE, STATE};
use crate::parameters::{CLIENT_ID, Name, REDIRECT_URI, SCOPE};

impl AuthorizeRequest {
    /// The known parameters, in the spelling of the specification, without unknown parameters and without a
    /// client secret.
    pub fn query(&self) -> String {
        self.with_prompt(self.prompt.as_deref())
    }

    /// The same for the return after a sign-in, without the parameters that requested it, which would request
    /// it again.
    pub fn query_after_sign_in(&self) -> String {
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let rest: Vec<&str> =
            prompt.split(' ').filter(|word| !matches!(*word, "login" | "select_account" | "")).collect();
        self.with_prompt(Some(rest.join(" ").as_str()).filter(|rest| !rest.is_empty()))
    }

    fn with_prompt(&self, prompt: Option<&str>) -> String {
        let known: [(Name, Option<&str>); 9] = [
            (RESPONSE_TYPE, self.response_type.as_deref()),
            (RESPONSE_MODE, self.response_mode.as_deref()),
            (CLIENT_ID, self.client_id.as_ref().map(domain::id::ClientId::as_str)),
            (REDIRECT_URI, self.redirect_uri.as_deref()),
            (SCOPE, self.scope.as_deref()),
            (STATE, self.state.as_deref()),
            (CODE_CHALLENGE, self.code_challenge.as_deref()),
            (CODE_CHALLENGE_METHOD, self.code_challenge_method.as_deref()),
            (PROMPT, prompt),
        ];
        let given = known.iter().filter_map(|(name, value)| Some((name.spelling, (*value)?)));
        Serializer::new(String::new()).extend_pairs(given).finish()
    }
}
