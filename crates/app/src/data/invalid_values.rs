//! What did not fit the model, noted while rows are written.

use super::DataService;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use odata::encode::InvalidValues;
use prometheus_client::metrics::counter::Counter;

use crate::data::models::OpenedSource;

/// Where it is noted.
#[derive(Clone)]
pub(super) struct InvalidValueRecorder {
    invalid_values: Counter,
    /// Set when the rows belie the model, which is compiled again then.
    is_outdated: Arc<AtomicBool>,
}

impl DataService {
    pub(super) fn recorder(&self, opened: &OpenedSource) -> InvalidValueRecorder {
        let invalid_values = self.context.metrics().odata_misfits.clone();
        InvalidValueRecorder { invalid_values, is_outdated: Arc::clone(&opened.is_outdated) }
    }
}

impl InvalidValueRecorder {
    /// `is_belied` where the rows belie the model otherwise than by misfits.
    pub(super) fn note(&self, invalid_values: InvalidValues, is_belied: bool) {
        self.invalid_values.inc_by(invalid_values.values);
        if invalid_values.promised > 0 || is_belied {
            self.is_outdated.store(true, Ordering::Relaxed);
        }
    }
}
