//! Databases of MySQL and MariaDB servers.

use crate::driver::Placement;
use crate::kind::{Locations, SourceKind};
use crate::mysql::{self, MysqlDriver};
use crate::options::{DataStore, OptionValues};
use crate::resources::Resources;
use crate::{Executor, Source, SourceError};

/// Databases of MySQL servers from version 8.0, and of MariaDB servers from version 10.6.
#[derive(Debug)]
pub struct MysqlKind;

impl SourceKind for MysqlKind {
    fn store(&self) -> &'static DataStore {
        &mysql::STORE
    }

    fn placement(&self) -> Placement {
        Placement::Task
    }

    fn allowed(&self, options: OptionValues, locations: &Locations) -> Result<OptionValues, SourceError> {
        let server = mysql::options(&options)?;
        locations.hosts.check(&server.host, server.port)?;
        Ok(options)
    }

    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError> {
        let driver = MysqlDriver::new(mysql::options(options)?, resources)?;
        Ok(Source::of(Executor::new(driver, resources)))
    }
}
