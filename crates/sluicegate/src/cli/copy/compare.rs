//! Comparing two databases.

use store::columns::{StoredRow, StoredTable};

/// Finds the first difference between rows of two databases: its table, key and column, never the value.
pub(super) fn difference(table: &StoredTable, ours: &[StoredRow], theirs: &[StoredRow]) -> Option<String> {
    for (our, their) in ours.iter().zip(theirs) {
        if our != their {
            let pairs = our.iter().zip(their).zip(table.columns);
            let column = pairs.into_iter().find(|((our, their), _)| our != their);
            let name = column.map_or("?", |(_, column)| column.name);
            let key = table.key_of(our).unwrap_or_default();
            return Some(format!("{}.{name} of the row {key:?} differs", table.name));
        }
    }
    let (more, which) = match ours.len().cmp(&theirs.len()) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => (&ours[theirs.len()], "is missing in the copy"),
        std::cmp::Ordering::Less => (&theirs[ours.len()], "is in the copy alone"),
    };
    let key = table.key_of(more).unwrap_or_default();
    Some(format!("the row {key:?} of {} {which}", table.name))
}

#[cfg(test)]
mod tests {
    use store::columns::{StoredCell, TABLES};

    use super::difference;

    #[test]
    fn a_difference_is_reported_by_its_place_alone() {
        let table = TABLES.iter().find(|table| table.name == "limits").unwrap();
        let row = |id, value| vec![StoredCell::Number(id), StoredCell::Number(value)];
        let message =
            |ours: &[_], theirs: &[_]| difference(table, ours, theirs).unwrap_or_else(|| "same".to_owned());
        let two = [row(1, 10), row(2, 20)];
        assert_eq!(message(&two, &two), "same");
        assert_eq!(message(&two, &[row(1, 10), row(2, 99)]), "limits.value of the row [2] differs");
        assert_eq!(message(&two, &two[..1]), "the row [2] of limits is missing in the copy");
        assert_eq!(message(&[], &two), "the row [1] of limits is in the copy alone");
        assert_eq!(message(&two[1..], &two), "limits.id of the row [2] differs");
    }
}
