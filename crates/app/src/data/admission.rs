//! Who may read which data source.

use std::sync::Arc;

use domain::account::{DataSource, Permission, data_source};
use oauth::resource::{self, DataEndpoint};
use oauth::step_up::Unmet;

use super::request_user::login_is_taken;
use super::sign_in_demands::demands_of;
use super::{DataRefusal, DataService, reaches};
use crate::Fault;
use crate::identity::authentication::Callers;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::node::entity_cache::Entities;

/// A data source to which a caller was admitted for one request. Only [`DataService::admit`] creates one.
#[derive(Debug, Clone)]
pub struct AdmittedSource(pub(super) Arc<DataSource>);

impl AdmittedSource {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl DataService {
    /// Whether the caller may read data at the endpoint at all. The scope is checked first, then the permission: neither
    /// refusal reveals anything about a source.
    ///
    /// # Errors
    /// If not, or if the refusal cannot be recorded.
    pub async fn may_read_data(
        &self,
        caller: &Caller,
        endpoint: DataEndpoint,
        origin: &RequestOrigin,
    ) -> Result<(), DataRefusal> {
        let scope = endpoint.scope();
        if !endpoint.scopes().iter().any(|scope| caller.covers(*scope)) {
            let why = format!("the token does not cover {}", scope.as_str());
            self.audit_refusal(caller, &why, None, origin).await?;
            return Err(DataRefusal::MissingScope(scope));
        }
        if !caller.may(Permission::UseDataSourceWithOData) {
            self.audit_refusal(caller, "lacks UseDataSourceWithOData", None, origin).await?;
            return Err(DataRefusal::MissingPermission);
        }
        Ok(())
    }

    /// Finds a source by name, if the caller may read data at the endpoint, and owns the source or it is shared with the
    /// caller.
    ///
    /// # Errors
    /// As for [`DataService::read`], before anything of the source is read.
    pub async fn admit(
        &self,
        caller: &Caller,
        endpoint: DataEndpoint,
        source: &str,
        origin: &RequestOrigin,
    ) -> Result<AdmittedSource, DataRefusal> {
        self.may_read_data(caller, endpoint, origin).await?;
        // A text that names nothing may be of any length, and a refusal is recorded with its subject.
        data_source::check_name(source).map_err(|_| DataRefusal::UnknownSource)?;
        let record = Entities::of(&self.context).data_source_by_name(source).await.map_err(Fault::from)?;
        let name = record.as_ref().map_or(source, |record| &record.name);
        if !self.is_within_token(caller, endpoint, name) {
            let why = "the token is limited to other resources";
            self.audit_refusal(caller, why, Some(name), origin).await?;
            return Err(DataRefusal::OtherResources);
        }
        let record = record.ok_or(DataRefusal::UnknownSource)?;
        self.admit_to(caller, &record, origin).await?;
        Ok(AdmittedSource(record))
    }

    /// Admits a caller, who may read data at all, to a data source, whatever its address.
    pub(super) async fn admit_to(
        &self,
        caller: &Caller,
        record: &DataSource,
        origin: &RequestOrigin,
    ) -> Result<(), DataRefusal> {
        // Before the reach of the token, which would tell a source of somebody else from one that does not exist.
        if !record.is_readable_by(caller.account().user.id) {
            let why = "neither owns the data source nor shares it";
            self.audit_refusal(caller, why, Some(&record.name), origin).await?;
            return Err(DataRefusal::UnknownSource);
        }
        if !reaches(caller, record) {
            let why = "the token is limited to other data";
            self.audit_refusal(caller, why, Some(&record.name), origin).await?;
            return Err(DataRefusal::NotGranted);
        }
        login_is_taken(caller, record)?;
        self.sign_in_is_enough(caller, record, origin).await
    }

    /// Demands a better sign-in if the data source does.
    pub(super) async fn sign_in_is_enough(
        &self,
        caller: &Caller,
        record: &DataSource,
        origin: &RequestOrigin,
    ) -> Result<(), DataRefusal> {
        let demands = demands_of(record);
        if !demands.is_demanded() {
            return Ok(());
        }
        let sign_in = Callers::of(&self.context).sign_in_of(caller).await?;
        let Err(unmet) = demands.judge(sign_in, self.context.now()) else { return Ok(()) };
        let why = match unmet {
            Unmet::SecondFactor => "the sign-in had no second factor, which this data source demands",
            Unmet::Age(_) => "the sign-in is too old for this data source",
        };
        self.audit_refusal(caller, why, Some(&record.name), origin).await?;
        Err(DataRefusal::of_sign_in(unmet, demands))
    }

    /// Whether the token of the caller, if there is one, reaches the source ([RFC 8707
    /// §3](https://www.rfc-editor.org/rfc/rfc8707#section-3)).
    pub(super) fn is_within_token(&self, caller: &Caller, endpoint: DataEndpoint, source: &str) -> bool {
        let public_url = &self.context.settings.public_url;
        let is_included = |resources| resource::include_source(resources, endpoint, source, public_url);
        caller.resources().is_none_or(is_included)
    }
}
