//! The model document of a data source: from the store into the model.

use std::sync::Arc;

use domain::account::DataSource;
use odata::model::document::ModelDocument;
use odata::model::{Finding, Model};
use odata::rules::AccessRules;
use sources::documents::parsed;
use sources::{Described, Source};
use store::fold_name;

use super::parts::PartCache;
use super::{OpenedSource, SourceOpener, UNRESTRICTED};
use crate::Fault;

impl SourceOpener<'_> {
    /// The document of a data source. It may be newer than the record. One that this program does not understand may
    /// hide something, so nothing is served without it.
    pub(crate) async fn document_of(self, record: &DataSource) -> Result<ModelDocument, Fault> {
        if record.model_version == 0 {
            return Ok(ModelDocument::default());
        }
        let stored = self.context.store.find_model_document(record.id).await?;
        let document = stored.map_or_else(|| Ok(ModelDocument::default()), |json| parsed(&json));
        document.map_err(|error| Fault::Broken(Box::new(error)))
    }
}

impl OpenedSource {
    /// Compiles the model of a database as its owner shapes it.
    pub(super) fn compile(
        source: Arc<Source>,
        namespace: &str,
        mut described: Described,
        document: &ModelDocument,
        writable: bool,
    ) -> Self {
        if !writable {
            for table in &mut described.schema.tables {
                table.changes.possible = false;
            }
        }
        let mut model = compile(namespace, described, document);
        let rules = AccessRules::of(document, &model, fold_name);
        model.findings.extend(rules.findings(&model));
        Self {
            source,
            parts: Arc::new(PartCache::of(&model)),
            model: Arc::new(model),
            metadata: Arc::default(),
            is_outdated: Arc::default(),
            policy_version: UNRESTRICTED,
            records_requests: document.record_requests,
            rules: Arc::new(rules),
        }
    }
}

/// Compiles the model of a database. Its findings start with those of the driver and those of an import.
fn compile(namespace: &str, described: Described, document: &ModelDocument) -> Model {
    let mut model = Model::shaped(namespace, described.schema, document);
    let refused = described.refused.into_iter().map(|(_, finding)| finding);
    let imported = document.import_findings.iter();
    let imported =
        imported.map(|found| Finding { subject: found.subject.clone(), message: found.message.clone() });
    model.findings.splice(0..0, refused.chain(described.findings).chain(imported));
    model
}
