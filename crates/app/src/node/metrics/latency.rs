//! The duration of requests, by area.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{AreaLabels, Word};

const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// The areas; a request of any other area counts as the last.
pub(super) const AREAS: [&str; 5] = ["oauth", "management", "odata", "mcp", "page"];

/// A histogram for each area, accessible without a lock.
#[derive(Debug)]
pub struct Latency {
    family: Family<AreaLabels, Histogram, fn() -> Histogram>,
    of_area: [Histogram; AREAS.len()],
}

impl Default for Latency {
    fn default() -> Self {
        let family = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let of_area = AREAS.map(|area| family.get_or_create_owned(&AreaLabels { area: Word(area) }));
        Self { family, of_area }
    }
}

impl Latency {
    /// The histogram of an area.
    pub fn of(&self, area: &str) -> &Histogram {
        let at = AREAS.iter().position(|known| *known == area).unwrap_or(AREAS.len() - 1);
        &self.of_area[at]
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Seconds from the first byte of a request to the end of its response's head, by area";
        registry.register("request_seconds", help, self.family.clone());
    }
}
