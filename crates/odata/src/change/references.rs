//! References to entities that earlier requests of a batch have created ([Protocol
//! §11.7.3.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ReferencingNewEntities)).

use std::borrow::Cow;

/// The entities that a batch has created so far, by the ids of the requests.
#[derive(Debug, Clone, Default)]
pub struct References(Vec<(String, String)>);

impl References {
    /// None.
    pub const NONE: Self = Self(Vec::new());

    /// Adds the path of an entity relative to the service document, with a slash at its start.
    pub fn add(&mut self, id: &str, path: &str) {
        self.0.push((id.to_owned(), path.to_owned()));
    }

    /// A path, or the same text if it does not begin with a reference: `$1/Name` becomes `/Ships(7)/Name`.
    pub fn resolved<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let segment = text.strip_prefix('/').unwrap_or(text).strip_prefix('$');
        let Some(segment) = segment else { return Cow::Borrowed(text) };
        let (id, rest) = segment.split_at(segment.find(['/', '?']).unwrap_or(segment.len()));
        let known = self.0.iter().find(|(known, _)| known == id);
        known.map_or(Cow::Borrowed(text), |(_, path)| Cow::Owned(format!("{path}{rest}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_the_first_segment() {
        let mut references = References::default();
        references.add("1", "/Ships(7)");
        references.add("new-ship", "/Ships(8)");
        for (text, resolved) in [
            ("$1", "/Ships(7)"),
            ("/$1", "/Ships(7)"),
            ("/$1/Name?$select=a", "/Ships(7)/Name?$select=a"),
            ("/$new-ship?$select=Id", "/Ships(8)?$select=Id"),
            ("/$2", "/$2"),
            ("/$11", "/$11"),
            ("/Ships/$1", "/Ships/$1"),
            ("/$metadata", "/$metadata"),
            ("", ""),
        ] {
            assert_eq!(references.resolved(text), resolved, "{text}");
        }
        assert_eq!(References::NONE.resolved("/$1"), "/$1");
    }
}
