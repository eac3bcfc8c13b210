//! Records stored values that do not fit the model, while rows are written.

use super::DataService;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use odata::encode::InvalidValues;
use prometheus_client::metrics::counter::Counter;

use crate::data::models::OpenedSource;

/// Counts the values, and marks a model that the rows contradict.
#[derive(Clone)]
pub(super) struct InvalidValueRecorder {
    invalid_values: Counter,
    /// Set when rows contradict the model; the next request then compiles it again.
    is_outdated: Arc<AtomicBool>,
}

impl DataService {
    pub(super) fn recorder(&self, opened: &OpenedSource) -> InvalidValueRecorder {
        let invalid_values = self.context.metrics.odata_invalid_values.clone();
        InvalidValueRecorder { invalid_values, is_outdated: Arc::clone(&opened.is_outdated) }
    }
}

impl InvalidValueRecorder {
    /// `contradicts_model` says whether the rows contradict the model in another way than by invalid values.
    pub(super) fn note(&self, invalid_values: InvalidValues, contradicts_model: bool) {
        self.invalid_values.inc_by(invalid_values.values);
        if invalid_values.promised > 0 || contradicts_model {
            self.is_outdated.store(true, Ordering::Relaxed);
        }
    }
}
