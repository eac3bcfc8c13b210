//! Names of properties of related entities, such as `Ships/Name`: each is written within the object of its entity.

/// Where the next name belongs, if names of one entity follow each other.
#[derive(Debug, Default)]
pub(crate) struct Nesting<'n>(Vec<&'n str>);

/// How to come to a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathStep<'n> {
    /// The number of objects that end before it.
    pub(crate) ends: usize,
    /// The names of the objects that start before it.
    pub(crate) starts: Vec<&'n str>,
    /// Its last part.
    pub(crate) name: &'n str,
}

impl<'n> Nesting<'n> {
    /// The way to a name from the one before.
    pub(crate) fn to(&mut self, path: &'n str) -> PathStep<'n> {
        let mut starts: Vec<&str> = path.split('/').collect();
        let name = starts.pop().unwrap_or_default();
        let shared = self.0.iter().zip(&starts).take_while(|(one, other)| one == other).count();
        let ends = self.0.len() - shared;
        self.0.truncate(shared);
        let starts = starts.split_off(shared);
        self.0.extend(&starts);
        PathStep { ends, starts, name }
    }

    /// The number of objects that have not ended.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_entity_are_in_one_object() {
        let mut nesting = Nesting::default();
        let mut to = |path| {
            let PathStep { ends, starts, name } = nesting.to(path);
            (ends, starts, name)
        };
        assert_eq!(to("A"), (0, vec![], "A"));
        assert_eq!(to("B/C/D"), (0, vec!["B", "C"], "D"));
        assert_eq!(to("B/C/E"), (0, vec![], "E"));
        assert_eq!(to("B/F"), (1, vec![], "F"));
        assert_eq!(to("G/F"), (1, vec!["G"], "F"));
        assert_eq!(to("H"), (1, vec![], "H"));
        assert_eq!(nesting.depth(), 0);
    }
}
