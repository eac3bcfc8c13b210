//! Whether random conditions hold, with the null logic of OData.

use std::cmp::Ordering;

use odata::model::{EntityType, Navigation};
use serde_json::{Value, json};

use crate::condition::{Condition, Counted, OrderTerm, Reached, Subject};
use crate::oracle::{Entity, Oracle, in_order};

/// The rows that are current, from the outermost one; `None` if there is no such row.
type Current<'r> = Vec<(&'r EntityType, &'r Entity)>;

impl<'r> Oracle<'r> {
    /// The rows to which a navigation property leads.
    pub(crate) fn related(
        &self,
        entity: &EntityType,
        row: &Entity,
        navigation: &Navigation,
    ) -> Vec<&'r Entity> {
        let target = &self.model.entity_types[navigation.target];
        let is_related = |other: &&Entity| {
            navigation.on.iter().all(|(own, theirs)| {
                let own = &row[&entity.properties[*own].name];
                !own.is_null() && *own == other[&target.properties[*theirs].name]
            })
        };
        self.rows[target.table.as_str()].iter().filter(is_related).collect()
    }

    /// The row at the end of a path.
    fn reached(&self, row: &Reached, current: &Current<'r>) -> Option<(&'r EntityType, &'r Entity)> {
        row.path.iter().try_fold(current[row.scope], |(entity, row), name| {
            let navigation = entity.navigation(name).unwrap();
            let target = &self.model.entity_types[navigation.target];
            self.related(entity, row, navigation).first().map(|other| (target, *other))
        })
    }

    /// The rows to which a navigation property leads from the end of a path, each as the current one.
    fn around(&self, row: &Reached, name: &str, current: &Current<'r>) -> Vec<Current<'r>> {
        let Some((entity, row)) = self.reached(row, current) else { return Vec::new() };
        let navigation = entity.navigation(name).unwrap();
        let target = &self.model.entity_types[navigation.target];
        let with = |other: &'r Entity| {
            let mut inner = current.clone();
            inner.push((target, other));
            inner
        };
        self.related(entity, row, navigation).into_iter().map(with).collect()
    }

    fn value(&self, subject: &Subject, current: &Current<'r>) -> Value {
        self.reached(&subject.row, current).map_or(Value::Null, |(_, row)| row[&subject.property].clone())
    }

    fn count(&self, counted: &Counted, current: &Current<'r>) -> usize {
        let rows = self.around(&counted.row, &counted.name, current);
        let holds = |row: &&Current<'r>| {
            counted.filter.as_ref().is_none_or(|filter| self.holds(filter, row) == Some(true))
        };
        rows.iter().filter(holds).count()
    }

    pub(crate) fn term(&self, term: &OrderTerm, current: &Current<'r>) -> Value {
        match term {
            OrderTerm::Property(subject) => self.value(subject, current),
            OrderTerm::Count(counted) => json!(self.count(counted, current)),
        }
    }

    /// Whether a condition is true, false or null.
    pub(crate) fn holds(&self, condition: &Condition, current: &Current<'r>) -> Option<bool> {
        match condition {
            Condition::Compare(subject, operator, side) => {
                let other = match side {
                    Ok(literal) => literal.clone(),
                    Err(other) => self.value(other, current),
                };
                Some(compared(&self.value(subject, current), operator, &other))
            }
            Condition::Contains(subject, part) => {
                self.value(subject, current).as_str().map(|text| text.contains(part))
            }
            Condition::Related(row, name, is_there) => {
                Some(self.around(row, name, current).is_empty() != *is_there)
            }
            Condition::Any(row, name, inner) => {
                let rows = self.around(row, name, current);
                let holds = |row: &Current<'r>| {
                    inner.as_ref().is_none_or(|(_, inner)| self.holds(inner, row) == Some(true))
                };
                Some(rows.iter().any(holds))
            }
            Condition::All(row, name, (_, inner)) => {
                let rows = self.around(row, name, current);
                Some(rows.iter().all(|row| self.holds(inner, row) == Some(true)))
            }
            Condition::Count(counted, operator, number) => {
                Some(compared(&json!(self.count(counted, current)), operator, &json!(number)))
            }
            Condition::And(one, other) => match (self.holds(one, current), self.holds(other, current)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (one, other) => one.and(other),
            },
            Condition::Or(one, other) => match (self.holds(one, current), self.holds(other, current)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (one, other) => one.and(other),
            },
            Condition::Not(inner) => self.holds(inner, current).map(|holds| !holds),
        }
    }
}

fn compared(value: &Value, operator: &str, other: &Value) -> bool {
    let has_value = !value.is_null() && !other.is_null();
    match operator {
        "eq" => value == other,
        "ne" => value != other,
        "gt" => has_value && in_order(value, other) == Ordering::Greater,
        // Null is at most null.
        _ if !has_value => value.is_null() && other.is_null(),
        _ => in_order(value, other) != Ordering::Greater,
    }
}
