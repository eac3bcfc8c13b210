//! A database for one test.

use std::path::Path;

use super::{PostgresServer, output_of};

/// A database on a server that may be shared; it is dropped together with all connections to it.
pub struct PostgresDatabase<'a> {
    server: &'a PostgresServer,
    name: String,
}

impl<'a> PostgresDatabase<'a> {
    pub(super) fn create(server: &'a PostgresServer, name: String, template: &str) -> Self {
        let made = server.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        made.unwrap_or_else(|output| panic!("the database cannot be made: {output}"));
        Self { server, name }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    pub fn server(&self) -> &'a PostgresServer {
        self.server
    }

    /// Its URL, including the password.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its URL through something that listens at `address` in front of the server.
    pub fn url_by_way_of(&self, address: &str) -> String {
        self.server.url_by_way_of(address, &self.name)
    }

    /// Runs statements in it, and returns their output: one row on each line, columns separated by bars.
    ///
    /// # Panics
    /// If the server refuses; the message is that of `psql`.
    pub fn run(&self, statements: &str) -> String {
        let output = self.server.run(&self.name, statements);
        output.unwrap_or_else(|output| panic!("{output}"))
    }

    /// Dumps it into a file, like an operator.
    ///
    /// # Panics
    /// If `pg_dump` fails; the message is that of `pg_dump`.
    pub fn dump(&self, file: &Path) {
        let mut command = self.server.client(self.server.programs.pg_dump(), &self.name);
        let output = output_of(command.arg("--format=custom").arg("--file").arg(file));
        output.unwrap_or_else(|output| panic!("{output}"));
    }

    /// Restores a dump into it, replacing its content, like an operator.
    ///
    /// # Panics
    /// If `pg_restore` fails; the message is that of `pg_restore`.
    pub fn restore_from(&self, file: &Path) {
        self.restore_with(&["--clean", "--if-exists"], file);
    }

    /// Restores a dump into it with other arguments than usual.
    ///
    /// # Panics
    /// If `pg_restore` fails; the message is that of `pg_restore`.
    pub fn restore_with(&self, arguments: &[&str], file: &Path) {
        let mut command = self.server.client(self.server.programs.pg_restore(), &self.name);
        command.args(arguments).args(["--single-transaction", "--dbname", &self.name]);
        output_of(command.arg(file)).unwrap_or_else(|output| panic!("{output}"));
    }
}

impl Drop for PostgresDatabase<'_> {
    fn drop(&mut self) {
        // If the server is already down, this fails, but its folder is deleted too.
        let _ = self.server.run("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
