//! Random cross joins, and what they must give.

use std::cmp::Ordering;

use odata::expansion::Bounds;
use odata::model::{EntityType, Model};
use serde_json::{Value, json};
use testkit::Random;

use crate::client::{Client, Pace};
use crate::condition::{Condition, Conditions, OrderTerm};
use crate::oracle::{Entity, Oracle, ROOT, in_order, key};
use crate::random_requests::escaped;
use crate::wanted::{Wanted, property};

/// At most so many combinations, all of which are computed.
const MOST: usize = 3_000;

/// A random request for a cross join.
struct WantedCrossJoin<'m> {
    members: Vec<WantedSet<'m>>,
    filter: Option<Condition>,
    /// The terms of the order, and whether they descend.
    order: Vec<(OrderTerm, bool)>,
    top: Option<usize>,
    skip: usize,
    count: bool,
}

/// A set with what is wanted of its entity.
struct WantedSet<'m> {
    entity: &'m EntityType,
    form: Form,
}

enum Form {
    Link,
    Reference,
    Entity(Box<Wanted>),
}

/// Asks a client for a random cross join.
pub(crate) async fn compare(client: &mut Client, oracle: &Oracle<'_>, random: &mut Random, place: &str) {
    let wanted = WantedCrossJoin::random(random, oracle.model);
    let rows = |member: &WantedSet<'_>| oracle.rows[member.entity.table.as_str()].len();
    let combinations: usize = wanted.members.iter().map(rows).product();
    if combinations > MOST {
        return;
    }
    let few = 1 + combinations / 20;
    let speed = Pace { page_size: few + random.place(1 + combinations), bounds: Bounds::default() };
    let url = wanted.url();
    let found = client.all(&escaped(&url), speed).await.unwrap();
    let (expected, count) = wanted.rows(oracle);
    assert_eq!(found["value"], Value::Array(expected), "{place}, {speed:?}: {url}");
    assert_eq!(found.get("@odata.count"), wanted.count.then(|| json!(count)).as_ref(), "{place}: {url}");
    assert_eq!(found["@odata.context"], format!("{ROOT}$metadata#Collection(Edm.ComplexType)"));
    assert_eq!(client.statements, 1, "{url}");
}

impl<'m> WantedCrossJoin<'m> {
    fn random(random: &mut Random, model: &'m Model) -> Self {
        let mut entities: Vec<&EntityType> = model.entity_types.iter().collect();
        let mut members = Vec::new();
        for _ in 0..=random.place(3) {
            let entity = entities.swap_remove(random.place(entities.len()));
            members.push(WantedSet { entity, form: Form::random(random, entity) });
        }
        let (sets, mut left) = (members.iter().map(|member| member.entity).collect(), 20);
        let mut conditions = Conditions::of_cross_join(model, sets, random, &mut left);
        let filter = (!conditions.chance(3)).then(|| conditions.condition(3));
        let mut order = Vec::new();
        while order.len() < 2 && conditions.chance(2) {
            let term = conditions.order();
            order.push((term, conditions.chance(2)));
        }
        let top = (random.below(3) == 0).then(|| random.place(40));
        let skip = if random.below(4) == 0 { random.place(10) } else { 0 };
        Self { members, filter, order, top, skip, count: random.below(3) == 0 }
    }

    fn url(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|member| member.entity.name.as_str()).collect();
        let shape = Wanted {
            filter: self.filter.clone(),
            order: self.order.clone(),
            top: self.top,
            skip: self.skip,
            count: self.count,
            ..Wanted::default()
        };
        let expanded: Vec<String> = self.members.iter().filter_map(WantedSet::text).collect();
        let expand =
            if expanded.is_empty() { String::new() } else { format!("&$expand={}", expanded.join(",")) };
        format!("/$crossjoin({})?{}{expand}", names.join(","), shape.options("&"))
    }

    /// The combinations for which the filter holds, in order, and their number before `$top` and `$skip`.
    fn rows(&self, oracle: &Oracle<'m>) -> (Vec<Value>, usize) {
        let mut combinations: Vec<Vec<(&EntityType, &Entity)>> = vec![Vec::new()];
        for WantedSet { entity, .. } in &self.members {
            let rows = &oracle.rows[entity.table.as_str()];
            let with = |combination: &Vec<(&'m EntityType, &'m Entity)>| {
                let combination = combination.clone();
                rows.iter().map(move |row| [&combination[..], &[(*entity, row)]].concat())
            };
            combinations = combinations.iter().flat_map(with).collect();
        }
        if let Some(filter) = &self.filter {
            combinations.retain(|current| oracle.holds(filter, current) == Some(true));
        }
        let mut placed: Vec<_> =
            combinations.into_iter().map(|current| (self.place(oracle, &current), current)).collect();
        placed.sort_by(|(one, _), (other, _)| {
            one.iter().zip(other).fold(Ordering::Equal, |order, ((one, turned), (other, _))| {
                let next = in_order(one, other);
                order.then(if *turned { next.reverse() } else { next })
            })
        });
        let count = placed.len();
        let shown = placed.into_iter().skip(self.skip).take(self.top.unwrap_or(usize::MAX));
        (shown.map(|(_, current)| self.shown(oracle, &current)).collect(), count)
    }

    /// The terms of the order, then the keys of all entities, with their directions.
    fn place(&self, oracle: &Oracle<'m>, current: &Vec<(&'m EntityType, &'m Entity)>) -> Vec<(Value, bool)> {
        let descending = self.order.last().is_some_and(|(_, descending)| *descending);
        let mut terms: Vec<(Value, bool)> =
            self.order.iter().map(|(term, turned)| (oracle.term(term, current), *turned)).collect();
        for (entity, row) in current {
            let keys = entity.key.iter().map(|key| &entity.properties[*key].name);
            terms.extend(keys.map(|name| (row[name].clone(), descending)));
        }
        terms
    }

    fn shown(&self, oracle: &Oracle<'m>, current: &[(&'m EntityType, &'m Entity)]) -> Value {
        let member =
            |(WantedSet { form, .. }, (entity, row)): (&WantedSet<'m>, &(&'m EntityType, &'m Entity))| {
                let name = entity.name.clone();
                let address = format!("{name}({})", key(entity, row));
                match form {
                    Form::Link => (format!("{name}@odata.navigationLink"), json!(address)),
                    Form::Reference => (name, json!({ "@odata.id": format!("{ROOT}{address}") })),
                    Form::Entity(wanted) => (name, oracle.shown(entity, row, wanted)),
                }
            };
        Value::Object(self.members.iter().zip(current).map(member).collect())
    }
}

impl Form {
    fn random(random: &mut Random, entity: &EntityType) -> Self {
        match random.below(6) {
            0..3 => Self::Link,
            3 => Self::Reference,
            4 => Self::Entity(Box::default()),
            _ => {
                let select = Some(vec![property(random, entity)]);
                Self::Entity(Box::new(Wanted { select, ..Wanted::default() }))
            }
        }
    }
}

impl WantedSet<'_> {
    /// The item of `$expand`.
    fn text(&self) -> Option<String> {
        let name = &self.entity.name;
        match &self.form {
            Form::Link => None,
            Form::Reference => Some(format!("{name}/$ref")),
            Form::Entity(wanted) if wanted.select.is_some() => {
                Some(format!("{name}({})", wanted.options(";")))
            }
            Form::Entity(_) => Some(name.clone()),
        }
    }
}
