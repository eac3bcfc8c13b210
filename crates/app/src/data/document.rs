//! The metadata document of a source, written once for each model and kept with it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use odata::format::MetadataFormat;
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

/// The metadata document of one model in each format, written when it is first requested.
#[derive(Debug, Default)]
pub(crate) struct MetadataDocument {
    xml: OnceLock<Document>,
    json: OnceLock<Document>,
}

impl MetadataDocument {
    /// The document; `self` is the one of this model.
    pub(super) async fn of(
        self: &Arc<Self>,
        format: MetadataFormat,
        model: &Arc<Model>,
    ) -> Result<Document, Fault> {
        if let Some(document) = self.written(format).get() {
            return Ok(document.clone());
        }
        let is_small = model.entity_types.len() <= SMALL_MODEL;
        let (own, model) = (Arc::clone(self), Arc::clone(model));
        let write = move || own.written(format).get_or_init(|| Document::of(format, &model)).clone();
        if is_small {
            return Ok(write());
        }
        tokio::task::spawn_blocking(write).await.map_err(|panic| Fault::Broken(Box::new(panic)))
    }

    fn written(&self, format: MetadataFormat) -> &OnceLock<Document> {
        match format {
            MetadataFormat::Xml => &self.xml,
            MetadataFormat::Json => &self.json,
        }
    }
}

impl Document {
    fn of(format: MetadataFormat, model: &Model) -> Self {
        let bytes = match format {
            MetadataFormat::Xml => odata::csdl::xml(model),
            MetadataFormat::Json => odata::csdl::json(model),
        };
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
