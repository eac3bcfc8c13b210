//! Allow-lists of addresses: from where the parts of the server may be used, by everybody, by a user, or by an application.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::address_range::AddressRange;
use crate::id::{ApplicationId, UserId};

/// A part of the server that a list protects, with Hybrid Data Pipeline's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerPart {
    /// The management API outside of its administrative part.
    ManagementApi,
    /// The administrative part of the management API.
    AdminApi,
    /// Data over OData and the tools of agents, and the token endpoint.
    DataAccess,
    /// The pages: signing in, consent, and the account.
    WebUi,
}

impl ServerPart {
    /// All of them, in the order of their names in documents.
    pub const ALL: [Self; 4] = [Self::ManagementApi, Self::AdminApi, Self::DataAccess, Self::WebUi];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManagementApi => "managementAPI",
            Self::AdminApi => "adminAPI",
            Self::DataAccess => "dataAccess",
            Self::WebUi => "webUI",
        }
    }

    /// The resource with that name, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == name)
    }
}

/// Whose lists they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AllowListOwner {
    /// Those of the installation, for everybody.
    System,
    /// Those of a user.
    User(UserId),
    /// Those of an application, for its own requests and for those with its tokens.
    Application(ApplicationId),
}

impl fmt::Display for AllowListOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the installation"),
            Self::User(id) => write!(f, "user {id}"),
            Self::Application(id) => write!(f, "application {id}"),
        }
    }
}

/// The maximum number of ranges in a list.
pub const MOST_RANGES: usize = 100;
/// The maximum number of users that have lists, and of applications.
pub const MOST_OWNERS: u32 = 1_000;
/// The maximum number of applications of one user that have lists.
pub const MOST_APPLICATIONS_OF_ONE: u32 = 50;

/// The lists of one owner, by the part of the server that they protect. A part without a list, or with an empty one, is
/// open to every address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowLists {
    lists: BTreeMap<ServerPart, Vec<AddressRange>>,
    is_unreadable: bool,
}

impl AllowLists {
    /// The lists with this content; empty ones are left out.
    pub fn new(lists: impl IntoIterator<Item = (ServerPart, Vec<AddressRange>)>) -> Self {
        let lists = lists.into_iter().filter(|(_, ranges)| !ranges.is_empty()).collect();
        Self { lists, is_unreadable: false }
    }

    /// Lists that are stored and cannot be read. They admit nobody, until they are replaced.
    pub fn unreadable() -> Self {
        Self { lists: BTreeMap::new(), is_unreadable: true }
    }

    /// Whether they are stored and cannot be read.
    pub const fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty() && !self.is_unreadable
    }

    /// The lists that are not empty.
    pub fn iter(&self) -> impl Iterator<Item = (ServerPart, &[AddressRange])> {
        self.lists.iter().map(|(resource, ranges)| (*resource, ranges.as_slice()))
    }

    /// The ranges of a list; empty if every address is allowed.
    pub fn ranges(&self, resource: ServerPart) -> &[AddressRange] {
        self.lists.get(&resource).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a request from the address may use the part of the server. Where there is a list, an unknown address may not.
    pub fn admit(&self, resource: ServerPart, address: Option<IpAddr>) -> bool {
        let ranges = self.ranges(resource);
        let is_listed = |address| ranges.iter().any(|range| range.contains(address));
        !self.is_unreadable && (ranges.is_empty() || address.is_some_and(is_listed))
    }

    /// The stored form: `{"dataAccess":[["192.0.2.1","192.0.2.9"]]}`.
    pub fn to_json(&self) -> String {
        let lists = self.iter().map(|(resource, ranges)| {
            let ranges = ranges.iter().map(|range| [range.first().to_string(), range.last().to_string()]);
            (resource.as_str().to_owned(), ranges.map(serde_json::Value::from_iter).collect())
        });
        serde_json::Value::Object(lists.collect()).to_string()
    }

    /// Reads the stored form. What this version does not know was written by a newer one, and is not enforced by this one.
    pub fn from_json(text: &str) -> Option<Self> {
        let lists: BTreeMap<String, Vec<(IpAddr, IpAddr)>> = serde_json::from_str(text).ok()?;
        let mut known = Vec::new();
        for (name, ranges) in lists {
            let Some(resource) = ServerPart::from_name(&name) else { continue };
            let ranges: Option<Vec<_>> =
                ranges.into_iter().map(|(first, last)| AddressRange::between(first, last)).collect();
            known.push((resource, ranges?));
        }
        Some(Self::new(known))
    }

    /// The lists in words, for the audit log.
    pub fn in_words(&self) -> String {
        let list = |(resource, ranges): (ServerPart, &[AddressRange])| {
            let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            format!("{} from {}", resource.as_str(), ranges.join(", "))
        };
        let lists: Vec<String> = self.iter().map(list).collect();
        if lists.is_empty() { "no list".to_owned() } else { lists.join("; ") }
    }
}

/// All lists of an installation.
#[derive(Debug, Clone, Default)]
pub struct AllAllowLists {
    system: AllowLists,
    users: HashMap<UserId, AllowLists>,
    applications: HashMap<ApplicationId, AllowLists>,
}

impl AllAllowLists {
    /// Collects lists by their owners.
    pub fn new(lists: impl IntoIterator<Item = (AllowListOwner, AllowLists)>) -> Self {
        let mut all = Self::default();
        for (owner, lists) in lists {
            match owner {
                AllowListOwner::System => all.system = lists,
                AllowListOwner::User(id) => drop(all.users.insert(id, lists)),
                AllowListOwner::Application(id) => drop(all.applications.insert(id, lists)),
            }
        }
        all
    }

    /// Whether a request from the address may use the part of the server: for each of the installation, the user and the
    /// application, if it has a list.
    pub fn admit(
        &self,
        resource: ServerPart,
        user: Option<UserId>,
        application: Option<ApplicationId>,
        address: Option<IpAddr>,
    ) -> bool {
        let of_user = user.and_then(|id| self.users.get(&id));
        let of_application = application.and_then(|id| self.applications.get(&id));
        [Some(&self.system), of_user, of_application]
            .into_iter()
            .flatten()
            .all(|lists| lists.admit(resource, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(resource: ServerPart, ranges: &[&str]) -> AllowLists {
        AllowLists::new([(resource, ranges.iter().map(|range| range.parse().unwrap()).collect())])
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_protects_its_part_only_and_an_empty_one_nothing() {
        let data = lists(ServerPart::DataAccess, &["10.0.0.0/8", "2001:db8::/32"]);
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
            assert!(data.admit(ServerPart::DataAccess, Some(address(inside))), "{inside}");
        }
        for outside in ["11.0.0.1", "::ffff:11.0.0.1", "2001:db9::1", "::1"] {
            assert!(!data.admit(ServerPart::DataAccess, Some(address(outside))), "{outside}");
            assert!(data.admit(ServerPart::WebUi, Some(address(outside))), "{outside}");
        }
        assert!(!data.admit(ServerPart::DataAccess, None), "an unknown address is in no list");
        assert!(AllowLists::default().admit(ServerPart::DataAccess, None));
        assert!(lists(ServerPart::WebUi, &[]).is_empty());
    }

    #[test]
    fn lists_that_cannot_be_read_admit_nobody() {
        let unreadable = AllowLists::unreadable();
        assert!(!unreadable.is_empty());
        for resource in ServerPart::ALL {
            assert!(!unreadable.admit(resource, Some(address("10.0.0.1"))));
        }
        let (user, other) = (UserId::new(5), UserId::new(6));
        let all = AllAllowLists::new([(AllowListOwner::User(user), unreadable)]);
        let admit = |user| all.admit(ServerPart::WebUi, Some(user), None, Some(address("10.0.0.1")));
        assert!(!admit(user) && admit(other), "it is of one user only");
    }

    #[test]
    fn every_list_that_concerns_a_request_must_admit_it() {
        let resource = ServerPart::DataAccess;
        let (user, application) = (UserId::new(5), ApplicationId::new(6));
        let all = AllAllowLists::new([
            (AllowListOwner::System, lists(resource, &["10.0.0.0/8"])),
            (AllowListOwner::User(user), lists(resource, &["10.1.0.0/16"])),
            (AllowListOwner::Application(application), lists(resource, &["10.1.2.0/24"])),
        ]);
        let (other_user, other_application) = (UserId::new(7), ApplicationId::new(8));
        for (from, by, through, expected) in [
            ("10.1.2.3", Some(user), Some(application), true),
            ("10.1.3.3", Some(user), Some(application), false),
            ("10.1.3.3", Some(user), None, true),
            ("10.2.3.3", Some(user), None, false),
            ("10.2.3.3", Some(other_user), Some(other_application), true),
            ("11.2.3.3", Some(other_user), None, false),
            ("11.2.3.3", None, None, false),
        ] {
            assert_eq!(
                all.admit(resource, by, through, Some(address(from))),
                expected,
                "{from} {by:?} {through:?}"
            );
        }
    }

    #[test]
    fn lists_are_read_as_they_were_written() {
        let span = AddressRange::between("192.0.2.7".parse().unwrap(), "192.0.3.1".parse().unwrap()).unwrap();
        let both = AllowLists::new([
            (ServerPart::WebUi, vec![span, "2001:db8::/32".parse().unwrap()]),
            (ServerPart::AdminApi, vec!["192.0.2.1".parse().unwrap()]),
        ]);
        assert_eq!(AllowLists::from_json(&both.to_json()), Some(both.clone()));
        assert_eq!(
            both.in_words(),
            "adminAPI from 192.0.2.1; webUI from 192.0.2.7 to 192.0.3.1, 2001:db8::/32"
        );
        assert_eq!(
            AllowLists::from_json(r#"{"later":[["192.0.2.1","192.0.2.1"]]}"#),
            Some(AllowLists::default())
        );
        for broken in ["", "[]", r#"{"webUI":[["192.0.2.2","192.0.2.1"]]}"#, r#"{"webUI":["192.0.2.1"]}"#] {
            assert_eq!(AllowLists::from_json(broken), None, "{broken}");
        }
    }
}
