//! The payload about allow-lists.

use std::net::IpAddr;

use domain::address_range::AddressRange;
use domain::allow_list::{AllowLists, ServerPart};

use crate::json::{Fields, FromJson, Json, PayloadFaults};

/// The lists: `{"dataAccess":[{"startAddress":"192.0.2.1","endAddress":"192.0.2.9"},{"network":"10.0.0.0/8"}]}`. A list that is
/// left out is empty.
#[derive(Debug)]
pub(crate) struct AllowListPayload(pub(super) AllowLists);

impl FromJson for AllowListPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let lists = ServerPart::ALL.map(|resource| {
            let ranges = fields.array(resource.as_str(), |element, path| range(element, path, faults));
            (resource, ranges.unwrap_or_default().into_iter().flatten().collect())
        });
        fields.finish();
        Self(AllowLists::new(lists))
    }
}

/// A network, an address, or the addresses from one to another; `None` after a fault.
fn range(json: &Json, path: &str, faults: &PayloadFaults) -> Option<AddressRange> {
    let mut fields = Fields::of(json, path, faults);
    let network = fields.string("network");
    let (first, last) = (fields.string("startAddress"), fields.string("endAddress"));
    let found = match (network, first, last) {
        (Some(network), None, None) => {
            let parsed = network.parse::<AddressRange>();
            if parsed.is_err() {
                let message = "must be a network such as \"10.0.0.0/8\": without bits behind its prefix, not of all addresses, and \
                               not of IPv4 and IPv6 together";
                fields.fault("network", message);
            }
            parsed.ok()
        }
        (None, Some(first), last) => {
            let first = address(&fields, "startAddress", first);
            let last = last.map_or(first, |last| address(&fields, "endAddress", last));
            let between = first.zip(last).map(|(first, last)| AddressRange::between(first, last));
            if between == Some(None) {
                fields.fault("endAddress", "must not come before startAddress, and must be of the same kind");
            }
            between.flatten()
        }
        _ => {
            fields.fault("startAddress", "is needed, alone or with endAddress; or else network alone");
            None
        }
    };
    fields.finish();
    found
}

fn address(fields: &Fields<'_>, name: &str, text: &str) -> Option<IpAddr> {
    let parsed: Option<IpAddr> = text.parse().ok();
    if parsed.is_none() {
        fields.fault(name, "must be an address such as \"192.0.2.1\" or \"2001:db8::1\"");
    }
    parsed
}
