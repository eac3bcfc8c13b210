//! Statements with named parameters, and what differs between the kinds of database.
//!
//! | in the text | becomes |
//! |---|---|
//! | `:name` | the number of the parameter |
//! | `{each :names}` | the values of a list, as rows of one column `value` |
//! | `{position}` | the function that says where a text occurs in another |
//! | `{for update}` | a lock on the rows until the transaction ends |
//! | `{for no key update}` | the same, but rows that refer to them may still be written |
//! | `{in order}`, before `JOIN` | a hint to read the left side first |

use std::sync::OnceLock;

use crate::columns::Impossible;

/// What differs between the kinds of database. Each backend has one, in a `static`.
#[derive(Debug)]
pub struct Fragments {
    /// The character before the number of a parameter.
    pub marker: char,
    /// What surrounds a list parameter to make its values rows.
    pub each: (&'static str, &'static str),
    /// See the table above.
    pub position: &'static str,
    /// See the table above; empty if there is only one writer.
    pub for_update: &'static str,
    /// See the table above; empty if there is only one writer.
    pub for_no_key_update: &'static str,
    /// See the table above; may be empty.
    pub in_order: &'static str,
}

/// A statement with named parameters. It is translated once for each backend.
#[derive(Debug)]
pub struct NamedStatement {
    text: &'static str,
    translation: OnceLock<Box<Translation>>,
}

#[derive(Debug)]
struct Translation {
    fragments: &'static Fragments,
    result: Result<Translated, Impossible>,
    /// The translation for another backend, in a process that uses more than one.
    next: OnceLock<Box<Translation>>,
}

/// A statement as a database understands it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Translated {
    /// The SQL, with numbered parameters.
    pub sql: String,
    /// The names of the parameters, by number.
    pub parameters: Vec<&'static str>,
}

impl NamedStatement {
    /// A statement with this text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, translation: OnceLock::new() }
    }

    /// The text with names.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// The statement for a kind of database.
    ///
    /// # Errors
    /// If the text names an unknown fragment.
    pub fn translated(&self, fragments: &'static Fragments) -> Result<&Translated, Impossible> {
        let mut cache = &self.translation;
        loop {
            let translation = cache.get_or_init(|| {
                let result = translate(self.text, fragments);
                Box::new(Translation { fragments, result, next: OnceLock::new() })
            });
            if std::ptr::eq(translation.fragments, fragments) {
                return translation.result.as_ref().map_err(Clone::clone);
            }
            cache = &translation.next;
        }
    }
}

fn translate(text: &'static str, fragments: &Fragments) -> Result<Translated, Impossible> {
    let mut done = Translated::default();
    let mut rest = text;
    while let Some(at) = rest.find([':', '{', '\'']) {
        done.sql.push_str(&rest[..at]);
        let marked = &rest[at..];
        rest = match marked.as_bytes()[0] {
            b':' => parameter(&marked[1..], fragments, &mut done),
            b'{' => fragment(&marked[1..], fragments, &mut done)?,
            _ => literal(marked, &mut done),
        };
    }
    done.sql.push_str(rest);
    Ok(done)
}

/// Copies a literal in quotes, and returns what follows.
fn literal(text: &'static str, done: &mut Translated) -> &'static str {
    let end = text[1..].find('\'').map_or(text.len(), |quote| quote + 2);
    done.sql.push_str(&text[..end]);
    &text[end..]
}

/// Replaces a name by its number, and returns what follows.
fn parameter(text: &'static str, fragments: &Fragments, done: &mut Translated) -> &'static str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let known = done.parameters.iter().position(|known| *known == name);
    let index = known.unwrap_or_else(|| {
        done.parameters.push(name);
        done.parameters.len() - 1
    });
    done.sql.push(fragments.marker);
    done.sql.push_str(&(index + 1).to_string());
    rest
}

/// Replaces a fragment, and returns what follows.
fn fragment(
    text: &'static str,
    fragments: &Fragments,
    done: &mut Translated,
) -> Result<&'static str, Impossible> {
    let unknown = || Impossible(format!("a statement with an unknown fragment: {text}"));
    let (name, rest) = text.split_once('}').ok_or_else(unknown)?;
    if let Some(list) = name.strip_prefix("each :") {
        done.sql.push_str(fragments.each.0);
        parameter(list, fragments, done);
        done.sql.push_str(fragments.each.1);
        return Ok(rest);
    }
    done.sql.push_str(match name {
        "position" => fragments.position,
        "for update" => fragments.for_update,
        "for no key update" => fragments.for_no_key_update,
        "in order" => fragments.in_order,
        _ => return Err(unknown()),
    });
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    static ONE: Fragments = Fragments {
        marker: '?',
        each: ("(SELECT value FROM list(", "))"),
        position: "where",
        for_update: "LOCKED",
        for_no_key_update: "HELD",
        in_order: "STRAIGHT",
    };

    static OTHER: Fragments = Fragments {
        marker: '$',
        each: ("", ""),
        position: "",
        for_update: "",
        for_no_key_update: "",
        in_order: "",
    };

    #[test]
    fn names_become_numbers_in_the_order_in_which_they_appear() {
        static STATEMENT: NamedStatement =
            NamedStatement::new("SELECT ':x{y}' WHERE a = :a AND b IN (:b_2, :a)");
        let one = STATEMENT.translated(&ONE).unwrap();
        assert_eq!(one.sql, "SELECT ':x{y}' WHERE a = ?1 AND b IN (?2, ?1)");
        assert_eq!(one.parameters, ["a", "b_2"]);
        let other = STATEMENT.translated(&OTHER).unwrap();
        assert_eq!(other.sql, "SELECT ':x{y}' WHERE a = $1 AND b IN ($2, $1)");
        assert!(std::ptr::eq(STATEMENT.translated(&ONE).unwrap(), one), "it is translated once");
    }

    #[test]
    fn fragments_are_those_of_the_database() {
        let text =
            "SELECT 1 FROM a {in order} JOIN {each :ids} AS b WHERE {position}(a, :b) > 0 {for update}";
        let expected =
            "SELECT 1 FROM a STRAIGHT JOIN (SELECT value FROM list(?1)) AS b WHERE where(a, ?2) > 0 LOCKED";
        assert_eq!(translate(text, &ONE).unwrap().sql, expected);
        assert_eq!(translate("SELECT 1 {for no key update}", &ONE).unwrap().sql, "SELECT 1 HELD");
    }

    #[test]
    fn an_unknown_fragment_is_an_error() {
        for text in ["SELECT {nonsense}", "SELECT {for update"] {
            assert!(translate(text, &ONE).is_err());
        }
    }
}
