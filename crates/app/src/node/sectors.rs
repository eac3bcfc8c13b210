//! Reading the document at `sector_identifier_uri` when an application is registered or changed, by a user or by itself.

use fetch::FetchRequest;
use oauth::application::ApplicationSettings;
use oauth::oidc::sector;
use oauth::registration::InvalidField;
use url::Url;

use crate::node::outbound::Outbound;

/// The sector of which a document was read, and the redirect URLs that it lists. The document is read again only if one
/// of them differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadSector {
    uri: Option<String>,
    redirect_urls: Vec<String>,
}

impl ReadSector {
    /// The sector of settings whose document was read.
    pub(crate) fn of(settings: &ApplicationSettings) -> Self {
        let openid = &settings.client_metadata.openid;
        Self { uri: openid.sector_identifier_uri.clone(), redirect_urls: settings.redirect_urls.clone() }
    }

    /// Whether the document of these settings needs no further reading.
    pub(crate) fn covers(&self, settings: &ApplicationSettings) -> bool {
        settings.client_metadata.openid.sector_identifier_uri.is_none() || *self == Self::of(settings)
    }
}

/// Whose sector it is. A stranger cannot hold up the requests for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectorOf {
    /// An application that a user registers.
    Owned,
    /// A client that registers itself.
    Stranger,
}

impl Outbound {
    /// Reads the document of these settings, unless the existing ones have the same.
    ///
    /// # Errors
    /// What is wrong with the member or its document.
    pub(crate) async fn read_sector(
        &self,
        whose: SectorOf,
        settings: &ApplicationSettings,
        existing: Option<&ApplicationSettings>,
    ) -> Result<ReadSector, InvalidField> {
        let read = ReadSector::of(settings);
        if existing.map(ReadSector::of).is_some_and(|existing| existing.covers(settings)) {
            return Ok(read);
        }
        let Some(uri) = &read.uri else { return Ok(read) };
        match self.fetch_sector(whose, uri, settings).await {
            Ok(()) => Ok(read),
            Err(message) => Err(fault(message)),
        }
    }

    async fn fetch_sector(
        &self,
        whose: SectorOf,
        uri: &str,
        settings: &ApplicationSettings,
    ) -> Result<(), String> {
        let fetcher = match whose {
            SectorOf::Owned => &self.sectors,
            SectorOf::Stranger => &self.sectors_of_strangers,
        };
        let url = Url::parse(uri).map_err(|_| "must be an https address".to_owned())?;
        let request =
            FetchRequest { url: &url, accept: "application/json", post: None, largest_body: sector::LARGEST };
        let response = fetcher.send(request).await.map_err(|error| error.to_string())?;
        if !response.status.is_success() {
            return Err(fetch::FetchError::Status(response.status.as_u16()).to_string());
        }
        sector::lists_every_redirect_url(&response.body, settings).map_err(|fault| fault.to_string())
    }
}

/// The fault of settings whose sector or redirect URLs were changed by somebody else since their document was read.
pub(crate) fn changed_meanwhile() -> InvalidField {
    fault("was changed meanwhile; try again".to_owned())
}

fn fault(message: String) -> InvalidField {
    InvalidField { field: "openid.sectorIdentifierUri".to_owned(), message, lacks_right: false }
}
