//! How sets of scopes, and the rows of the registry, map to columns.

use domain::account::Permission;
use domain::id::ScopeId;
use oauth::scope::{Assignment, Risk, ScopeSet};

use super::Impossible;

/// The columns of a set of scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeColumns {
    /// The built-in scopes as bits.
    pub scopes: u32,
    /// The numbers of the other scopes as a JSON array, in ascending order; `None` if there are none.
    pub further_scopes: Option<String>,
}

impl From<&ScopeSet> for ScopeColumns {
    fn from(set: &ScopeSet) -> Self {
        Self { scopes: set.bits(), further_scopes: numbers_to_column(set.others()) }
    }
}

/// A JSON array; `None` if it is empty.
fn numbers_to_column(ids: &[ScopeId]) -> Option<String> {
    let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
    (!numbers.is_empty()).then(|| format!("[{}]", numbers.join(",")))
}

fn numbers_from_column(json: &str) -> Result<Vec<ScopeId>, Impossible> {
    let numbers: Vec<i64> =
        serde_json::from_str(json).map_err(|_| Impossible(format!("the numbers of scopes {json}")))?;
    Ok(numbers.into_iter().map(ScopeId::new).collect())
}

/// The column of the scopes that a scope implies: a JSON array of numbers; `None` if there are none.
pub fn implied_to_column(implies: &[ScopeId]) -> Option<String> {
    numbers_to_column(implies)
}

/// The scopes in that column.
///
/// # Errors
/// If it is not a JSON array of numbers.
pub fn implied_from_column(json: Option<&str>) -> Result<Vec<ScopeId>, Impossible> {
    json.map_or_else(|| Ok(Vec::new()), numbers_from_column)
}

/// The set of scopes in the two columns.
///
/// # Errors
/// If the numbers are not a JSON array of numbers.
pub fn scopes_from_columns(bits: u32, further_scopes: Option<&str>) -> Result<ScopeSet, Impossible> {
    let Some(json) = further_scopes else { return Ok(ScopeSet::from_bits(bits)) };
    Ok(ScopeSet::from_parts(bits, numbers_from_column(json)?))
}

/// The column of an assignment.
pub const fn assignment_to_column(assignment: Assignment) -> Option<i64> {
    match assignment {
        Assignment::Anyone => None,
        Assignment::Permission(permission) => Some(permission.id()),
    }
}

/// The assignment in the column. A permission that this version does not know was written by a newer node;
/// until this one is updated, only administrators may assign the scope.
pub fn assignment_from_column(permission: Option<i64>) -> Assignment {
    match permission {
        None => Assignment::Anyone,
        Some(id) => Permission::from_id(id).map_or(Assignment::ADMINISTRATORS, Assignment::Permission),
    }
}

/// The risk in the column.
///
/// # Errors
/// If it is unknown.
pub fn risk_from_column(risk: &str) -> Result<Risk, Impossible> {
    risk.parse().map_err(|_| Impossible(format!("a scope with the risk {risk}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_comes_back_from_its_columns() {
        for (bits, numbers, json) in
            [(3, &[][..], None), (0, &[100], Some("[100]")), (1, &[77, 100], Some("[77,100]"))]
        {
            let set = ScopeSet::from_parts(bits, numbers.iter().copied().map(ScopeId::new));
            let columns = ScopeColumns::from(&set);
            assert_eq!((columns.scopes, columns.further_scopes.as_deref()), (bits, json));
            assert_eq!(scopes_from_columns(columns.scopes, columns.further_scopes.as_deref()), Ok(set));
        }
    }

    #[test]
    fn numbers_that_are_no_list_are_impossible() {
        for json in ["", "7", "[7,", "[\"7\"]", "{}", "[1.5]"] {
            assert!(scopes_from_columns(1, Some(json)).is_err(), "{json}");
            assert!(implied_from_column(Some(json)).is_err(), "{json}");
        }
    }

    #[test]
    fn implied_scopes_come_back_from_their_column() {
        for (numbers, json) in [(&[][..], None), (&[100], Some("[100]")), (&[100, 102], Some("[100,102]"))] {
            let implies: Vec<ScopeId> = numbers.iter().copied().map(ScopeId::new).collect();
            assert_eq!(implied_to_column(&implies).as_deref(), json);
            assert_eq!(implied_from_column(json), Ok(implies));
        }
    }

    #[test]
    fn an_assignment_comes_back_from_its_column() {
        for assignment in [Assignment::Anyone, Assignment::ADMINISTRATORS] {
            assert_eq!(assignment_from_column(assignment_to_column(assignment)), assignment);
        }
        assert_eq!(assignment_from_column(Some(999)), Assignment::ADMINISTRATORS, "of a newer version");
    }
}
