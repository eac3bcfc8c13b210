//! The model of a data source, and the document with which its owner shapes it.

use std::sync::Arc;

use domain::account::{DataSource, Permission};
use domain::audit::Action;
use domain::id::DataSourceId;
use odata::model::Model;
use odata::model::document::{LONGEST_DOCUMENT, ModelDocument};
use sources::documents::serialized;
use store::{ModelChange, ModelPrecondition};

use super::{DataSourceError, DataSourceService, has_database};
use crate::data::models::SourceOpener;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::management::administration::FieldFault;

/// A model as a certain user sees it.
#[derive(Debug)]
pub struct SeenModel {
    /// The compiled model, if it was asked for. Its findings name what is not served.
    pub compiled: Option<Arc<Model>>,
    /// The document, if the user manages the data source, and so may also see the findings.
    pub document: Option<ModelDocument>,
    /// The version of the document; 0 if there never was one.
    pub document_version: i64,
}

/// A new document, and the state that the stored one must have.
#[derive(Debug)]
pub struct ModelWrite {
    /// The document; `None` deletes it.
    pub document: Option<ModelDocument>,
    /// The state of the stored one.
    pub precondition: ModelPrecondition,
}

impl DataSourceService {
    /// The model of a data source.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Unusable` if its database cannot be opened or described.
    pub async fn model(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<Arc<Model>, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let record = has_database(self.visible_source(actor, id, origin).await?)?;
        Ok(SourceOpener::of(&self.context).opened(&record).await?.model.clone())
    }

    /// Reads the structure of the database again: on this node at once, on other nodes with their next
    /// request.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Unusable` if it cannot be read, in which case the old model stays in use.
    pub async fn reload_model(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<SeenModel, DataSourceError> {
        let record = self.managed_source(actor, id, Permission::ModifyDataSource, origin).await?;
        let record = has_database(record)?;
        SourceOpener::of(&self.context).reopen(&record).await?;
        let audit = self.audit_source(actor, Action::ReloadModel, &record.name, origin);
        let record = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context.store.touch_data_source(id, self.context.now(), audit).await?,
                origin,
            )
            .await?;
        self.context.entities.forget_data_sources();
        let opener = SourceOpener::of(&self.context);
        let compiled = Some(opener.reopen(&record).await?.model.clone());
        let document = Some(opener.document_of(&record).await?);
        Ok(SeenModel { compiled, document, document_version: record.model_version })
    }

    /// The model of a data source, compiled only if that is asked for, so that the document can be read while the
    /// database cannot.
    ///
    /// # Errors
    /// As for [`DataSourceService::model`].
    pub async fn seen_model(
        &self,
        actor: &Actor,
        id: DataSourceId,
        compiled: bool,
        origin: &RequestOrigin,
    ) -> Result<SeenModel, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let record = has_database(self.visible_source(actor, id, origin).await?)?;
        let opener = SourceOpener::of(&self.context);
        let compiled = if compiled {
            let whole = opener.opened(&record).await?;
            let is_managed = actor.reaches(record.owner);
            let seen = if is_managed { whole } else { whole.readable_by(actor.subject()) };
            Some(seen.model.clone())
        } else {
            None
        };
        let document = self.managed_document(actor, &record).await?;
        Ok(SeenModel { compiled, document, document_version: record.model_version })
    }

    async fn managed_document(
        &self,
        actor: &Actor,
        record: &DataSource,
    ) -> Result<Option<ModelDocument>, DataSourceError> {
        if !actor.reaches(record.owner) {
            return Ok(None);
        }
        Ok(Some(SourceOpener::of(&self.context).document_of(record).await?))
    }

    /// Everything that is not served, or under another name, and why. Only those who manage the data source see it,
    /// because it names what is hidden from others.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Unusable` if the database cannot be opened or described.
    pub async fn managed_model(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<Arc<Model>, DataSourceError> {
        let record = self.managed_source(actor, id, Permission::ViewDataSource, origin).await?;
        let record = has_database(record)?;
        Ok(SourceOpener::of(&self.context).opened(&record).await?.model.clone())
    }

    /// Stores or deletes the document of a data source. Every node applies it within a second.
    ///
    /// # Errors
    /// [`DataSourceError::ModelChanged`] if the stored document is in another state than the write demands; nothing has
    /// changed then.
    pub async fn write_model(
        &self,
        actor: &Actor,
        id: DataSourceId,
        write: ModelWrite,
        origin: &RequestOrigin,
    ) -> Result<SeenModel, DataSourceError> {
        let record = has_database(self.to_change(actor, id, origin).await?)?;
        let ModelWrite { document, precondition } = write;
        let json = document.as_ref().map(stored).transpose()?;
        let action = if json.is_some() { Action::UpdateModel } else { Action::DeleteModel };
        let audit = self.audit_source(actor, action, &record.name, origin);
        let change = ModelChange { document: json, precondition, at: self.context.now() };
        let record = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context.store.change_model_document(id, change, audit).await?,
                origin,
            )
            .await?;
        self.context.entities.forget_data_sources();
        let document = Some(document.unwrap_or_default());
        Ok(SeenModel { compiled: None, document, document_version: record.model_version })
    }
}

/// The document in the form to store.
fn stored(document: &ModelDocument) -> Result<String, DataSourceError> {
    let faults = document.faults();
    if !faults.is_empty() {
        let named = faults.into_iter().map(|fault| FieldFault::new(fault.path, fault.message));
        return Err(DataSourceError::Invalid(named.collect()));
    }
    serialized(document).ok_or_else(|| {
        let message = format!("is longer than {LONGEST_DOCUMENT} bytes");
        DataSourceError::Invalid(vec![FieldFault::new("", message)])
    })
}
