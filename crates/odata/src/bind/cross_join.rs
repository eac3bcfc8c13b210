//! Binding cross joins: each entity of a set with each one of others ([OData URL Conventions 4.01
//! §4.15](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_AddressingtheCrossJoinofEntitySets)).

use super::crossed::{CrossedSet, combination, rows};
use super::expression::Binder;
use super::scope::Scopes;
use super::{Binding, NOTHING_COMPUTED, Ordered, SelectedProperties, Selection, complete, shown};
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::EntityType;
use crate::syntax::{EntityOptions, ExpandItem, ExpandedForm, Request};
use crate::tree::Page;
use crate::url::SystemOption;

const EXPAND: &str = "$expand";

/// What is shown of the entity of a set.
#[derive(Debug)]
pub(crate) struct CrossedMember<'m> {
    pub(crate) set: CrossedSet<'m>,
    /// The entity or its id with what is shown of it; `None` for a link to it.
    pub(crate) expanded: Option<(ExpandedForm, SelectedProperties<'m>)>,
}

impl<'m> Binding<'m> {
    /// The combinations of the entities of sets, with all options of the request.
    pub(super) fn cross_join(
        &mut self,
        sets: &[CrossedSet<'m>],
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        if !request.apply.is_empty() {
            return self.grouped_cross_join(sets, request);
        }
        let options = &request.options;
        let scopes = Scopes::of_cross_join(self.model, self.budget, sets);
        let binder = Binder::new(scopes, "$filter", self.now);
        let Ordered { rows, mut order, joins } =
            self.ordered(rows(sets), binder, Vec::new(), options, None)?;
        for set in sets {
            complete(&mut order, set.scan, set.entity_type);
        }
        Ok(Selection {
            page: Page {
                input: Box::new(rows),
                order,
                after: None,
                skip: options.skip.unwrap_or(0),
                rows: options.top,
            },
            shown: SelectedProperties::none(),
            count: options.count.unwrap_or(false),
            expanded: Vec::new(),
            owner: None,
            groups: false,
            cross_join: Some(members(sets, options)?),
            kinds: None,
            joins,
            next_scan: self.budget.next_scan,
        })
    }
}

/// What is shown of the sets that `$select` names, or of all, and of those that are expanded.
fn members<'m>(
    sets: &[CrossedSet<'m>],
    options: &EntityOptions<'_>,
) -> Result<Vec<CrossedMember<'m>>, Error> {
    let selected = selected(sets, options)?;
    let mut members = Vec::with_capacity(sets.len());
    let unknown =
        |item: &ExpandItem<'_>| !item.is_all() && sets.iter().all(|set| set.entity_type.name != item.name);
    if let Some(item) = options.expand.iter().find(|item| unknown(item)) {
        return Err(unknown_member(sets, item.name, EXPAND, item.at));
    }
    for (set, is_selected) in sets.iter().zip(selected) {
        let mut named = options.expand.iter().filter(|item| item.name == set.entity_type.name);
        let item = named.next();
        if let Some(again) = named.next() {
            return Err(Reason::ExpandedTwice(again.name.to_owned()).at(EXPAND, again.at));
        }
        let item = item.or_else(|| options.expand.iter().find(|item| item.is_all()));
        let expanded = item.map(|item| expanded(set.entity_type, item)).transpose()?;
        if is_selected || expanded.is_some() {
            members.push(CrossedMember { set: *set, expanded });
        }
    }
    Ok(members)
}

/// What an item of `$expand` shows of the entity of a set, which is always one.
fn expanded<'m>(
    entity_type: &'m EntityType,
    item: &ExpandItem<'_>,
) -> Result<(ExpandedForm, SelectedProperties<'m>), Error> {
    let refused = |name| Err(Reason::OptionNotApplicable(name).at(EXPAND, item.at));
    if item.form == ExpandedForm::Count {
        let what = format!("/$count of {}, which is one entity", entity_type.name);
        return Err(Reason::BadOptionValue(what).at(EXPAND, item.at));
    }
    if item.levels.is_some() {
        return refused("$levels");
    }
    for (name, _) in &item.texts {
        match name {
            SystemOption::Select if item.form == ExpandedForm::Entities => {}
            SystemOption::Expand if item.form == ExpandedForm::Entities => {
                let what = "$expand within that of a cross join".to_owned();
                return Err(Reason::NotImplemented(what).at(EXPAND, item.at));
            }
            name => return refused(name.name()),
        }
    }
    Ok((item.form, shown(entity_type, NOTHING_COMPUTED, &item.options, EXPAND)?))
}

/// Whether `$select` names each of the sets, or is absent.
fn selected(sets: &[CrossedSet<'_>], options: &EntityOptions<'_>) -> Result<Vec<bool>, Error> {
    let Some(items) = &options.select else { return Ok(vec![true; sets.len()]) };
    let mut selected = vec![false; sets.len()];
    for item in items {
        let is_item = |set: &CrossedSet<'_>| item.path == [set.entity_type.name.as_str()];
        match sets.iter().position(is_item) {
            _ if item.path == ["*"] => selected.fill(true),
            Some(_) if item.nested => {
                let what = "a selection in parentheses".to_owned();
                return Err(Reason::NotImplemented(what).at("$select", item.at));
            }
            Some(set) => selected[set] = true,
            None if sets.iter().any(|set| item.path.first() == Some(&set.entity_type.name.as_str())) => {
                return Err(Reason::NotImplemented("a path in $select".to_owned()).at("$select", item.at));
            }
            None => return Err(unknown_member(sets, &item.path.join("/"), "$select", item.at)),
        }
    }
    Ok(selected)
}

fn unknown_member(sets: &[CrossedSet<'_>], name: &str, target: &'static str, at: usize) -> Error {
    let entity_type = combination().name.clone();
    let error = Reason::UnknownProperty { entity_type, name: name.to_owned() }.at(target, at);
    error.hinting(hint::crossed_set(&sets.iter().map(|set| set.entity_type), name))
}
