//! The structure of the database behind a data source, as it is, not as the model document shapes it.

use domain::account::Permission;
use domain::id::DataSourceId;
use odata::model::Schema;

use super::{DataSourceError, DataSourceService, has_database};
use crate::Fault;
use crate::data::models::SourceOpener;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;

impl DataSourceService {
    /// The tables and views that the login of the data source can read, with the columns that could be served. It is for
    /// those who manage the data source, because it names what is hidden from others.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Unusable` if the database cannot be opened or described, `Fault` while another database is
    /// described for the user, or too many for others.
    pub async fn structure(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<Schema, DataSourceError> {
        let record = self.managed_source(actor, id, Permission::ViewDataSource, origin).await?;
        let record = has_database(record)?;
        let permit = self.context.models.may_examine(actor.caller().account().user.id);
        let permit = permit.ok_or(Fault::Busy)?;
        Ok(SourceOpener::of(&self.context).structure(&record, permit).await?)
    }
}
