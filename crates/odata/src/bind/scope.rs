//! What the names in an expression refer to, and the related rows that it reads.

use super::crossed::{CrossedSet, combination};
use crate::error::Reason;
use crate::model::{EntityType, Model, Navigation};
use crate::syntax::{MAX_FOLLOWED, MAX_LAMBDAS};
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::lookup::JoinedOne;
use crate::tree::typed::{JoinedRow, RelatedRows, Typed};

/// The scans of a request, and how many navigation properties its expressions may still follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(super) next_scan: ScanId,
    followed: usize,
}

/// A row to which names refer.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedRow<'m> {
    /// The scope to which the row belongs.
    scope: usize,
    pub(super) scan: ScanId,
    pub(super) entity_type: &'m EntityType,
    /// Whether it was reached through a navigation property, so that there may be no row.
    pub(super) may_be_missing: bool,
    /// Whether it is the entity of a set in a cross join.
    is_crossed: bool,
}

/// The rows of one set, one of which is current.
#[derive(Debug)]
struct Scope<'m> {
    /// The variable of a lambda operator that stands for the current row. Without one, names refer to it by themselves.
    variable: Option<String>,
    scan: ScanId,
    entity_type: &'m EntityType,
    /// The rows to which navigation properties lead from the current one.
    joins: Vec<JoinedOne<'m>>,
}

/// All rows that are current where an expression is bound.
#[derive(Debug)]
pub(crate) struct Scopes<'m> {
    /// Without one, there is no navigation.
    model: Option<&'m Model>,
    pub(super) budget: Budget,
    /// From the rows of the option to the innermost ones.
    nested: Vec<Scope<'m>>,
    /// The scans of subqueries.
    looked_up: Vec<(ScanId, &'m EntityType)>,
    /// Whether the rows are those that the resource path addresses, to which `$it` refers.
    is_addressed: bool,
    /// The sets whose entities the rows of the option combine, if these are those of a cross join.
    crossed: Vec<CrossedSet<'m>>,
}

/// The rows of other scans that bound expressions need.
#[derive(Debug)]
pub(crate) struct Needed<'m> {
    pub(super) joins: Vec<JoinedOne<'m>>,
    pub(super) looked_up: Vec<(ScanId, &'m EntityType)>,
}

/// Related rows about which a condition is bound.
pub(super) struct Entered {
    pub(super) scan: ScanId,
    on: Vec<(ScanColumn, ScanColumn)>,
}

impl NamedRow<'_> {
    /// Whether it is one of the rows of the option itself.
    pub(super) fn is_first(&self) -> bool {
        self.scope == 0 && !self.may_be_missing && !self.is_crossed
    }
}

impl Budget {
    pub(crate) fn from(next_scan: ScanId) -> Self {
        Self { next_scan, followed: 0 }
    }

    /// A scan that nothing else uses.
    pub(super) fn scan(&mut self) -> ScanId {
        let scan = self.next_scan;
        self.next_scan = scan.next();
        scan
    }

    /// A scan for the rows to which a navigation property leads.
    pub(super) fn follow(&mut self) -> Result<ScanId, Reason> {
        if self.followed == MAX_FOLLOWED {
            return Err(Reason::TooManyFollowed(MAX_FOLLOWED));
        }
        self.followed += 1;
        Ok(self.scan())
    }
}

impl<'m> Scopes<'m> {
    /// The rows of a scan. `is_addressed` says whether the resource path addresses them.
    pub(crate) fn of(
        model: &'m Model,
        budget: Budget,
        scan: ScanId,
        entity_type: &'m EntityType,
        is_addressed: bool,
    ) -> Self {
        let first = Scope { variable: None, scan, entity_type, joins: Vec::new() };
        Self {
            model: Some(model),
            budget,
            nested: vec![first],
            looked_up: Vec::new(),
            is_addressed,
            crossed: Vec::new(),
        }
    }

    /// The combinations of a cross join.
    pub(super) fn of_cross_join(model: &'m Model, budget: Budget, sets: &[CrossedSet<'m>]) -> Self {
        Self { crossed: sets.to_vec(), ..Self::of(model, budget, ScanId::FIRST, combination(), true) }
    }

    /// The same rows, with those that are joined with them already.
    pub(super) fn joined_with(mut self, joins: Vec<JoinedOne<'m>>) -> Self {
        self.nested[0].joins = joins;
        self
    }

    /// Rows without navigation properties.
    pub(super) fn of_derived(budget: Budget, scan: ScanId, entity_type: &'m EntityType) -> Self {
        let first = Scope { variable: None, scan, entity_type, joins: Vec::new() };
        Self {
            model: None,
            budget,
            nested: vec![first],
            looked_up: Vec::new(),
            is_addressed: true,
            crossed: Vec::new(),
        }
    }

    /// The type of the rows to which a navigation property leads.
    fn target(&self, navigation: &Navigation) -> Result<&'m EntityType, Reason> {
        let what = || "navigation in this expression".to_owned();
        let model = self.model.ok_or_else(|| Reason::NotImplemented(what()))?;
        Ok(&model.entity_types[navigation.target])
    }

    /// The rows of other scans that the bound expressions need.
    pub(super) fn finish(mut self) -> (Needed<'m>, Budget) {
        let joins = self.nested.swap_remove(0).joins;
        (Needed { joins, looked_up: self.looked_up }, self.budget)
    }

    /// The current row to which a name without a variable refers.
    pub(super) fn current(&self) -> NamedRow<'m> {
        let implicit = self.nested.iter().rposition(|scope| scope.variable.is_none());
        self.place(implicit.unwrap_or(0))
    }

    /// The current row for which a variable stands.
    pub(super) fn variable(&self, name: &str) -> Option<NamedRow<'m>> {
        let scope = self.nested.iter().rposition(|scope| scope.variable.as_deref() == Some(name))?;
        Some(self.place(scope))
    }

    /// The row for which `$it` stands: one of those that the resource path addresses.
    pub(super) fn addressed(&self) -> Option<NamedRow<'m>> {
        self.is_addressed.then(|| self.place(0))
    }

    fn place(&self, scope: usize) -> NamedRow<'m> {
        let Scope { scan, entity_type, .. } = self.nested[scope];
        NamedRow { scope, scan, entity_type, may_be_missing: false, is_crossed: false }
    }

    /// The entity of a set in a combination of entities.
    pub(super) fn crossed(&self, from: NamedRow<'m>, name: &str) -> Option<NamedRow<'m>> {
        let set = self.crossed.iter().find(|set| from.is_first() && set.entity_type.name == name)?;
        Some(NamedRow { scan: set.scan, entity_type: set.entity_type, is_crossed: true, ..from })
    }

    /// The sets whose entities are combined.
    pub(super) fn crossed_sets(&self) -> impl Iterator<Item = &'m EntityType> + Clone {
        self.crossed.iter().map(|set| set.entity_type)
    }

    /// The row to which a navigation property leads.
    pub(super) fn step(
        &mut self,
        from: NamedRow<'m>,
        navigation: &'m Navigation,
    ) -> Result<NamedRow<'m>, Reason> {
        let entity_type = self.target(navigation)?;
        let joins = &mut self.nested[from.scope].joins;
        let is_same =
            |join: &&JoinedOne<'_>| join.parent == from.scan && std::ptr::eq(join.navigation, navigation);
        let child = if let Some(join) = joins.iter().find(is_same) {
            join.child
        } else {
            let child = self.budget.follow()?;
            joins.push(JoinedOne { navigation, parent: from.scan, child, entity_type });
            child
        };
        Ok(NamedRow { scan: child, entity_type, may_be_missing: true, ..from })
    }

    /// Makes the rows current to which a navigation property leads.
    pub(super) fn enter(
        &mut self,
        from: NamedRow<'m>,
        navigation: &'m Navigation,
    ) -> Result<Entered, Reason> {
        let entity_type = self.target(navigation)?;
        let scan = self.budget.follow()?;
        self.looked_up.push((scan, entity_type));
        self.nested.push(Scope { variable: None, scan, entity_type, joins: Vec::new() });
        Ok(Entered { scan, on: navigation.columns(from.scan, scan) })
    }

    /// Makes the rows of an entity set current.
    pub(super) fn enter_set(&mut self, name: &str) -> Result<(Entered, &'m EntityType), Reason> {
        let model =
            self.model.ok_or_else(|| Reason::NotImplemented("$root in this expression".to_owned()))?;
        let unknown = || Reason::Unexpected {
            expected: "the name of an entity set after $root/",
            found: format!("'{name}'"),
        };
        let entity_type = model.entity_type(name).ok_or_else(unknown)?;
        let scan = self.budget.follow()?;
        self.looked_up.push((scan, entity_type));
        self.nested.push(Scope { variable: None, scan, entity_type, joins: Vec::new() });
        Ok((Entered { scan, on: Vec::new() }, entity_type))
    }

    /// The row that has become current last.
    pub(super) fn innermost(&self) -> NamedRow<'m> {
        self.place(self.nested.len() - 1)
    }

    /// Refuses more nested collections than there may be. The first scope is that of the option.
    pub(super) fn check_depth(&self) -> Result<(), Reason> {
        if self.nested.len() > MAX_LAMBDAS { Err(Reason::TooManyLambdas(MAX_LAMBDAS)) } else { Ok(()) }
    }

    /// Gives the row that has become current a variable, by which alone it can be named.
    pub(super) fn name(&mut self, variable: &str) {
        if let Some(scope) = self.nested.last_mut() {
            scope.variable = Some(variable.to_owned());
        }
    }

    /// Makes the rows outside current again.
    pub(super) fn leave(&mut self, entered: Entered, conditions: Vec<Typed>) -> RelatedRows {
        let joins = self.nested.pop().map(|scope| scope.joins).unwrap_or_default();
        self.looked_up.extend(joins.iter().map(|join| (join.child, join.entity_type)));
        let joined = |join: &JoinedOne<'_>| JoinedRow {
            scan: join.child,
            on: join.navigation.columns(join.parent, join.child),
        };
        let joins = joins.iter().map(joined).collect();
        RelatedRows { scan: entered.scan, on: entered.on, joins, conditions }
    }

    /// The type of the rows of a scan that an expression may read here.
    pub(super) fn entity_type(&self, scan: ScanId) -> Option<&'m EntityType> {
        let crossed = self.crossed.iter().find(|set| set.scan == scan).map(|set| set.entity_type);
        crossed.or_else(|| self.type_in_scopes(scan))
    }

    fn type_in_scopes(&self, scan: ScanId) -> Option<&'m EntityType> {
        self.nested.iter().find_map(|scope| {
            let joined = || scope.joins.iter().find(|join| join.child == scan).map(|join| join.entity_type);
            if scope.scan == scan { Some(scope.entity_type) } else { joined() }
        })
    }
}
