//! Random requests for entities with related ones.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::model::{EntityType, Model};
use testkit::Random;

use crate::tables::TEXTS;

/// What is wanted of the entities of a set, or of related ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) filter: Option<Condition>,
    /// A property, and whether the order descends.
    pub(crate) order: Option<(String, bool)>,
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

/// A comparison of a property with a literal.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) property: String,
    pub(crate) operator: &'static str,
    pub(crate) literal: serde_json::Value,
}

impl Wanted {
    /// Wishes for entities of a type; `left` is the number of further expansions.
    pub(crate) fn random(
        random: &mut Random,
        model: &Model,
        entity: &EntityType,
        many: bool,
        left: &mut usize,
        depth: usize,
    ) -> Self {
        let mut wanted = Self::default();
        if many {
            if random.below(3) == 0 {
                wanted.filter = Some(condition(random, entity));
            }
            if random.below(2) == 0 {
                wanted.order = Some((property(random, entity).0, random.below(2) == 0));
            }
            wanted.top = (random.below(3) == 0).then(|| random.place(5));
            wanted.skip = if random.below(4) == 0 { random.place(3) } else { 0 };
            wanted.count = random.below(4) == 0;
        }
        if random.below(3) == 0 {
            let mut names = vec![property(random, entity).0, property(random, entity).0];
            names.dedup();
            wanted.select = Some(names);
        }
        for navigation in &entity.navigations {
            if *left == 0 || depth == 5 || random.below(5) < 2 {
                continue;
            }
            *left -= 1;
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
                is_own && form == Form::Entities && depth < 4 && inner.expand.is_empty() && *left > 2;
            let levels = if may_repeat { 1 + random.place(2) } else { 1 };
            *left -= levels - 1;
            if form != Form::Entities {
                *left += inner.expand.iter().map(WantedRelated::size).sum::<usize>();
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
        if let Some((property, descending)) = &self.order {
            options.push(format!("$orderby={property}{}", if *descending { " desc" } else { "" }));
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

impl Condition {
    fn text(&self) -> String {
        let literal = match &self.literal {
            serde_json::Value::String(text) => format!("'{}'", text.replace('\'', "''")),
            other => other.to_string(),
        };
        format!("{} {} {literal}", self.property, self.operator)
    }
}

fn property(random: &mut Random, entity: &EntityType) -> (String, EdmType) {
    let property = &entity.properties[random.place(entity.properties.len())];
    (property.name.clone(), property.ty)
}

fn condition(random: &mut Random, entity: &EntityType) -> Condition {
    let (property, ty) = property(random, entity);
    let is_text = matches!(ty, EdmType::String { .. });
    let operator = ["eq", "ne", "gt", "le"][random.place(4)];
    let literal = match random.below(5) {
        0 if matches!(operator, "eq" | "ne") => serde_json::Value::Null,
        _ if is_text => serde_json::json!(TEXTS[random.place(TEXTS.len())]),
        _ => serde_json::json!(random.below(5)),
    };
    Condition { property, operator, literal }
}
