//! Testing a data source, before it is created or later: says exactly what is wrong with it, or what would be served.
//!
//! A test reaches no further than creating or reading the data source: the same rights, the same places, the same
//! connections. It is bounded in time and in number.

use domain::audit::Action;
use domain::id::DataSourceId;
use odata::model::Finding;
use odata::model::document::ModelDocument;
use sources::{SourceError, SourceSpec};

use super::{DataSourceDraft, DataSourceError, DataSourceService};
use crate::Fault;
use crate::data::models::{Examination, SourceOpener, off_request_threads};
use crate::data::spec::SourceSpecs;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::node::audit_throttle::{ThrottleKey, ThrottledAudit};

/// The result of a test.
#[derive(Debug)]
pub struct SourceTest {
    /// What was found out.
    pub code: TestCode,
    /// What that means and what to do, in sentences.
    pub message: String,
    /// The product and its version, as the server names them; `None` if the database cannot be read, or if the user does
    /// not manage the data source.
    pub product: Option<String>,
    /// The number of tables and views that would be served, also to others; `None` if the user does not manage the data
    /// source.
    pub tables: Option<usize>,
    /// What cannot be served, or only with restrictions.
    pub findings: Vec<Finding>,
}

/// What a test has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCode {
    /// Tables can be served.
    Usable,
    /// A declaration of the owner does not hold.
    DeclarationRefused,
    /// The user of the data source may read none of the tables.
    NoReadableTable,
    /// The database has no tables.
    NoTable,
    /// The database has tables, of which none can be served.
    NoServedTable,
    /// The database cannot be read, for the reason with this code.
    Unusable(&'static str),
}

impl TestCode {
    /// The stable code for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "Usable",
            Self::DeclarationRefused => "DeclarationRefused",
            Self::NoReadableTable => "NoReadableTable",
            Self::NoTable => "NoTable",
            Self::NoServedTable => "NoServedTable",
            Self::Unusable(code) => code,
        }
    }

    fn of(examination: &Examination) -> Self {
        match examination {
            Examination { refused, .. } if !refused.is_empty() => Self::DeclarationRefused,
            Examination { served: 1.., .. } => Self::Usable,
            Examination { readable: 1.., .. } => Self::NoServedTable,
            Examination { unreadable: 1.., .. } => Self::NoReadableTable,
            _ => Self::NoTable,
        }
    }

    /// What an examination with this result means, and what to do.
    const fn message(self) -> &'static str {
        match self {
            Self::Usable => "The database can be served.",
            Self::DeclarationRefused => {
                "A declaration of the data source does not hold. Correct the options; the findings say what is wrong."
            }
            Self::NoReadableTable => {
                "The user of the data source may read none of the tables. Let the user read them."
            }
            Self::NoTable => {
                "The database has no tables that the user of the data source can see. Check that it is the right database \
                 and names the right schemas, and let the user read its tables."
            }
            Self::NoServedTable => "None of the tables can be served. The findings say why.",
            Self::Unusable(_) => "The database cannot be used.",
        }
    }
}

impl From<Examination> for SourceTest {
    fn from(examination: Examination) -> Self {
        let code = TestCode::of(&examination);
        let Examination { product, mut refused, findings, served, .. } = examination;
        refused.extend(findings);
        let message = code.message().to_owned();
        Self { code, message, product: Some(product), tables: Some(served), findings: refused }
    }
}

impl From<&SourceError> for SourceTest {
    fn from(error: &SourceError) -> Self {
        let reason = error.to_string();
        let mut characters = reason.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        let reason: String = first.into_iter().chain(characters).collect();
        Self {
            code: TestCode::Unusable(error.code()),
            message: format!("{reason}. {}", error.advice()),
            product: None,
            tables: Some(0),
            findings: Vec::new(),
        }
    }
}

impl DataSourceService {
    /// Tests a data source before it is created, with the rights that creating it needs. Nothing is stored.
    ///
    /// # Errors
    /// [`DataSourceError`] for a draft that is refused before anything is opened; `Fault` while other tests run.
    pub async fn test_new(
        &self,
        actor: &Actor,
        draft: DataSourceDraft,
        origin: &RequestOrigin,
    ) -> Result<SourceTest, DataSourceError> {
        self.may_create(actor, origin).await?;
        let (name, kind) = draft.name_and_kind(self.context.sources.kinds())?;
        let spec = self.new_spec(actor, kind, draft.options.unwrap_or_default()).await;
        let spec = self.noting_forbidden_files(actor, spec, origin).await;
        self.test(actor, &name, spec, ModelDocument::default(), origin).await
    }

    /// Tests a data source as it is stored, with the rights that reading its model needs.
    ///
    /// # Errors
    /// [`DataSourceError::Forbidden`] without `ViewDataSource`, [`DataSourceError::Unknown`]; `Fault` while other tests
    /// run.
    pub async fn test_stored(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<SourceTest, DataSourceError> {
        let seen = self.find(actor, id, origin).await?;
        if seen.record.is_group() {
            return Err(DataSourceError::IsGroup);
        }
        let specs = SourceSpecs::of(&self.context);
        let locations = specs.every_location();
        let document = SourceOpener::of(&self.context).document_of(&seen.record).await?;
        let spec = match specs.spec_of(&seen.record) {
            Ok(spec) => {
                let (spec, _) = spec.shaped(&document);
                off_request_threads(spec.placement(), async move { spec.allowed(&locations) }).await?
            }
            Err(error) => Err(error),
        };
        let spec = spec.map_err(DataSourceError::Unusable);
        let mut test = self.test(actor, &seen.record.name, spec, document, origin).await?;
        if !seen.manages {
            test.product = None;
            test.tables = None;
            test.findings.clear();
        }
        Ok(test)
    }

    async fn test(
        &self,
        actor: &Actor,
        name: &str,
        spec: Result<SourceSpec, DataSourceError>,
        document: ModelDocument,
        origin: &RequestOrigin,
    ) -> Result<SourceTest, DataSourceError> {
        let permit = self.context.models.may_examine(actor.caller().account().user.id);
        let permit = permit.ok_or(Fault::Busy)?;
        let examined = match spec {
            Ok(spec) => SourceOpener::of(&self.context).examine(spec, document, permit).await?,
            Err(DataSourceError::Unusable(error)) => Err(error),
            Err(refused) => return Err(refused),
        };
        let test = match examined {
            Ok(examination) => SourceTest::from(examination),
            Err(error) => {
                tracing::info!(
                    request_id = &*origin.request_id,
                    %error,
                    detail = error.detail(),
                    "a tested database cannot be read"
                );
                SourceTest::from(&error)
            }
        };
        self.audit_test(actor, name, test.code, origin).await?;
        Ok(test)
    }

    async fn audit_test(
        &self,
        actor: &Actor,
        name: &str,
        code: TestCode,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let mut event = self.audit_source(actor, Action::TestDataSource, name, origin);
        let code = code.as_str();
        event.detail =
            Some(event.detail.map_or_else(|| code.to_owned(), |detail| format!("{code}, {detail}")));
        // The caller chooses the name, so it is not part of the key.
        let key = ThrottleKey::Event {
            action: event.action,
            actor: event.actor,
            application: event.application,
            subject: None,
            detail: None,
        };
        Ok(ThrottledAudit::of(&self.context).note_as(key, event).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_an_examination_has_a_code() {
        let finding = || Finding { subject: "t".to_owned(), message: "is odd".to_owned() };
        let examined = |refused: usize, readable, unreadable, served| Examination {
            product: "X 1".to_owned(),
            refused: (0..refused).map(|_| finding()).collect(),
            findings: vec![finding()],
            readable,
            unreadable,
            served,
        };
        for (examination, code, findings) in [
            (examined(0, 2, 0, 2), "Usable", 1),
            (examined(0, 2, 1, 1), "Usable", 1),
            (examined(1, 2, 0, 2), "DeclarationRefused", 2),
            (examined(0, 2, 1, 0), "NoServedTable", 1),
            (examined(0, 0, 1, 0), "NoReadableTable", 1),
            (examined(0, 0, 0, 0), "NoTable", 1),
        ] {
            let test = SourceTest::from(examination);
            assert_eq!((test.code.as_str(), test.findings.len()), (code, findings));
        }
    }

    #[test]
    fn a_failure_says_what_is_wrong_and_what_to_do_and_not_what_the_server_said() {
        let error = SourceError::SignInRefused { detail: "hunter2".to_owned() };
        let test = SourceTest::from(&error);
        assert_eq!(test.code.as_str(), "SignInRefused");
        assert!(
            test.message.starts_with("The database server refused the user name or the password. Check "),
            "{}",
            test.message
        );
        assert!(!format!("{test:?}").contains("hunter2"));
    }
}
