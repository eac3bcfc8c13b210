//! A database for one test.

use std::path::Path;

use super::{PostgresServer, told};

/// A database of its own on a server that may be shared; it is dropped with everybody's connections to it.
pub struct PostgresDatabase<'a> {
    server: &'a PostgresServer,
    name: String,
}

impl<'a> PostgresDatabase<'a> {
    pub(super) fn create(server: &'a PostgresServer, name: String, template: &str) -> Self {
        let made = server.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        made.unwrap_or_else(|told| panic!("the database cannot be made: {told}"));
        Self { server, name }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that it is on.
    pub fn server(&self) -> &'a PostgresServer {
        self.server
    }

    /// Where it is reached, password included.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Where it is reached through something that listens at `address` in front of the server.
    pub fn url_by_way_of(&self, address: &str) -> String {
        self.server.url_by_way_of(address, &self.name)
    }

    /// Runs statements in it, and answers what they print: rows as lines, columns between bars.
    ///
    /// # Panics
    /// When the server refuses; it shows what `psql` says of it.
    pub fn run(&self, statements: &str) -> String {
        let told = self.server.run(&self.name, statements);
        told.unwrap_or_else(|told| panic!("{told}"))
    }

    /// Dumps it into a file, as an operator would.
    ///
    /// # Panics
    /// When `pg_dump` fails; it shows what that says.
    pub fn dump(&self, file: &Path) {
        let mut command = self.server.client(self.server.programs.pg_dump(), &self.name);
        let told = told(command.arg("--format=custom").arg("--file").arg(file));
        told.unwrap_or_else(|told| panic!("{told}"));
    }

    /// Puts a dump into it, in the place of what it holds, as an operator would.
    ///
    /// # Panics
    /// When `pg_restore` fails; it shows what that says.
    pub fn restore_from(&self, file: &Path) {
        self.restore_with(&["--clean", "--if-exists"], file);
    }

    /// Puts a dump into it with other arguments than the usual ones.
    ///
    /// # Panics
    /// When `pg_restore` fails; it shows what that says.
    pub fn restore_with(&self, arguments: &[&str], file: &Path) {
        let mut command = self.server.client(self.server.programs.pg_restore(), &self.name);
        command.args(arguments).args(["--single-transaction", "--dbname", &self.name]);
        told(command.arg(file)).unwrap_or_else(|told| panic!("{told}"));
    }
}

impl Drop for PostgresDatabase<'_> {
    fn drop(&mut self) {
        // Whether a server that is down by now has the database is of no interest: its folder goes too.
        let _ = self.server.run("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
