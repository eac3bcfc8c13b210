//! The metadata document of a source, written once for each model and kept with it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use odata::model::Model;

use crate::Fault;

/// Models with more types are written off the request threads.
const SMALL_MODEL: usize = 100;

/// A document with its entity tag.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(super) bytes: Bytes,
    pub(super) tag: Arc<str>,
}

/// The metadata document of one model, written when it is first requested.
#[derive(Debug, Default)]
pub(crate) struct MetadataDocument(OnceLock<Document>);

impl MetadataDocument {
    /// The document; `self` is the one of this model.
    pub(super) async fn of(self: &Arc<Self>, model: &Arc<Model>) -> Result<Document, Fault> {
        if let Some(document) = self.0.get() {
            return Ok(document.clone());
        }
        let is_small = model.entity_types.len() <= SMALL_MODEL;
        let (own, model) = (Arc::clone(self), Arc::clone(model));
        let write = move || own.0.get_or_init(|| Document::of(&model)).clone();
        if is_small {
            return Ok(write());
        }
        tokio::task::spawn_blocking(write).await.map_err(|panic| Fault::Broken(Box::new(panic)))
    }
}

impl Document {
    fn of(model: &Model) -> Self {
        let bytes = odata::csdl::xml(model).into_bytes();
        let tag = entity_tag(&bytes);
        Self { bytes: bytes.into(), tag }
    }
}

/// A strong entity tag: a digest of the bytes.
fn entity_tag(bytes: &[u8]) -> Arc<str> {
    let digest = vault::sha256(bytes);
    let mut head = [0; 16];
    head.copy_from_slice(&digest[..16]);
    format!("\"{:032x}\"", u128::from_be_bytes(head)).into()
}
