//! What data sources demand of the sign-ins of their readers.

use domain::account::DataSource;
use oauth::step_up::StepUp;

/// What a data source demands of the sign-in of a caller. An age that is out of range demands the newest.
pub(super) fn demands_of(record: &DataSource) -> StepUp {
    StepUp {
        max_age_secs: record.max_authentication_age.map(|secs| u32::try_from(secs).unwrap_or_default()),
        second_factor: record.requires_second_factor,
    }
}
