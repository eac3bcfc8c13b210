//! Binding expressions about rows that are derived from others.

use super::{Derived, ordering};
use crate::bind::Binding;
use crate::bind::expression::Binder;
use crate::bind::names::{Named, Names};
use crate::bind::scope::{Needed, Scopes};
use crate::error::Error;
use crate::syntax::OrderTerm;
use crate::syntax::compute::ComputeItem;
use crate::tree::{Computed, Order, PlanNode, Scan, Scans};

impl<'m> Binding<'m> {
    /// Binds something in which the names of the rows are known, and joins the related rows that it needs.
    pub(super) fn bound<T>(
        &mut self,
        input: &mut Derived<'m>,
        target: &'static str,
        bind: impl FnOnce(&mut Binder<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let names = Names::of(std::mem::take(&mut input.names), self.names_left);
        let (scan, entity_type) = input.first_scan();
        let of_model = self.model.entity_type(&entity_type.name).filter(|_| !input.rows.is_grouped());
        let Some(entity_type) = of_model else {
            let mut binder =
                Binder::new(Scopes::of_derived(self.budget, scan, entity_type), target, self.now);
            binder.names = names;
            let bound = bind(&mut binder);
            let (names, used_now) = (std::mem::take(&mut binder.names), binder.used_now);
            self.return_names(input, names, used_now);
            return bound;
        };
        let joins = std::mem::take(&mut input.joins);
        let known = joins.len();
        let scopes = match &input.crossed[..] {
            [] => Scopes::of(self.model, self.budget, scan, entity_type, true),
            sets => Scopes::of_cross_join(self.model, self.budget, sets),
        };
        let scopes = scopes.joined_with(joins);
        let mut binder = Binder::new(scopes, target, self.now);
        binder.names = names;
        let bound = bind(&mut binder);
        let (names, used_now) = (std::mem::take(&mut binder.names), binder.used_now);
        let (Needed { joins, looked_up }, budget) = binder.scopes.finish();
        self.budget = budget;
        let rows = std::mem::replace(&mut input.rows, PlanNode::Scan(Scan::of(scan, entity_type)));
        input.rows = rows.joined(&joins[known..]).looking_up(looked_up);
        input.joins = joins;
        self.return_names(input, names, used_now);
        bound
    }

    /// Takes back the names that an expression could use, and what it has used of them.
    fn return_names(&mut self, input: &mut Derived<'m>, names: Names, used_now: bool) {
        self.names_left = self.names_left.saturating_sub(names.length);
        self.uses_now |= used_now;
        input.names = names.known;
    }

    /// The terms of an order that order anything.
    pub(super) fn terms(
        &mut self,
        input: &mut Derived<'m>,
        terms: &[OrderTerm<'_>],
        target: &'static str,
    ) -> Result<Vec<Order>, Error> {
        let mut bound = Vec::with_capacity(terms.len());
        for OrderTerm { node, descending } in terms {
            let term = self.bound(input, target, |binder| binder.bind_subject(node))?;
            bound.push(Order { term, descending: *descending });
        }
        Ok(ordering(bound))
    }

    /// Adds computed values to the names of the rows. Each may refer to those before it.
    pub(super) fn compute(
        &mut self,
        input: &mut Derived<'m>,
        items: &[ComputeItem<'_>],
        target: &'static str,
    ) -> Result<(), Error> {
        for ComputeItem { node, length, alias } in items {
            input.is_free(*alias, target)?;
            let (value, used, level) = self.bound(input, target, |binder| {
                let value = binder.bind_subject(node)?;
                Ok((value, binder.names.length, binder.names.level))
            })?;
            let computed = Computed::new(alias.name, value, &Scans::of(&input.rows));
            input.names.push(Named { computed, length: length + used, level: level + 1 });
        }
        Ok(())
    }
}
