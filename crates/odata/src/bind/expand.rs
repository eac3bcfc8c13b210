//! Binding `$expand`: which related entities are wanted, and what of them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Binding, BoundRows, SelectedProperties};
use crate::error::{Error, Reason};
use crate::model::{EntityType, Navigation};
use crate::syntax::{ExpandItem, ExpandedForm, Levels, MAX_EXPAND_DEPTH, MAX_EXPANDED};
use crate::tree::column::ScanId;
use crate::tree::lookup::JoinedOne;
use crate::tree::{Order, PlanNode, Scan};
use crate::url::SystemOption;

use super::expression::{Binder, unknown_property};
use super::scope::Scopes;

const TARGET: &str = "$expand";

/// The maximum length of the options in a link to related rows, in bytes. With a position, it must be a URL that is read.
const MAX_LINK_OPTIONS: usize = 12 * 1024;

/// Characters to percent-encode in the value of an option.
const OUTSIDE_OPTION: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b'@');

/// A navigation property that is expanded.
#[derive(Debug)]
pub(crate) struct BoundExpand<'m> {
    pub(crate) navigation: &'m Navigation,
    /// The scan of the related rows, and their type.
    pub(crate) scan: ScanId,
    pub(crate) entity_type: &'m EntityType,
    /// What is wanted of them.
    pub(crate) form: ExpandedForm,
    /// The related rows for which the filter holds.
    pub(crate) rows: PlanNode<'m>,
    /// For many rows, their order, which ends with the key.
    pub(crate) order: Vec<Order>,
    /// The number of rows to skip for each parent.
    pub(crate) skip: u64,
    /// The maximum number of rows for each parent; `None` for all.
    pub(crate) top: Option<u64>,
    /// Whether the related rows of each parent are counted.
    pub(crate) count: bool,
    pub(crate) shown: SelectedProperties<'m>,
    /// The rows that are joined for the filter and the order.
    pub(crate) joins: Vec<JoinedOne<'m>>,
    pub(crate) nested: Vec<BoundExpand<'m>>,
    /// Whether `$levels` expands the property again in the related entities.
    pub(crate) recursive: bool,
    /// The options with which a request for the related rows of one parent gives the same rows, as they are written in a
    /// URL after `?`.
    pub(crate) options: String,
}

impl<'m> Binding<'m> {
    /// Binds the items of `$expand` for entities of a type.
    pub(super) fn expand(
        &mut self,
        entity_type: &'m EntityType,
        items: &[ExpandItem<'_>],
    ) -> Result<Vec<BoundExpand<'m>>, Error> {
        let mut level = ExpandedLevel { binding: self, depth: 0, count: 0 };
        level.items(entity_type, items)
    }
}

/// Counts levels and expanded properties on the way.
struct ExpandedLevel<'b, 'm> {
    binding: &'b mut Binding<'m>,
    depth: usize,
    count: usize,
}

impl<'m> ExpandedLevel<'_, 'm> {
    /// An item with a name comes before `*`, which stands for the other properties.
    fn items(
        &mut self,
        entity_type: &'m EntityType,
        items: &[ExpandItem<'_>],
    ) -> Result<Vec<BoundExpand<'m>>, Error> {
        let mut expanded: Vec<BoundExpand<'m>> = Vec::new();
        for item in items.iter().filter(|item| !item.is_all()) {
            let navigation = entity_type.navigation(item.name).ok_or_else(|| unknown(entity_type, item))?;
            if expanded.iter().any(|other| other.navigation.name == navigation.name) {
                return Err(Reason::ExpandedTwice(item.name.to_owned()).at(TARGET, item.at));
            }
            expanded.push(self.item(entity_type, navigation, item)?);
        }
        let mut stars = items.iter().filter(|item| item.is_all());
        if let Some(star) = stars.next() {
            if let Some(second) = stars.next() {
                return Err(Reason::ExpandedTwice("*".to_owned()).at(TARGET, second.at));
            }
            if star.form == ExpandedForm::Count || !star.texts.is_empty() {
                let what = "*/$count, or options of * other than $levels,".to_owned();
                return Err(Reason::BadOptionValue(what).at(TARGET, star.at));
            }
            let levels = self.levels_of_all(entity_type, star)?;
            self.all(entity_type, star, levels, &mut expanded)?;
        }
        Ok(expanded)
    }

    /// Adds all navigation properties of a type that are not expanded yet, with this many levels from here on.
    fn all(
        &mut self,
        entity_type: &'m EntityType,
        star: &ExpandItem<'_>,
        levels: usize,
        expanded: &mut Vec<BoundExpand<'m>>,
    ) -> Result<(), Error> {
        for navigation in &entity_type.navigations {
            if !expanded.iter().any(|other| other.navigation.name == navigation.name) {
                applicable(navigation, star)?;
                let target = &self.binding.model.entity_types[navigation.target];
                expanded.push(self.level(target, navigation, star, levels)?);
            }
        }
        Ok(())
    }

    /// The number of levels for which all navigation properties are expanded.
    fn levels_of_all(&self, entity_type: &EntityType, star: &ExpandItem<'_>) -> Result<usize, Error> {
        let most = MAX_EXPAND_DEPTH - self.depth;
        match star.levels {
            None => Ok(1),
            Some((_, Levels::Max)) => {
                let fits = |levels: &usize| self.fits(entity_type, *levels, &mut (MAX_EXPANDED - self.count));
                Ok((1..=most).rev().find(fits).unwrap_or(1))
            }
            Some((at, Levels::Number(number))) => usize::try_from(number)
                .ok()
                .filter(|number| *number <= most)
                .ok_or_else(|| Reason::TooManyLevels(MAX_EXPAND_DEPTH).at(TARGET, at)),
        }
    }

    /// Whether so many levels of all navigation properties are not more than are left.
    fn fits(&self, entity_type: &EntityType, levels: usize, left: &mut usize) -> bool {
        entity_type.navigations.iter().all(|navigation| {
            let is_left = *left > 0;
            *left = left.saturating_sub(1);
            let target = &self.binding.model.entity_types[navigation.target];
            is_left && (levels == 1 || self.fits(target, levels - 1, left))
        })
    }

    fn item(
        &mut self,
        owner: &'m EntityType,
        navigation: &'m Navigation,
        item: &ExpandItem<'_>,
    ) -> Result<BoundExpand<'m>, Error> {
        let entity_type = &self.binding.model.entity_types[navigation.target];
        let levels = match item.levels {
            None | Some((_, Levels::Number(1))) => 1,
            Some((at, _)) if !std::ptr::eq(owner, entity_type) => {
                return Err(Reason::NotRecursive(navigation.name.clone()).at(TARGET, at));
            }
            Some((_, Levels::Max)) => MAX_EXPAND_DEPTH - self.depth,
            Some((at, Levels::Number(number))) => usize::try_from(number)
                .ok()
                .filter(|number| self.depth + number <= MAX_EXPAND_DEPTH)
                .ok_or_else(|| Reason::TooManyLevels(MAX_EXPAND_DEPTH).at(TARGET, at))?,
        };
        applicable(navigation, item)?;
        self.level(entity_type, navigation, item, levels)
    }

    /// The property, with this many levels from here on.
    fn level(
        &mut self,
        entity_type: &'m EntityType,
        navigation: &'m Navigation,
        item: &ExpandItem<'_>,
        levels: usize,
    ) -> Result<BoundExpand<'m>, Error> {
        if self.depth == MAX_EXPAND_DEPTH {
            return Err(Reason::TooManyLevels(MAX_EXPAND_DEPTH).at(TARGET, item.at));
        }
        if self.count == MAX_EXPANDED {
            return Err(Reason::TooManyExpanded(MAX_EXPANDED).at(TARGET, item.at));
        }
        self.count += 1;
        let options = &item.options;
        let scan = self.binding.budget.scan();
        let rows = PlanNode::Scan(Scan::of(scan, entity_type));
        let binding = &mut *self.binding;
        let scopes = Scopes::of(binding.model, binding.budget, scan, entity_type, false);
        let binder = Binder::new(scopes, TARGET, binding.now);
        let BoundRows { rows, order, shown, joins } =
            binding.rows(rows, binder, Vec::new(), options, Some(TARGET))?;
        self.depth += 1;
        let mut nested = self.items(entity_type, &options.expand)?;
        if levels > 1 && item.is_all() {
            self.all(entity_type, item, levels - 1, &mut nested)?;
        } else if levels > 1 {
            if nested.iter().any(|other| other.navigation.name == navigation.name) {
                return Err(Reason::ExpandedTwice(navigation.name.clone()).at(TARGET, item.at));
            }
            nested.push(self.level(entity_type, navigation, item, levels - 1)?);
        }
        self.depth -= 1;
        let options_of = options_of(navigation, item, levels);
        if options_of.len() > MAX_LINK_OPTIONS {
            return Err(Reason::TooComplex.at(TARGET, item.at));
        }
        Ok(BoundExpand {
            navigation,
            scan,
            entity_type,
            form: item.form,
            rows,
            order,
            skip: options.skip.unwrap_or(0),
            top: options.top,
            count: options.count.unwrap_or(false),
            shown,
            joins,
            nested,
            recursive: levels > 1 && !item.is_all(),
            options: options_of,
        })
    }
}

/// Only some options apply to one related entity, to ids and to a number ([Protocol
/// §11.2.5.2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_SystemQueryOptionexpand)).
fn applicable(navigation: &Navigation, item: &ExpandItem<'_>) -> Result<(), Error> {
    let refused = |name| Err(Reason::OptionNotApplicable(name).at(TARGET, item.at));
    if item.form == ExpandedForm::Count && !navigation.collection {
        let what = format!("/$count of {}, which leads to one entity", navigation.name);
        return Err(Reason::BadOptionValue(what).at(TARGET, item.at));
    }
    if item.levels.is_some() && item.form != ExpandedForm::Entities {
        return refused("$levels");
    }
    for (name, _) in &item.texts {
        let is_of_many = !matches!(name, SystemOption::Select | SystemOption::Expand);
        let applies = match item.form {
            ExpandedForm::Entities => navigation.collection || !is_of_many,
            ExpandedForm::References => navigation.collection && is_of_many,
            ExpandedForm::Count => *name == SystemOption::Filter,
        };
        if !applies {
            return refused(name.name());
        }
    }
    Ok(())
}

fn unknown(entity_type: &EntityType, item: &ExpandItem<'_>) -> Error {
    if item.name.contains('.') {
        return Reason::NotImplemented("a type cast in $expand".to_owned()).at(TARGET, item.at);
    }
    unknown_property(entity_type, item.name, TARGET, item.at)
}

/// The options of an item as those of a request for the related rows.
fn options_of(navigation: &Navigation, item: &ExpandItem<'_>, levels: usize) -> String {
    let written = |name: &SystemOption, value: &str| {
        format!("{}={}", name.name(), utf8_percent_encode(value, OUTSIDE_OPTION))
    };
    let is_repeated = |name: &SystemOption| !matches!(name, SystemOption::Count | SystemOption::Expand);
    let mut options: Vec<String> = item
        .texts
        .iter()
        .filter(|(name, _)| is_repeated(name))
        .map(|(name, value)| written(name, value))
        .collect();
    let nested = item.texts.iter().find(|(name, _)| *name == SystemOption::Expand).map(|(_, value)| *value);
    let again = (levels > 1).then(|| {
        let own = item.texts.iter().map(|(name, value)| format!("{}={value}", name.name()));
        let levels = (levels > 2).then(|| format!("$levels={}", levels - 1));
        let inner: Vec<String> = own.chain(levels).collect();
        let name = if item.is_all() { "*" } else { &navigation.name };
        if inner.is_empty() { name.to_owned() } else { format!("{name}({})", inner.join(";")) }
    });
    let expand: Vec<&str> = nested.into_iter().chain(again.as_deref()).collect();
    if !expand.is_empty() {
        options.push(written(&SystemOption::Expand, &expand.join(",")));
    }
    options.join("&")
}
