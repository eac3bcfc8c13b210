//! The statements that a connection has prepared.

/// A statement on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreparedStatement {
    pub(super) id: u32,
    pub(super) parameters: usize,
    pub(super) columns: usize,
}

/// The statements that were used last, by their text. A server has a limit for all connections together.
#[derive(Debug)]
pub(super) struct PreparedStatements {
    /// The one that was used last is the last one.
    kept: Vec<(String, PreparedStatement)>,
    most: usize,
}

/// The maximum number of statements of a connection, and the maximum length of one that is kept.
const MOST: usize = 16;
const LONGEST: usize = 16 * 1024;

impl PreparedStatements {
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most: most.min(MOST) }
    }

    /// The statement with this text.
    pub(super) fn find(&mut self, sql: &str) -> Option<PreparedStatement> {
        let at = self.kept.iter().position(|(kept, _)| kept == sql)?;
        let found = self.kept.remove(at);
        let prepared = found.1.clone();
        self.kept.push(found);
        Some(prepared)
    }

    /// Keeps a statement; returns the number of one that is to be closed.
    pub(super) fn keep(&mut self, sql: &str, prepared: &PreparedStatement) -> Option<u32> {
        if self.most == 0 || sql.len() > LONGEST {
            return Some(prepared.id);
        }
        let oldest = (self.kept.len() >= self.most).then(|| self.kept.remove(0).1.id);
        self.kept.push((sql.to_owned(), prepared.clone()));
        oldest
    }

    /// Forgets a statement, and returns its number, which is to be closed.
    pub(super) fn forget(&mut self, sql: &str) -> Option<u32> {
        let at = self.kept.iter().position(|(kept, _)| kept == sql)?;
        Some(self.kept.remove(at).1.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(id: u32) -> PreparedStatement {
        PreparedStatement { id, parameters: 0, columns: 1 }
    }

    #[test]
    fn the_statement_that_was_not_used_for_longest_goes() {
        let mut statements = PreparedStatements::new(2);
        assert_eq!(statements.keep("a", &prepared(1)), None);
        assert_eq!(statements.keep("b", &prepared(2)), None);
        assert_eq!(statements.find("a"), Some(prepared(1)));
        assert_eq!(statements.keep("c", &prepared(3)), Some(2));
        assert_eq!(statements.find("b"), None);
        assert_eq!(statements.forget("a"), Some(1));
        assert_eq!(statements.forget("a"), None);
    }

    #[test]
    fn a_long_statement_is_closed_after_its_use() {
        let mut statements = PreparedStatements::new(1000);
        assert_eq!(statements.most, MOST);
        assert_eq!(statements.keep(&"x".repeat(LONGEST + 1), &prepared(1)), Some(1));
        assert_eq!(PreparedStatements::new(0).keep("a", &prepared(1)), Some(1));
    }
}
