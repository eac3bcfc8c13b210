//! Records of repeatable requests ([Repeatable Requests
//! 1.0](https://docs.oasis-open.org/odata/repeatable-requests/v1.0/repeatable-requests-v1.0.html)): a row in a table of the data
//! source, so that a change and its record become durable together or not at all.

use sha2::{Digest, Sha256};

use crate::cell::{Cell, Row, Value};
use crate::hash::hexadecimal;
use crate::model::RequestTable;
use crate::sql::{Dialect, Rules};
use crate::statement::Statement;

/// What identifies a repeatable request.
#[derive(Debug, Clone)]
pub struct RequestKey {
    caller: String,
    request: String,
    content: String,
}

/// What became of a request that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    content: String,
    /// In the words of who has made it.
    pub answer: String,
}

impl RequestKey {
    /// The key of a request: who makes it, by which ids it is known, and what it says. Only digests are stored.
    pub fn new(caller: &[&str], ids: &[&str], content: &[&[u8]]) -> Self {
        Self { caller: digest(&bytes_of(caller)), request: digest(&bytes_of(ids)), content: digest(content) }
    }

    /// Whether the record is about a request that says the same.
    pub fn is_of(&self, record: &RequestRecord) -> bool {
        self.content == record.content
    }

    /// The statement that begins the record, which fails if there is one. `now` is in seconds since 1970.
    pub fn begin(&self, dialect: Dialect, table: &RequestTable, now: i64) -> Statement {
        // Whatever the table says about conflicts.
        let insert = format!("INSERT{} INTO ", dialect.rules().never_replacing());
        let mut text = Text::of(dialect, &insert, table);
        text.names(" (", &["caller", "request", "content", "made", "answer"], ", ");
        text.word(") VALUES (");
        text.value(Value::Text(self.caller.clone()));
        text.word(", ");
        text.value(Value::Text(self.request.clone()));
        text.word(", ");
        text.value(Value::Text(self.content.clone()));
        text.word(", ");
        text.value(Value::Integer(now));
        text.word(", ");
        text.value(Value::Text("begun".to_owned()));
        text.word(")");
        text.statement(0)
    }

    /// The statement that completes it.
    pub fn complete(&self, dialect: Dialect, table: &RequestTable, answer: &str) -> Statement {
        let mut text = Text::of(dialect, "UPDATE ", table);
        text.names(" SET ", &["answer"], "");
        text.word(" = ");
        text.value(Value::Text(answer.to_owned()));
        text.key(self);
        text.statement(0)
    }

    /// The statement that finds the record.
    pub fn find(&self, dialect: Dialect, table: &RequestTable) -> Statement {
        let mut text = Text { rules: dialect.rules(), sql: String::new(), parameters: Vec::new() };
        text.names("SELECT ", &["content", "answer"], ", ");
        text.word(" FROM ");
        text.table(table);
        text.key(self);
        text.statement(2)
    }

    /// The statement that deletes records that were made before a time, which one request in 64 runs.
    pub fn sweep(&self, dialect: Dialect, table: &RequestTable, before: i64) -> Option<Statement> {
        let is_due = self.request.starts_with("00") || ["01", "02", "03"].contains(&self.request.get(..2)?);
        let mut text = Text::of(dialect, "DELETE FROM ", table);
        text.names(" WHERE ", &["made"], "");
        text.word(" < ");
        text.value(Value::Integer(before));
        is_due.then(|| text.statement(0))
    }
}

impl RequestRecord {
    /// The record in a row of [`RequestKey::find`].
    pub fn of(row: &impl Row) -> Self {
        let text = |at: usize| match row.cell(at) {
            Cell::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Self { content: text(0), answer: text(1) }
    }
}

fn bytes_of<'t>(texts: &[&'t str]) -> Vec<&'t [u8]> {
    texts.iter().map(|text| text.as_bytes()).collect()
}

/// The digest of parts, each with its length.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hexadecimal(&hash.finalize())
}

/// The text of a statement about the table.
struct Text {
    rules: &'static dyn Rules,
    sql: String,
    parameters: Vec<Value>,
}

impl Text {
    fn of(dialect: Dialect, verb: &str, table: &RequestTable) -> Self {
        let mut text = Self { rules: dialect.rules(), sql: verb.to_owned(), parameters: Vec::new() };
        text.table(table);
        text
    }

    fn table(&mut self, table: &RequestTable) {
        if let Some(schema) = &table.schema {
            self.rules.identifier(&mut self.sql, schema);
            self.sql.push('.');
        }
        self.rules.identifier(&mut self.sql, &table.table);
    }

    fn word(&mut self, word: &str) {
        self.sql.push_str(word);
    }

    fn names(&mut self, before: &str, names: &[&str], between: &str) {
        for (at, name) in names.iter().enumerate() {
            self.word(if at == 0 { before } else { between });
            self.rules.identifier(&mut self.sql, name);
        }
    }

    fn value(&mut self, value: Value) {
        self.parameters.push(value);
        self.rules.mark(&mut self.sql, self.parameters.len());
    }

    fn key(&mut self, key: &RequestKey) {
        self.names(" WHERE ", &["caller"], "");
        self.word(" = ");
        self.value(Value::Text(key.caller.clone()));
        self.names(" AND ", &["request"], "");
        self.word(" = ");
        self.value(Value::Text(key.request.clone()));
    }

    fn statement(self, columns: usize) -> Statement {
        Statement { sql: self.sql, parameters: self.parameters, columns, quicker: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_who_asked_and_by_the_ids() {
        let key = |caller: &[&str], ids: &[&str], content: &[&[u8]]| RequestKey::new(caller, ids, content);
        let one = key(&["u"], &["c", "1"], &[b"x"]);
        let record = RequestRecord { content: one.content.clone(), answer: "update".to_owned() };
        assert!(one.is_of(&record) && !key(&["u"], &["c", "1"], &[b"y"]).is_of(&record));
        assert_ne!(one.request, key(&["u"], &["c1", ""], &[]).request, "parts are not run together");
        assert_ne!(one.caller, key(&["v"], &["c", "1"], &[]).caller);
        let table = RequestTable { schema: Some("s".to_owned()), table: "a\"b".to_owned() };
        let found = one.find(Dialect::Postgres, &table);
        assert_eq!(
            found.sql,
            "SELECT \"content\", \"answer\" FROM \"s\".\"a\"\"b\" WHERE \"caller\" = $1 AND \"request\" = $2"
        );
        let begun = one.begin(Dialect::Mysql, &table, 7);
        assert_eq!(
            begun.sql,
            "INSERT INTO `s`.`a\"b` (`caller`, `request`, `content`, `made`, `answer`) VALUES (?, ?, ?, ?, ?)"
        );
        assert_eq!(begun.parameters.len(), 5);
        let swept = (0..2_000).filter(|at| {
            let key = key(&[], &[&at.to_string()], &[]);
            key.sweep(Dialect::Sqlite, &table, 1).is_some()
        });
        assert!((10..80).contains(&swept.count()), "about one in 64");
    }
}
