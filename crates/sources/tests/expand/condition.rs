//! Random conditions and orders, which follow navigation properties.

use odata::edm_type::EdmType;
use odata::model::{EntityType, Model, Navigation};
use serde_json::{Value, json};
use testkit::Random;

use crate::tables::TEXTS;

/// The property of a row that is current, or of one to which navigation properties lead from it.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) row: Reached,
    pub(crate) property: String,
}

/// A row that is current, or one to which navigation properties to one lead from it.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    /// The number of the current row, from the outermost one.
    pub(crate) scope: usize,
    /// How it is written, with a slash at the end unless it is empty.
    prefix: String,
    pub(crate) path: Vec<String>,
}

/// What must be true of rows.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// A comparison with a literal or another property.
    Compare(Subject, &'static str, Result<Value, Subject>),
    /// Null if the property is.
    Contains(Subject, &'static str),
    /// Whether there is a related entity.
    Related(Reached, String, bool),
    Any(Reached, String, Option<(String, Box<Condition>)>),
    All(Reached, String, (String, Box<Condition>)),
    Count(Counted, &'static str, usize),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// The related entities of a row for which a condition holds.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) row: Reached,
    pub(crate) name: String,
    pub(crate) filter: Option<Box<Condition>>,
}

/// A term of an order.
#[derive(Debug, Clone)]
pub(crate) enum OrderTerm {
    Property(Subject),
    Count(Counted),
}

/// A row that is current, and how it is written; `None` if nothing names it.
#[derive(Debug, Clone)]
struct Current<'m> {
    entity: &'m EntityType,
    prefix: Option<String>,
}

/// Makes conditions.
pub(crate) struct Conditions<'m, 'r> {
    model: &'m Model,
    random: &'r mut Random,
    scopes: Vec<Current<'m>>,
    /// Whether the outermost rows are those of the path.
    is_addressed: bool,
    /// How many navigation properties may still be followed.
    left: &'r mut usize,
}

impl<'m, 'r> Conditions<'m, 'r> {
    pub(crate) fn new(
        model: &'m Model,
        entity: &'m EntityType,
        is_addressed: bool,
        random: &'r mut Random,
        left: &'r mut usize,
    ) -> Self {
        let first = Current { entity, prefix: Some(String::new()) };
        Self { model, random, scopes: vec![first], is_addressed, left }
    }

    /// Conditions about the combinations of the entities of sets.
    pub(crate) fn of_cross_join(
        model: &'m Model,
        sets: Vec<&'m EntityType>,
        random: &'r mut Random,
        left: &'r mut usize,
    ) -> Self {
        let current = |entity: &'m EntityType| Current { entity, prefix: Some(format!("{}/", entity.name)) };
        Self { model, random, scopes: sets.into_iter().map(current).collect(), is_addressed: true, left }
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    pub(crate) fn order(&mut self) -> OrderTerm {
        if self.chance(5)
            && let Some(counted) = self.counted()
        {
            return OrderTerm::Count(counted);
        }
        OrderTerm::Property(self.subject().0)
    }

    pub(crate) fn condition(&mut self, depth: usize) -> Condition {
        let boxed = |this: &mut Self| Box::new(this.condition(depth - 1));
        match self.random.below(if depth == 0 { 4 } else { 12 }) {
            4 => Condition::And(boxed(self), boxed(self)),
            5 => Condition::Or(boxed(self), boxed(self)),
            6 => Condition::Not(boxed(self)),
            7..=9 => self.lambda(depth - 1).unwrap_or_else(|| self.comparison()),
            10 => {
                let Some(counted) = self.counted() else { return self.comparison() };
                let operator = ["eq", "ne", "gt", "le"][self.random.place(4)];
                Condition::Count(counted, operator, self.random.place(4))
            }
            3 => self.presence().unwrap_or_else(|| self.comparison()),
            2 => {
                let (subject, ty) = self.subject();
                if !matches!(ty, EdmType::String { .. }) {
                    return self.comparison();
                }
                Condition::Contains(subject, ["a", "b", "'", ""][self.random.place(4)])
            }
            _ => self.comparison(),
        }
    }

    /// One of the rows that can be named, with its type.
    fn row(&mut self) -> (Reached, &'m EntityType) {
        let named: Vec<usize> =
            (0..self.scopes.len()).filter(|at| self.scopes[*at].prefix.is_some()).collect();
        let scope = named[self.random.place(named.len())];
        let current = self.scopes[scope].clone();
        let (mut entity, mut path) = (current.entity, Vec::new());
        while path.len() < 3 && *self.left > 0 && self.chance(3) {
            let ones: Vec<&Navigation> =
                entity.navigations.iter().filter(|navigation| !navigation.collection).collect();
            if ones.is_empty() {
                break;
            }
            *self.left -= 1;
            let navigation = ones[self.random.place(ones.len())];
            path.push(navigation.name.clone());
            entity = &self.model.entity_types[navigation.target];
        }
        (Reached { scope, prefix: current.prefix.unwrap_or_default(), path }, entity)
    }

    fn subject(&mut self) -> (Subject, EdmType) {
        let (row, entity) = self.row();
        let property = &entity.properties[self.random.place(entity.properties.len())];
        (Subject { row, property: property.name.clone() }, property.ty)
    }

    fn comparison(&mut self) -> Condition {
        let (subject, ty) = self.subject();
        let operator = ["eq", "ne", "gt", "le"][self.random.place(4)];
        let is_text = |ty: EdmType| matches!(ty, EdmType::String { .. });
        let (other, other_ty) = self.subject();
        let side = match self.random.below(6) {
            0 if matches!(operator, "eq" | "ne") => Ok(Value::Null),
            1 if is_text(ty) == is_text(other_ty) => Err(other),
            _ if is_text(ty) => Ok(json!(TEXTS[self.random.place(TEXTS.len())])),
            _ => Ok(json!(self.random.below(5))),
        };
        Condition::Compare(subject, operator, side)
    }

    /// A navigation property of a row, and the type to which it leads.
    fn navigation(&mut self, collection: bool) -> Option<(Reached, &'m Navigation, &'m EntityType)> {
        let (row, entity) = self.row();
        let fitting: Vec<&Navigation> =
            entity.navigations.iter().filter(|navigation| navigation.collection == collection).collect();
        if fitting.is_empty() || *self.left == 0 {
            return None;
        }
        *self.left -= 1;
        let navigation = fitting[self.random.place(fitting.len())];
        Some((row, navigation, &self.model.entity_types[navigation.target]))
    }

    fn presence(&mut self) -> Option<Condition> {
        let (row, navigation, _) = self.navigation(false)?;
        Some(Condition::Related(row, navigation.name.clone(), self.chance(2)))
    }

    fn lambda(&mut self, depth: usize) -> Option<Condition> {
        if self.scopes.len() > 3 {
            return None;
        }
        let (row, navigation, entity) = self.navigation(true)?;
        let name = navigation.name.clone();
        if self.chance(5) {
            return Some(Condition::Any(row, name, None));
        }
        let variable = format!("v{}", self.scopes.len());
        self.scopes.push(Current { entity, prefix: Some(format!("{variable}/")) });
        let inner = (variable, Box::new(self.condition(depth)));
        self.scopes.pop();
        Some(if self.chance(2) {
            Condition::Any(row, name, Some(inner))
        } else {
            Condition::All(row, name, inner)
        })
    }

    fn counted(&mut self) -> Option<Counted> {
        if self.scopes.len() > 3 {
            return None;
        }
        let (row, navigation, entity) = self.navigation(true)?;
        let mut filter = None;
        if self.chance(2) {
            // Only `$it` still names rows that had no variable.
            let outside = self.scopes.clone();
            for (at, scope) in self.scopes.iter_mut().enumerate() {
                let set = format!("{}/", scope.entity.name);
                if scope.prefix.as_ref() == Some(&set) {
                    scope.prefix = Some(format!("$it/{set}"));
                }
                if scope.prefix.as_deref().is_some_and(str::is_empty) {
                    scope.prefix = (at == 0 && self.is_addressed).then(|| "$it/".to_owned());
                }
            }
            self.scopes.push(Current { entity, prefix: Some(String::new()) });
            filter = Some(Box::new(self.condition(1)));
            self.scopes = outside;
        }
        Some(Counted { row, name: navigation.name.clone(), filter })
    }
}

impl Reached {
    fn text(&self) -> String {
        let path: Vec<String> = self.path.iter().map(|name| format!("{name}/")).collect();
        format!("{}{}", self.prefix, path.concat())
    }
}

impl Subject {
    fn text(&self) -> String {
        format!("{}{}", self.row.text(), self.property)
    }
}

impl Counted {
    fn text(&self) -> String {
        let filter =
            self.filter.as_ref().map_or_else(String::new, |filter| format!("($filter={})", filter.text()));
        format!("{}{}/$count{filter}", self.row.text(), self.name)
    }
}

impl OrderTerm {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Property(subject) => subject.text(),
            Self::Count(counted) => counted.text(),
        }
    }
}

impl Condition {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Compare(subject, operator, side) => {
                let side = match side {
                    Ok(Value::String(text)) => format!("'{}'", text.replace('\'', "''")),
                    Ok(other) => other.to_string(),
                    Err(other) => other.text(),
                };
                format!("{} {operator} {side}", subject.text())
            }
            Self::Contains(subject, part) => {
                format!("contains({},'{}')", subject.text(), part.replace('\'', "''"))
            }
            Self::Related(row, name, is_there) => {
                format!("{}{name} {} null", row.text(), if *is_there { "ne" } else { "eq" })
            }
            Self::Any(row, name, None) => format!("{}{name}/any()", row.text()),
            Self::Any(row, name, Some((variable, inner))) => {
                format!("{}{name}/any({variable}:{})", row.text(), inner.text())
            }
            Self::All(row, name, (variable, inner)) => {
                format!("{}{name}/all({variable}:{})", row.text(), inner.text())
            }
            Self::Count(counted, operator, number) => format!("{} {operator} {number}", counted.text()),
            Self::And(one, other) => format!("({} and {})", one.text(), other.text()),
            Self::Or(one, other) => format!("({} or {})", one.text(), other.text()),
            Self::Not(inner) => format!("not ({})", inner.text()),
        }
    }
}
