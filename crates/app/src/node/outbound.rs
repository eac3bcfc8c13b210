//! The shares of the purposes for which this node sends requests to addresses that others name. Each purpose has requests,
//! names and hosts of its own, so that none of them can hold up another.

use std::time::Duration;

use fetch::Fetcher;

/// The maximum time for a request, unless somebody waits for it who would rather have an error sooner.
const LONGEST: Duration = Duration::from_secs(5);

/// A purpose, and how many of its requests run at once. Together they are as many as all purposes have in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchPurpose {
    /// Metadata documents of clients, which anybody can name. A user waits for them.
    ClientDocuments,
    /// The documents of those clients that a user has allowed.
    AllowedClientDocuments,
    /// The key sets of clients.
    ClientKeys,
    /// The key sets and discovery documents of trusted issuers.
    IssuerKeys,
    /// Request objects that an authorization request refers to.
    RequestObjects,
    /// Documents that list the redirect URLs of the sector of an application that a user registers.
    Sectors,
    /// The same of clients that register themselves.
    SectorsOfStrangers,
    /// Logout tokens.
    Logouts,
}

impl FetchPurpose {
    #[cfg(test)]
    const ALL: [Self; 8] = [
        Self::ClientDocuments,
        Self::AllowedClientDocuments,
        Self::ClientKeys,
        Self::IssuerKeys,
        Self::RequestObjects,
        Self::Sectors,
        Self::SectorsOfStrangers,
        Self::Logouts,
    ];

    const fn most(self) -> usize {
        match self {
            Self::ClientDocuments | Self::ClientKeys => 12,
            Self::AllowedClientDocuments => 4,
            Self::Sectors | Self::SectorsOfStrangers => 2,
            Self::IssuerKeys | Self::RequestObjects => 8,
            Self::Logouts => 16,
        }
    }

    const fn longest(self) -> Duration {
        match self {
            Self::ClientDocuments | Self::AllowedClientDocuments => Duration::from_secs(3),
            _ => LONGEST,
        }
    }

    /// The share of this purpose. Every call makes another one.
    pub(crate) fn share(self, fetcher: &Fetcher) -> Fetcher {
        fetcher.share(self.most(), self.longest())
    }
}

/// The shares of the purposes that keep nothing of what they fetch.
pub(crate) struct Outbound {
    pub(crate) request_objects: Fetcher,
    pub(crate) sectors: Fetcher,
    pub(crate) sectors_of_strangers: Fetcher,
    pub(crate) logouts: Fetcher,
}

impl Outbound {
    pub(crate) fn new(fetcher: &Fetcher) -> Self {
        Self {
            request_objects: FetchPurpose::RequestObjects.share(fetcher),
            sectors: FetchPurpose::Sectors.share(fetcher),
            sectors_of_strangers: FetchPurpose::SectorsOfStrangers.share(fetcher),
            logouts: FetchPurpose::Logouts.share(fetcher),
        }
    }
}

#[cfg(test)]
mod tests {
    use fetch::FetchLimits;

    use super::*;

    #[test]
    fn the_shares_are_all_that_there_is() {
        let together: usize = FetchPurpose::ALL.into_iter().map(FetchPurpose::most).sum();
        assert_eq!(together, FetchLimits::default().total);
    }
}
