//! What rows are grouped by: their own properties, computed values, and properties of the entities to which navigation
//! properties lead.

use super::{APPLY, Derived};
use crate::bind::Binding;
use crate::bind::crossed::CrossedSet;
use crate::bind::expression::unknown_property;
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::syntax::{Expression, MAX_EXPAND_DEPTH, Node, Step};
use crate::tree::column::ScanId;
use crate::tree::typed::Typed;
use crate::tree::{Expand, PlanNode, Scan};

/// Related entities that are joined with the rows: the path that leads to them, and their scan.
pub(super) type Joined = Vec<(String, ScanId)>;

/// Where a path starts: the rows that its first steps name.
#[derive(Clone, Copy)]
struct Start<'m> {
    scan: ScanId,
    entity_type: &'m EntityType,
    steps: usize,
}

impl<'m> Binding<'m> {
    /// The value of a path by which rows are grouped.
    pub(super) fn grouping_key(
        &mut self,
        input: &mut Derived<'m>,
        joined: &mut Joined,
        at: usize,
        path: &[&str],
    ) -> Result<Typed, Error> {
        if !input.crossed.is_empty() {
            return self.crossed_key(input, joined, at, path);
        }
        let (scan, entity_type) = input.first_scan();
        let leads_on = path.first().is_some_and(|name| entity_type.navigation(name).is_some());
        // Groups have no navigation properties.
        if let Some(of_model) = self.model.entity_type(&entity_type.name).filter(|_| leads_on) {
            return self.related_key(
                input,
                joined,
                Start { scan, entity_type: of_model, steps: 0 },
                at,
                path,
            );
        }
        self.own_key(input, at, path)
    }

    /// The value of a path in a cross join, which begins with the entity of a set unless it names a computed value.
    fn crossed_key(
        &mut self,
        input: &mut Derived<'m>,
        joined: &mut Joined,
        at: usize,
        path: &[&str],
    ) -> Result<Typed, Error> {
        let set = input.crossed.iter().find(|set| path.first() == Some(&set.entity_type.name.as_str()));
        let Some(CrossedSet { scan, entity_type }) = set.copied() else {
            return self.own_key(input, at, path);
        };
        self.related_key(input, joined, Start { scan, entity_type, steps: 1 }, at, path)
    }

    /// The value of a path of the rows themselves.
    fn own_key(&mut self, input: &mut Derived<'m>, at: usize, path: &[&str]) -> Result<Typed, Error> {
        let steps = path.iter().map(|name| Step { at, name, arguments: None }).collect();
        let node = Node { at, expression: Expression::Path(steps) };
        self.bound(input, APPLY, |binder| binder.bind(&node))
    }

    /// Joins the entities on the way and returns the property at its end, which is null where there is no such entity.
    fn related_key(
        &mut self,
        input: &mut Derived<'m>,
        joined: &mut Joined,
        start: Start<'m>,
        at: usize,
        path: &[&str],
    ) -> Result<Typed, Error> {
        let unsupported = |what: &str| Reason::NotImplemented(what.to_owned()).at(APPLY, at);
        let Start { mut scan, mut entity_type, steps } = start;
        for (step, name) in path.iter().enumerate().skip(steps) {
            let Some(navigation) = entity_type.navigation(name) else {
                let (index, property) = entity_type
                    .property(name)
                    .ok_or_else(|| unknown_property(entity_type, name, APPLY, at))?;
                if step + 1 < path.len() {
                    return Err(unsupported("a path beyond a primitive property"));
                }
                return Ok(Typed { nullable: true, ..Typed::column(scan.column(index), property) });
            };
            if navigation.collection {
                return Err(unsupported("grouping by properties of many entities"));
            }
            if step == MAX_EXPAND_DEPTH {
                return Err(Reason::TooManyLevels(MAX_EXPAND_DEPTH).at(APPLY, at));
            }
            entity_type = &self.model.entity_types[navigation.target];
            let way = path[..=step].join("/");
            if let Some((_, known)) = joined.iter().find(|(other, _)| *other == way) {
                scan = *known;
                continue;
            }
            let child = self.budget.follow().map_err(|reason| reason.at(APPLY, at))?;
            let parent = scan;
            let nested = PlanNode::Scan(Scan::of(child, entity_type));
            let rows = std::mem::replace(&mut input.rows, nested.clone());
            input.rows = PlanNode::Expand(Expand {
                input: Box::new(rows),
                navigation,
                parent,
                child,
                nested: Box::new(nested),
                only_related: false,
            });
            joined.push((way, child));
            scan = child;
        }
        Err(unsupported("grouping by entities"))
    }
}
