//! The wire form of allow-lists.

use std::collections::BTreeMap;

use domain::address_range::AddressRange;
use domain::allow_list::{AllowLists, ServerPart};
use serde::Serialize;

/// A range; a single address has no end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RangeResponse {
    start_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_address: Option<String>,
}

impl From<&AddressRange> for RangeResponse {
    fn from(range: &AddressRange) -> Self {
        let (first, last) = (range.first(), range.last());
        Self { start_address: first.to_string(), end_address: (first != last).then(|| last.to_string()) }
    }
}

/// The response about lists, with those that are empty.
pub(super) fn of(lists: &AllowLists) -> BTreeMap<&'static str, Vec<RangeResponse>> {
    let list = |resource: ServerPart| {
        (resource.as_str(), lists.ranges(resource).iter().map(RangeResponse::from).collect())
    };
    ServerPart::ALL.into_iter().map(list).collect()
}
