//! The sector that a client claims when it registers itself.

use domain::account::network::Network;
use oauth::application::ApplicationSettings;
use oauth::client_registration::MetadataFault;

use super::{ClientRegistrationRefusal, ClientRegistrationService};
use crate::identity::caller::RequestOrigin;
use crate::node::sectors::{self, ReadSector, SectorOf};

impl ClientRegistrationService {
    /// Reads the document of the sector that the settings name, unless the existing ones have the same. A replacement for
    /// which it is read counts as a registration, because the server sends a request for it.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal::Invalid`] if the document does not list the redirect URIs, or `TooOften`.
    pub(super) async fn read_sector(
        &self,
        settings: &ApplicationSettings,
        existing: Option<&ApplicationSettings>,
        origin: &RequestOrigin,
    ) -> Result<ReadSector, ClientRegistrationRefusal> {
        let context = &self.context;
        let reads_again = existing.is_some_and(|existing| !ReadSector::of(existing).covers(settings));
        if reads_again && let Some(network) = origin.address.map(Network::of) {
            self.count(network)?;
        }
        let read = context.outbound.read_sector(SectorOf::Stranger, settings, existing).await;
        read.map_err(|fault| MetadataFault::of(&[fault]).into())
    }
}

/// The settings, if the document of their sector was read with these redirect URIs.
pub(super) fn sector_is_read(
    read: &ReadSector,
    settings: ApplicationSettings,
    existing: &ApplicationSettings,
) -> Result<ApplicationSettings, MetadataFault> {
    if read.covers(&settings) || ReadSector::of(existing).covers(&settings) {
        Ok(settings)
    } else {
        Err(MetadataFault::of(&[sectors::changed_meanwhile()]))
    }
}
