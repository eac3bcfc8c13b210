//! Writing `$apply` for groups of rows.

use std::fmt::Write as _;

use crate::aggregation_method::Method;
use crate::error::{Error, Reason};
use crate::{identifier, syntax};

/// Groups of rows, with values for each ([OData Data Aggregation 4.0
/// §3.2](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups<'a> {
    /// The condition for rows, in the syntax of `$filter`.
    pub filter: Option<&'a str>,
    /// The properties whose values make the groups, or paths to properties of related entities; one group without any.
    pub by: &'a [String],
    /// The values of each group.
    pub measures: &'a [Measure],
}

/// A value of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// What is computed of which property; `None` for the number of rows.
    pub of: Option<(Method, String)>,
    /// The name of the value.
    pub name: String,
}

impl Groups<'_> {
    /// The value of `$apply`.
    ///
    /// # Errors
    /// If a name is none, or the condition is no expression.
    pub fn apply(&self) -> Result<String, Error> {
        let mut text = String::new();
        if let Some(filter) = self.filter {
            syntax::check_expression(filter, "$filter")?;
            let _ = write!(text, "filter({filter})/");
        }
        let by: Vec<&str> = self.by.iter().map(|path| checked_path(path)).collect::<Result<_, _>>()?;
        let measures: Vec<String> = self.measures.iter().map(Measure::text).collect::<Result<_, _>>()?;
        let aggregate = format!("aggregate({})", measures.join(","));
        match (by.as_slice(), measures.as_slice()) {
            ([], _) => text.push_str(&aggregate),
            (by, []) => {
                let _ = write!(text, "groupby(({}))", by.join(","));
            }
            (by, _) => {
                let _ = write!(text, "groupby(({}),{aggregate})", by.join(","));
            }
        }
        Ok(text)
    }
}

impl Measure {
    fn text(&self) -> Result<String, Error> {
        let name = checked_name(&self.name)?;
        Ok(match &self.of {
            None => format!("$count as {name}"),
            Some((method, path)) => format!("{} with {} as {name}", checked_path(path)?, method.as_str()),
        })
    }
}

fn checked_path(path: &str) -> Result<&str, Error> {
    path.split('/').try_for_each(|name| checked_name(name).map(|_| ()))?;
    Ok(path)
}

fn checked_name(name: &str) -> Result<&str, Error> {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(identifier::may_start);
    if begins && characters.all(identifier::may_continue) {
        Ok(name)
    } else {
        let found = format!("'{}'", identifier::shortened(name, identifier::MAX_LENGTH));
        Err(Reason::Unexpected { expected: "the name of a property", found }.at("$apply", 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(of: Option<(Method, &str)>, name: &str) -> Measure {
        Measure { of: of.map(|(method, path)| (method, path.to_owned())), name: name.to_owned() }
    }

    #[test]
    fn groups_are_written_as_transformations() {
        let by = ["Flag".to_owned(), "Ships/Kind".to_owned()];
        let measures = [measure(None, "Number"), measure(Some((Method::Sum, "Tonnage")), "Total")];
        for (filter, by, measures, text) in [
            (
                None,
                &by[..],
                &measures[..],
                "groupby((Flag,Ships/Kind),aggregate($count as Number,Tonnage with sum as Total))",
            ),
            (Some("Id gt 3"), &by[..1], &[], "filter(Id gt 3)/groupby((Flag))"),
            (
                Some("Name eq 'O''Hara)'"),
                &[],
                &measures[..1],
                "filter(Name eq 'O''Hara)')/aggregate($count as Number)",
            ),
        ] {
            assert_eq!(Groups { filter, by, measures }.apply().unwrap(), text);
        }
    }

    #[test]
    fn no_part_ends_before_its_end() {
        for filter in [
            "true)/skip(1)/filter(true",
            ")",
            "(",
            "Name eq 'x",
            "Name eq ''')/skip(1)",
            "Id gt",
            "true,true",
            "",
        ] {
            assert!(Groups { filter: Some(filter), ..Groups::default() }.apply().is_err(), "{filter}");
        }
        for name in ["", "a b", "a,b", "a)", "1a", "a/", "$count", "a'"] {
            assert!(Groups { by: &[name.to_owned()], ..Groups::default() }.apply().is_err(), "{name}");
            let measures = [measure(None, name)];
            assert!(Groups { measures: &measures, ..Groups::default() }.apply().is_err(), "{name}");
            let measures = [measure(Some((Method::Max, name)), "x")];
            assert!(Groups { measures: &measures, ..Groups::default() }.apply().is_err(), "{name}");
        }
    }
}
