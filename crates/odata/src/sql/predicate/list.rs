//! Membership: `Id in (1, 2)`, and equivalent chains of comparisons.

use super::stands_for_others;
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::sql::Writer;
use crate::tree::class::Class;
use crate::tree::typed::{Comparison, Constant, Term, Typed};

/// Up to this many comparisons with operands longer than a value are written one by one.
const LONGEST_CHAIN: usize = 8;

impl Writer<'_> {
    /// Writes a membership as one list if that is equivalent, otherwise as a chain of comparisons.
    pub(super) fn is_member(&mut self, operand: &Typed, list: &[Typed]) {
        let can_equal = |item: &&Typed| match &item.term {
            Term::Constant(constant) => self.rules.can_equal(self, operand, constant),
            _ => true,
        };
        let list: Vec<&Typed> = list.iter().filter(can_equal).collect();
        // A chain would repeat the operand for each item.
        let computed = operand.is_computed();
        let (listed, others): (Vec<&Typed>, Vec<&Typed>) = list.iter().partition(|item| {
            let plain = matches!(&item.term, Term::Constant(constant) if self.is_listable(operand, constant));
            plain || (computed && !item.nullable)
        });
        if list.is_empty() {
            return self.boolean(false);
        }
        if let Some(stored) = self.all_stored(operand, &list) {
            return self.is_stored(operand, stored);
        }
        // A long chain takes more text than its list.
        let constant = |item: &&Typed| matches!(item.term, Term::Constant(_));
        let may_be_listed = !has_replaced(&others) && !self.is_single(operand);
        if others.len() > LONGEST_CHAIN && others.iter().all(constant) && may_be_listed {
            self.operand(operand);
            return self.items(operand, &list);
        }
        let groups = usize::from(!listed.is_empty());
        self.joined(" OR ", groups + others.len(), &mut |writer, at| {
            let Some(at) = at.checked_sub(groups) else { return writer.is_listed(operand, &listed) };
            writer.holds(Comparison::Eq, operand, others[at]);
        });
    }

    /// Returns the constants of a list in the stored form of the column's layout, if the column contains
    /// nothing else. Constants that have no stored form are equal to nothing and are omitted.
    fn all_stored(&self, operand: &Typed, list: &[&Typed]) -> Option<Vec<Value>> {
        let Term::Column(column) = operand.term else { return None };
        // Equal numbers of different kinds are stored differently, and so are different bytes that are shown
        // as the same text.
        let is_exact = !operand.class.is_numeric() && operand.class != Class::String;
        let is_alike = |item: &&Typed| item.class == operand.class && matches!(item.term, Term::Constant(_));
        if !self.in_layout.contains(&column) || !is_exact || !list.iter().all(is_alike) {
            return None;
        }
        let stored = list.iter().filter_map(|item| match &item.term {
            Term::Constant(constant) => {
                self.rules.stored_constant(self.entity_type(column.scan), column.property, constant)
            }
            _ => None,
        });
        Some(stored.collect())
    }

    fn is_stored(&mut self, operand: &Typed, values: Vec<Value>) {
        let Term::Column(column) = operand.term else { return };
        if values.is_empty() {
            return self.boolean(false);
        }
        self.rules.stored(self, column);
        self.text(" IN (");
        for (index, value) in values.into_iter().enumerate() {
            self.text(if index == 0 { "" } else { "," });
            self.parameter(value);
        }
        self.text(")");
    }

    fn is_listed(&mut self, operand: &Typed, items: &[&Typed]) {
        self.rules.listed(self, operand);
        self.items(operand, items);
    }

    fn items(&mut self, operand: &Typed, items: &[&Typed]) {
        self.text(" IN (");
        for (index, item) in items.iter().enumerate() {
            self.text(if index == 0 { "" } else { "," });
            self.rules.listed_item(self, operand, item);
        }
        self.text(")");
    }

    /// Whether it is a column of single precision, each of whose values stands for a shorter number.
    fn is_single(&self, operand: &Typed) -> bool {
        matches!(operand.term, Term::Column(column) if self.property(column).ty == EdmType::Single)
    }

    fn is_listable(&self, operand: &Typed, constant: &Constant) -> bool {
        match operand.term {
            Term::Column(column) => {
                self.rules.is_listable(self.entity_type(column.scan), column.property, constant)
            }
            _ => self.rules.compares_directly(operand) && operand.class != Class::Boolean,
        }
    }
}

fn has_replaced(items: &[&Typed]) -> bool {
    items.iter().any(|item| stands_for_others(item))
}
