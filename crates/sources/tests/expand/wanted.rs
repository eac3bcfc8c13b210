//! Random requests for entities with related ones.

use std::fmt::Write as _;

use odata::model::{EntityType, Model};
use testkit::Random;

use crate::condition::{Condition, Conditions, OrderTerm};

/// What is wanted of the entities of a set, or of related ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) filter: Option<Condition>,
    /// The terms of the order, and whether they descend.
    pub(crate) order: Vec<(OrderTerm, bool)>,
    pub(crate) select: Option<Vec<String>>,
    pub(crate) top: Option<usize>,
    pub(crate) skip: usize,
    pub(crate) count: bool,
    pub(crate) expand: Vec<WantedRelated>,
}

/// An item of `$expand`.
#[derive(Debug, Clone)]
pub(crate) struct WantedRelated {
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) levels: usize,
    pub(crate) wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Entities,
    References,
    Count,
}

/// How much a request may still have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) expanded: usize,
    /// Navigation properties in expressions.
    pub(crate) followed: usize,
}

impl Wanted {
    /// Wishes for entities of a type.
    pub(crate) fn random(
        random: &mut Random,
        model: &Model,
        entity: &EntityType,
        many: bool,
        left: &mut Left,
        depth: usize,
    ) -> Self {
        let mut wanted = Self::default();
        if many {
            let is_addressed = depth == 0;
            let mut conditions = Conditions::new(model, entity, is_addressed, random, &mut left.followed);
            if conditions.chance(2) {
                wanted.filter = Some(conditions.condition(3));
            }
            while wanted.order.len() < 2 && conditions.chance(2) {
                let term = conditions.order();
                wanted.order.push((term, conditions.chance(2)));
            }
            wanted.top = (random.below(3) == 0).then(|| random.place(5));
            wanted.skip = if random.below(4) == 0 { random.place(3) } else { 0 };
            wanted.count = random.below(4) == 0;
        }
        if random.below(3) == 0 {
            let mut names = vec![property(random, entity), property(random, entity)];
            names.dedup();
            wanted.select = Some(names);
        }
        for navigation in &entity.navigations {
            if left.expanded == 0 || depth == 5 || random.below(5) < 2 {
                continue;
            }
            left.expanded -= 1;
            let target = &model.entity_types[navigation.target];
            let form = match random.below(8) {
                0 => Form::References,
                1 if navigation.collection => Form::Count,
                _ => Form::Entities,
            };
            let many = navigation.collection;
            let mut inner = Self::random(random, model, target, many, left, depth + 1);
            let is_own = std::ptr::eq(target, entity);
            let may_repeat =
                is_own && form == Form::Entities && depth < 4 && inner.expand.is_empty() && left.expanded > 2;
            let levels = if may_repeat { 1 + random.place(2) } else { 1 };
            left.expanded -= levels - 1;
            // Each level has the expressions again.
            left.followed /= levels;
            if form != Form::Entities {
                left.expanded += inner.expand.iter().map(WantedRelated::size).sum::<usize>();
                inner.expand.clear();
                inner.select = None;
            }
            if form == Form::Count {
                inner = Self { filter: inner.filter, ..Self::default() };
            }
            wanted.expand.push(WantedRelated { name: navigation.name.clone(), form, levels, wanted: inner });
        }
        wanted
    }

    /// The options, with a separator between them.
    pub(crate) fn options(&self, separator: &str) -> String {
        let mut options = Vec::new();
        if let Some(condition) = &self.filter {
            options.push(format!("$filter={}", condition.text()));
        }
        let terms: Vec<String> = self
            .order
            .iter()
            .map(|(term, descending)| format!("{}{}", term.text(), if *descending { " desc" } else { "" }))
            .collect();
        if !terms.is_empty() {
            options.push(format!("$orderby={}", terms.join(",")));
        }
        if let Some(names) = &self.select {
            options.push(format!("$select={}", names.join(",")));
        }
        options.extend(self.top.map(|top| format!("$top={top}")));
        if self.skip > 0 {
            options.push(format!("$skip={}", self.skip));
        }
        if self.count {
            options.push("$count=true".to_owned());
        }
        if !self.expand.is_empty() {
            let items: Vec<String> = self.expand.iter().map(WantedRelated::text).collect();
            options.push(format!("$expand={}", items.join(",")));
        }
        options.join(separator)
    }

    /// The number of navigation properties that are expanded.
    pub(crate) fn size(&self) -> usize {
        self.expand.iter().map(WantedRelated::size).sum()
    }
}

impl WantedRelated {
    fn size(&self) -> usize {
        self.levels * (1 + self.wanted.size())
    }

    fn text(&self) -> String {
        let mut text = self.name.clone();
        text.push_str(match self.form {
            Form::Entities => "",
            Form::References => "/$ref",
            Form::Count => "/$count",
        });
        let mut options = self.wanted.options(";");
        if self.levels > 1 {
            let separator = if options.is_empty() { "" } else { ";" };
            write!(options, "{separator}$levels={}", self.levels).unwrap();
        }
        if !options.is_empty() {
            write!(text, "({options})").unwrap();
        }
        text
    }
}

pub(crate) fn property(random: &mut Random, entity: &EntityType) -> String {
    entity.properties[random.place(entity.properties.len())].name.clone()
}
