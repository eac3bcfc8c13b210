//! What a page says about an application before a user decides about it.

use oauth::application::{Application, ClientPages};
use oauth::client_document;

use super::{HandedOver, When};

/// The maximum length of a name that headings show in full, in characters; beyond it, they show two lines.
const LONGEST_IN_FULL: usize = 40;

/// An application for a page: its name, who registered it, and what its developer wrote. The templates
/// `provenance.html` and `developer_words.html` show it.
pub(crate) struct AboutApplication<'a> {
    pub(crate) name: &'a str,
    /// Whether somebody who runs this server answers for it.
    pub(crate) is_verified: bool,
    pub(crate) description: &'a str,
    pub(crate) contacts: &'a [String],
    pub(crate) logo_url: Option<&'a str>,
    pub(crate) pages: Vec<PageOfDeveloper<'a>>,
    pub(crate) document_host: Option<String>,
    pub(crate) registered_itself: bool,
    pub(crate) created_by: &'a str,
    pub(crate) registered_at: When,
    pub(crate) handed_over: Option<HandedOver>,
}

impl<'a> AboutApplication<'a> {
    pub(crate) fn of(application: &'a Application, is_verified: bool) -> Self {
        let settings = &application.settings;
        Self {
            name: &settings.name,
            is_verified,
            description: &settings.description,
            contacts: &settings.contacts,
            logo_url: settings.logo_url.as_deref(),
            pages: pages(&settings.client_metadata.pages),
            document_host: client_document::host(&application.client_id),
            registered_itself: settings.client_metadata.self_registered.is_some(),
            created_by: application.created_by(),
            registered_at: application.created_at.into(),
            handed_over: HandedOver::of(application),
        }
    }

    /// Whether headings show only the beginning of the name.
    pub(crate) fn has_long_name(&self) -> bool {
        self.name.chars().count() > LONGEST_IN_FULL
    }

    /// Whether its developer wrote anything besides the name.
    pub(crate) fn has_words(&self) -> bool {
        !self.description.is_empty() || self.has_addresses()
    }

    /// Whether its developer gave an address.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.contacts.is_empty() || self.logo_url.is_some() || !self.pages.is_empty()
    }
}

/// A page of the developer that people may read: "the server SHOULD display this URL to the end-user" ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). It is no link, because nobody has checked where it leads.
pub(crate) struct PageOfDeveloper<'a> {
    pub(crate) what: &'static str,
    pub(crate) address: &'a str,
}

fn pages(named: &ClientPages) -> Vec<PageOfDeveloper<'_>> {
    let all = [
        ("Web site", &named.client_uri),
        ("Terms of service", &named.tos_uri),
        ("Privacy policy", &named.policy_uri),
    ];
    let given = all.into_iter().filter_map(|(what, address)| Some((what, address.as_deref()?)));
    given.map(|(what, address)| PageOfDeveloper { what, address }).collect()
}

/// One with every part, or with as few as possible.
#[cfg(test)]
pub(crate) fn sample(contacts: &[String], is_full: bool) -> AboutApplication<'_> {
    use super::tests::HOSTILE;
    let at = || When::from(domain::time::Timestamp::from_secs(1_760_000_000));
    AboutApplication {
        name: HOSTILE,
        is_verified: !is_full,
        description: if is_full { HOSTILE } else { "" },
        contacts: if is_full { contacts } else { &[] },
        logo_url: is_full.then_some(HOSTILE),
        pages: is_full
            .then_some(PageOfDeveloper { what: "Web site", address: HOSTILE })
            .into_iter()
            .collect(),
        document_host: is_full.then(|| HOSTILE.to_owned()),
        registered_itself: !is_full,
        created_by: HOSTILE,
        registered_at: at(),
        handed_over: is_full.then(|| HandedOver { to: HOSTILE.to_owned(), at: at() }),
    }
}
