//! What of a document the server supports.

use super::ClientDocument;
use crate::application::{ApplicationSettings, ClientType, GrantType, Profile};
use crate::redirect::{self, AllowedSchemes};
use crate::refusal::Refusal;
use crate::scope::{Assignment, MOST_SCOPES_OF_APPLICATION, ScopeRegistry};

impl ClientDocument {
    /// Whether there is a redirect URI that a server might accept.
    pub(super) fn has_a_redirect_uri(&self) -> Result<(), Refusal> {
        let mut uris = self.redirect_uris.iter();
        let has_one = uris.any(|uri| redirect::may_be_registered_somewhere(uri, Profile::OAuth21));
        if has_one { Ok(()) } else { Err(Refusal::ClientDocumentRedirects) }
    }

    pub(super) fn usable_redirect_uris(
        &self,
        profile: Profile,
        schemes: AllowedSchemes<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let usable = |uri: &&String| redirect::may_be_registered(uri, profile, schemes).is_ok();
        let found: Vec<String> = self.redirect_uris.iter().filter(usable).cloned().collect();
        if found.is_empty() { Err(Refusal::ClientDocumentRedirects) } else { Ok(found) }
    }

    /// Without `grant_types` the grant type is `authorization_code` ([RFC 7591
    /// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). Even a client with keys gets only grant types of public
    /// clients: the others act for the owner of the application or on trust of an administrator, and it has neither.
    pub(super) fn usable_grant_types(&self, profile: Profile) -> Result<Vec<String>, Refusal> {
        let default = [GrantType::AuthorizationCode.as_str().to_owned()];
        let offered = self.grant_types.as_deref().unwrap_or(&default);
        let is_usable = |name: &&String| {
            GrantType::find(name)
                .is_some_and(|grant_type| grant_type.barriers(profile, ClientType::Public).next().is_none())
        };
        let usable: Vec<String> = offered.iter().filter(is_usable).cloned().collect();
        let has_code = usable.iter().any(|name| name == GrantType::AuthorizationCode.as_str());
        if has_code { Ok(usable) } else { Err(Refusal::ClientDocumentGrantTypes) }
    }

    /// The usable ones, and those that an administrator has given, because no document can.
    pub(super) fn grant_types_beside(
        &self,
        existing: Option<&ApplicationSettings>,
        profile: Profile,
    ) -> Result<Vec<String>, Refusal> {
        let is_allowed = |grant: GrantType, kind| grant.barriers(profile, kind).next().is_none();
        let is_given = |grant: &&GrantType| {
            !is_allowed(**grant, ClientType::Public) && is_allowed(**grant, self.client_type())
        };
        let given = existing.into_iter().flat_map(|existing| &existing.grant_types).filter(is_given);
        let mut all = self.usable_grant_types(profile)?;
        all.extend(given.map(|grant| grant.as_str().to_owned()));
        Ok(all)
    }

    /// The scopes that anybody may assign, and of these the ones that the document names if it names any.
    pub(super) fn usable_scopes(&self, registry: &ScopeRegistry) -> Vec<String> {
        let open = registry.scopes().iter().filter(|scope| scope.assignment == Assignment::Anyone);
        let open: Vec<&String> = open.map(|scope| &scope.name).collect();
        let named: Vec<&String> = match &self.scopes {
            Some(names) => open.iter().copied().filter(|name| names.contains(name)).collect(),
            None => Vec::new(),
        };
        let usable = if named.is_empty() { open } else { named };
        usable.into_iter().take(MOST_SCOPES_OF_APPLICATION).cloned().collect()
    }
}
