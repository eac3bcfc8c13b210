//! ID tokens that requests send as hints at a user.

use oauth::application::Application;
use oauth::authorize::{AuthorizeRefusal, AuthorizeRequest, ValidRequest};
use oauth::oidc::logout::Hint;
use oauth::signing::JwtType;
use vault::Vault;

use crate::Context;
use crate::node::settings::AppSettings;

/// Reads ID tokens that this server issued.
#[derive(Clone, Copy)]
pub(crate) struct IdTokenHints<'a> {
    vault: &'a Vault,
    settings: &'a AppSettings,
}

impl<'a> IdTokenHints<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { vault: &context.vault, settings: &context.settings }
    }

    /// The ID token that a request sends as a hint, whatever its age.
    pub(crate) fn read(self, text: &str) -> Option<Hint> {
        let claims = self.vault.verify_own_jwt(JwtType::Plain, text).ok()?;
        Hint::of(&claims, &self.settings.public_url)
    }

    /// The users whom the request names by `id_token_hint` and by `claims`. A hint is an ID token of this server for this
    /// application, which may have expired.
    pub(crate) fn expected_subjects(
        self,
        request: &AuthorizeRequest,
        valid: &ValidRequest,
        application: &Application,
    ) -> Result<Vec<String>, AuthorizeRefusal> {
        let mut expected: Vec<String> = valid.sign_in().subject.iter().cloned().collect();
        if let Some(text) = &request.id_token_hint {
            let hint = self.read(text).filter(|hint| hint.client_id == application.client_id);
            expected.push(hint.ok_or_else(|| valid.refuse_hint())?.subject);
        }
        Ok(expected)
    }
}
