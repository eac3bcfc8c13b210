//! To what a token request limits its access token.

use domain::id::UserId;
use oauth::application::Application;
use oauth::authorization_details::RequestedData;
use oauth::data_access::DataAccess;
use oauth::grant::AccessTokenDetails;
use oauth::refusal::Refusal;
use oauth::resource;
use oauth::scope::ScopeRegistry;

use super::TokenService;
use crate::protocol::data_access::ReachableData;
use crate::protocol::refusal::ProtocolRefusal;
use crate::protocol::resources::RequestedResources;

/// How a token request limits its access token, besides scopes.
#[derive(Clone, Copy)]
pub(super) struct Narrowing<'a> {
    /// The resources in their normal form; empty for those of the grant.
    pub(super) resources: &'a [String],
    /// The data; `None` for those of the grant.
    pub(super) data: Option<&'a RequestedData>,
    /// The application that sends the request.
    pub(super) client: &'a Application,
    /// The scopes that the request and the application may name.
    pub(super) scopes: &'a ScopeRegistry,
}

impl TokenService {
    /// Limits an access token of the user to what the request names.
    pub(super) async fn narrow(
        &self,
        details: &mut AccessTokenDetails,
        user: UserId,
        narrowing: Narrowing<'_>,
    ) -> Result<(), ProtocolRefusal> {
        details.resources =
            RequestedResources::of(&self.context).narrow(&details.resources, narrowing.resources).await?;
        self.narrow_data(&mut details.data, user, narrowing).await?;
        self.keep_reached(&mut details.resources, details.data.as_deref(), narrowing).await
    }

    /// Keeps the resources that the data of the token include.
    pub(super) async fn keep_reached(
        &self,
        resources: &mut Vec<String>,
        data: Option<&DataAccess>,
        narrowing: Narrowing<'_>,
    ) -> Result<(), ProtocolRefusal> {
        let refusal = match narrowing {
            Narrowing { resources: [], data: None, .. } => return Ok(()),
            Narrowing { resources: [], .. } => Refusal::AuthorizationDetailsNotGranted,
            _ => Refusal::ResourceOutsideData,
        };
        let Some(data) = data.filter(|_| !resources.is_empty()) else { return Ok(()) };
        // Boxed, because few tokens are limited in both ways.
        let are_reached =
            Box::pin(RequestedResources::of(&self.context).are_reached(resources, data)).await?;
        *resources = resource::reached(resources, &are_reached).ok_or(refusal)?;
        Ok(())
    }

    /// Limits an access to the data that the request names.
    pub(super) async fn narrow_data(
        &self,
        data: &mut Option<Box<DataAccess>>,
        user: UserId,
        narrowing: Narrowing<'_>,
    ) -> Result<(), ProtocolRefusal> {
        if let Some(requested) = narrowing.data {
            narrowing.client.settings.client_metadata.requests.may_name_data()?;
            // Boxed, because few requests name data.
            *data = Box::pin(ReachableData::of(&self.context).narrow_data(data.as_deref(), requested, user))
                .await?;
        }
        Ok(())
    }
}
