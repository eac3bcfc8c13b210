//! Which requested resources exist ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)).

use oauth::refusal::Refusal;
use oauth::resource::{self, Requested, Resource};

use crate::protocol::client::ProtocolRefusal;
use crate::{Context, Fault};

impl Context {
    /// The canonical forms of the resources of an authorization request, or why they are refused. A data source that the user
    /// cannot read exists too, because nobody has signed in yet.
    pub(crate) async fn existing_resources(
        &self,
        requested: impl Iterator<Item = &str>,
    ) -> Result<Result<Vec<String>, Refusal>, Fault> {
        match resource::normalised(requested) {
            Ok(normalised) => Ok(resource::all_exist(self.find_resources(&normalised).await?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The resources of an access token: those of the request, or else those of the grant.
    pub(crate) async fn narrow_resources(
        &self,
        granted: &[String],
        requested: &[String],
    ) -> Result<Vec<String>, ProtocolRefusal> {
        if granted.is_empty() && requested.is_empty() {
            return Ok(Vec::new());
        }
        // What was granted is looked for in its normal form, like what is requested.
        let normalised = match requested {
            [] => resource::normalised(granted.iter().map(String::as_str))?,
            _ => requested.to_vec(),
        };
        let asked = self.find_resources(&normalised).await?;
        Ok(resource::narrowed(granted, asked, !requested.is_empty(), &self.settings.public_url)?)
    }

    /// The targets of a token exchange: what the request names, or else the resources of the subject token.
    pub(crate) async fn exchange_targets(
        &self,
        requested: &[String],
        limited: &[String],
    ) -> Result<Vec<Requested>, Fault> {
        if !requested.is_empty() {
            return self.find_resources(requested).await;
        }
        // What the token is limited to was canonical when it was issued, so it has a normal form.
        let normalised = resource::normalised(limited.iter().map(String::as_str)).unwrap_or_default();
        self.find_resources(&normalised).await
    }

    async fn find_resources(&self, normalised: &[String]) -> Result<Vec<Requested>, Fault> {
        if normalised.is_empty() {
            return Ok(Vec::new());
        }
        let (registry, public_url) = (self.scope_registry().await?, &self.settings.public_url);
        let mut all = Vec::with_capacity(normalised.len());
        for one in normalised {
            let found = match resource::find(one, &registry, public_url) {
                Some(Resource::Source(name)) => {
                    let record = self.data_source_by_name(&name).await?;
                    record.map(|record| Resource::Source(record.name.clone()))
                }
                found => found,
            };
            let found = found.map(|found| found.canonical(public_url));
            all.push(Requested { resource: one.clone(), found });
        }
        Ok(all)
    }
}
