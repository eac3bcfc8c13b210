//! What a request must give, computed from the rows.

use std::cmp::Ordering;

use odata::model::{EntityType, Model};
use serde_json::{Map, Value, json};

use crate::tables::Rows;
use crate::wanted::{Form, Wanted, WantedRelated};

pub(crate) type Entity = Map<String, Value>;

/// The name of the tag in an entity. Rows have it as a further value, because it is shown whatever is selected.
pub(crate) const TAG: &str = "@odata.etag";

/// The address of the service.
pub(crate) const ROOT: &str = "https://host/api/odata4/test/";

pub(crate) struct Oracle<'a> {
    pub(crate) model: &'a Model,
    pub(crate) rows: &'a Rows,
}

impl<'r> Oracle<'r> {
    /// The entities of a set, and their number before `$top` and `$skip`.
    pub(crate) fn set(&self, entity: &'r EntityType, wanted: &Wanted) -> (Vec<Value>, usize) {
        let all = self.rows[entity.table.as_str()].iter().collect();
        let (rows, count) = self.part(entity, all, wanted);
        (rows.into_iter().map(|row| self.shown(entity, row, wanted)).collect(), count)
    }

    /// An entity with its related ones.
    pub(crate) fn shown(&self, entity: &'r EntityType, row: &Entity, wanted: &Wanted) -> Value {
        let is_shown =
            |name: &&String| *name == TAG || wanted.select.as_ref().is_none_or(|names| names.contains(name));
        let mut shown: Entity = row
            .iter()
            .filter(|(name, _)| is_shown(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for related in &wanted.expand {
            self.expand(entity, row, related, &mut shown);
        }
        Value::Object(shown)
    }

    fn expand(&self, entity: &EntityType, row: &Entity, related: &WantedRelated, shown: &mut Entity) {
        let navigation = entity.navigation(&related.name).unwrap();
        let target = &self.model.entity_types[navigation.target];
        let others = self.related(entity, row, navigation);
        let mut wanted = related.wanted.clone();
        if related.levels > 1 {
            let again = WantedRelated { levels: related.levels - 1, ..related.clone() };
            wanted.expand.push(again);
        }
        let written = |other: &Entity| match related.form {
            Form::References => {
                json!({ "@odata.id": format!("{ROOT}{}({})", target.name, key(target, other)) })
            }
            _ => self.shown(target, other, &wanted),
        };
        if !navigation.collection {
            let one = others.first().map_or(Value::Null, |other| written(other));
            shown.insert(related.name.clone(), one);
            return;
        }
        let (others, count) = self.part(target, others, &wanted);
        if wanted.count || related.form == Form::Count {
            shown.insert(format!("{}@odata.count", related.name), json!(count));
        }
        if related.form != Form::Count {
            shown.insert(related.name.clone(), others.into_iter().map(written).collect());
        }
    }

    /// The rows for which the filter holds, in order, and their number before `$top` and `$skip`.
    fn part(
        &self,
        entity: &'r EntityType,
        rows: Vec<&'r Entity>,
        wanted: &Wanted,
    ) -> (Vec<&'r Entity>, usize) {
        let holds = |row: &&'r Entity| {
            let current = vec![(entity, *row)];
            wanted.filter.as_ref().is_none_or(|filter| self.holds(filter, &current) == Some(true))
        };
        let descending = wanted.order.last().is_some_and(|(_, descending)| *descending);
        let place = |row: &'r Entity| {
            let current = vec![(entity, row)];
            let mut terms: Vec<(Value, bool)> =
                wanted.order.iter().map(|(term, turned)| (self.term(term, &current), *turned)).collect();
            let keys = entity.key.iter().map(|key| &entity.properties[*key].name);
            terms.extend(keys.map(|name| (row[name].clone(), descending)));
            (terms, row)
        };
        let mut rows: Vec<_> = rows.into_iter().filter(holds).map(place).collect();
        rows.sort_by(|(one, _), (other, _)| {
            one.iter().zip(other).fold(Ordering::Equal, |order, ((one, turned), (other, _))| {
                let next = in_order(one, other);
                order.then(if *turned { next.reverse() } else { next })
            })
        });
        let count = rows.len();
        let rows = rows.into_iter().map(|(_, row)| row);
        (rows.skip(wanted.skip).take(wanted.top.unwrap_or(usize::MAX)).collect(), count)
    }
}

pub(crate) fn in_order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (one, other) => one.as_i64().cmp(&other.as_i64()),
    }
}

/// The key of an entity in its address.
pub(crate) fn key(entity: &EntityType, row: &Entity) -> String {
    let literal = |value: &Value| match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''").replace('ö', "%C3%B6")),
        other => other.to_string(),
    };
    let names = entity.key.iter().map(|key| &entity.properties[*key].name);
    let parts: Vec<String> = names.map(|name| format!("{name}={}", literal(&row[name]))).collect();
    if parts.len() == 1 { parts[0].split_once('=').unwrap().1.to_owned() } else { parts.join(",") }
}
