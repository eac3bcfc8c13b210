//! Changes of data ([Protocol
//! §11.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_DataModification)): from a URL and
//! a body to the statements that insert, update or delete rows.
//!
//! Values of a body are bound to the properties of the model, and are always parameters. The statements belong into one transaction
//! with those that read what they change.

mod body;
mod deep;
mod json;
mod lead;
mod reference;
mod references;
mod request_record;
mod row_address;
mod sent_values;
mod state;
mod value;

use std::borrow::Cow;

use crate::bind::resource::{self, Changed, ChangedEntity, Link};
use crate::cell::Row;
use crate::error::{Error, Reason};
use crate::model::document::RuleAction;
use crate::model::{EntityType, Model, Supply};
use crate::sql::{Dialect, change as sql, select};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::Scan;
use crate::tree::new_value::NewValue;
use crate::url::{SystemOption, Url};
use body::Body;
pub use deep::{DeepChange, DeepStep, EntityLookup, FoundEntities, FoundEntity, Listing, NestedChange};
pub use lead::Lead;
pub use references::References;
pub use request_record::{RequestKey, RequestRecord};
use row_address::RowAddress;
pub use sent_values::SentValues;
pub use state::EntityState;

/// What is to be done with the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Add an entity to a set.
    Create,
    /// Change the given properties.
    Update,
    /// Change all properties; those that are not given get their default.
    Replace,
    /// Delete an entity, or make a property null.
    Delete,
}

/// The content of a request.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// JSON, or the raw value of a property.
    pub bytes: &'a [u8],
    /// `IEEE754Compatible=true`: numbers of 64 bits and decimal ones are texts.
    pub numbers_as_text: bool,
}

/// What a change depends on besides the URL and the model.
#[derive(Debug, Clone, Copy)]
pub struct ChangeContext<'a> {
    /// What is to be done.
    pub verb: Verb,
    /// The content; of no meaning for a deletion.
    pub payload: Payload<'a>,
    /// The absolute URL of the service document.
    pub service_root: &'a str,
    /// What the change may refer to besides stored entities.
    pub references: &'a References,
}

/// A change that was bound.
#[derive(Debug)]
pub struct BoundChange {
    /// The name of the entity set.
    pub set: String,
    /// What it does.
    pub kind: ChangeKind,
    /// Reads the entity that it changes as it is; `None` if there is none yet.
    pub state: Option<EntityState>,
    /// Finds what else must exist, because the path leads through it.
    pub through: Option<Statement>,
    /// Whether it changes to which entity another one is related, so that there is nothing to show.
    pub is_reference: bool,
}

/// The action about which rules decide. That an update may insert is found out when it does.
pub fn action(verb: Verb, url: &Url) -> RuleAction {
    match verb {
        _ if url.segments.last().is_some_and(|last| last.text == "$ref") => RuleAction::Update,
        Verb::Create => RuleAction::Insert,
        Verb::Update | Verb::Replace => RuleAction::Update,
        Verb::Delete => RuleAction::Delete,
    }
}

/// What a change does.
#[derive(Debug)]
pub enum ChangeKind {
    /// It adds an entity.
    Create(Creation),
    /// It adds an entity with related ones.
    CreateDeep(DeepChange),
    /// It changes the addressed entity.
    Update(Alteration),
    /// It changes the addressed entity and related ones, or creates it with them.
    UpdateDeep(DeepChange),
    /// It deletes the addressed entity: the statements in the order in which they are tried until one returns a row.
    Delete(Vec<Statement>),
}

/// A new entity.
#[derive(Debug)]
pub struct Creation {
    /// Inserts the row. Returns its key, unless [`find`](Self::find) does.
    pub insert: Statement,
    /// Returns the key of the row.
    pub find: Option<Statement>,
    /// What it gives to properties.
    pub given: SentValues,
    address: RowAddress,
}

/// New values of an entity that exists.
#[derive(Debug)]
pub struct Alteration {
    /// The statements in the order in which they are tried until one returns a row. There are none if nothing is given.
    pub statements: Vec<Statement>,
    /// What it gives to properties.
    pub given: SentValues,
    /// What to do if there is no such entity; `None` for a property.
    pub upsert: Option<Upsert>,
}

/// The entity that an update creates if there is none at the address ([Protocol
/// §11.4.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UpsertanEntity)). Most updates find
/// one, so nothing is prepared for the other case.
#[derive(Debug)]
pub struct Upsert {
    body: Body,
    /// The key of the address, or why a new entity cannot have it.
    key: Result<Vec<(usize, NewValue)>, Error>,
}

impl Upsert {
    /// The entity to be created in a set of the same model.
    ///
    /// # Errors
    /// If it cannot have the key of the address, or lacks a value.
    pub fn creation(&self, model: &Model, set: &str, dialect: Dialect) -> Result<Creation, Error> {
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let unknown = || Reason::NotChangeable(set.to_owned()).at("path", 0);
        let entity_type = model.entity_type(set).ok_or_else(unknown)?;
        creation_of(dialect, entity_type, |property| {
            let given = key.iter().find(|(index, _)| *index == property).map(|(_, value)| value);
            given.or_else(|| self.body.value(property))
        })
    }
}

/// Parses and binds a change.
///
/// # Errors
/// Everything that is wrong with the request, or not supported.
pub fn prepare(
    url: &Url,
    model: &Model,
    context: &ChangeContext<'_>,
    dialect: Dialect,
) -> Result<BoundChange, Error> {
    let request = Request::parse(url)?;
    let changed = resource::changed(model, &request.path)?;
    let is_unsupported =
        |option: &&SystemOption| **option != SystemOption::Id || !matches!(changed, Changed::References(_));
    if let Some(option) = request.unsupported.iter().find(is_unsupported) {
        let what = format!("the query option {}", option.name());
        return Err(Reason::NotImplemented(what).at(option.name(), 0));
    }
    resource::check_options_of_change(&request, &changed)?;
    let binder = Binder { model, context, dialect };
    match (changed, context.verb) {
        (Changed::Set(entity_type), Verb::Create) => binder.create(entity_type, None),
        (Changed::Related(link), Verb::Create) => binder.create(link.related_type(), Some(&link)),
        (Changed::Entity(entity), Verb::Delete) => binder.delete(&entity),
        (Changed::Entity(entity), Verb::Update | Verb::Replace) => binder.update(&entity),
        (Changed::Property(entity, property, raw), Verb::Update | Verb::Replace | Verb::Delete) => {
            binder.property(&entity, property, raw)
        }
        // The rows are those for which rules allow this action.
        (Changed::References(link), verb) if action(verb, url) == RuleAction::Update => {
            binder.reference(&link, request.id)
        }
        _ => Err(Reason::NotChangeable("this resource in this way".to_owned()).at("path", 0)),
    }
}

struct Binder<'a> {
    model: &'a Model,
    context: &'a ChangeContext<'a>,
    dialect: Dialect,
}

impl Binder<'_> {
    /// A new entity of a type, which is related to another one if the path leads to it by that.
    fn create(&self, entity_type: &EntityType, link: Option<&Link<'_>>) -> Result<BoundChange, Error> {
        supplies(entity_type, RuleAction::Insert)?;
        let mut body = Body::read(self.model, entity_type, self.context)?;
        if let Some(link) = link {
            body.refer(self.model, entity_type, link.back()?, &reference::key_of_owner(link)?)?;
        }
        let kind = if body.has_nested() {
            ChangeKind::CreateDeep(DeepChange::of(self.model, entity_type, body, Verb::Create)?)
        } else {
            ChangeKind::Create(creation_of(self.dialect, entity_type, |property| body.value(property))?)
        };
        let through = link.map(|link| select::existence(self.dialect, &link.owner_page())).transpose()?;
        Ok(BoundChange { through, ..BoundChange::of(entity_type, kind, None) })
    }

    fn update(&self, entity: &ChangedEntity<'_>) -> Result<BoundChange, Error> {
        let scan = &entity.scan;
        let entity_type = scan.entity_type;
        let supplies = supplies(entity_type, RuleAction::Update)?;
        let mut body = Body::read(self.model, entity_type, self.context)?;
        let key = new_key(scan, &[]);
        if let Ok(key) = &key
            && let Some(index) = body.other_key(key)
        {
            return Err(Reason::NotChangeable(entity_type.properties[index].name.clone()).at("body", 0));
        }
        if body.has_nested() {
            body.identify(entity_type, key?);
            let deep = DeepChange::of(self.model, entity_type, body, self.context.verb)?;
            return self.changed(entity, ChangeKind::UpdateDeep(deep));
        }
        let values = match self.context.verb {
            Verb::Replace => replaced(entity_type, supplies, &body)?,
            _ => updated(entity_type, supplies, &body),
        };
        let statements = sql::update(self.dialect, scan, &values)?;
        let given = SentValues::of(entity_type, &values);
        let upsert = Some(Upsert { body, key: new_key(scan, supplies) });
        self.changed(entity, ChangeKind::Update(Alteration { statements, given, upsert }))
    }

    fn delete(&self, entity: &ChangedEntity<'_>) -> Result<BoundChange, Error> {
        supplies(entity.scan.entity_type, RuleAction::Delete)?;
        let statements = sql::delete(self.dialect, &entity.scan)?;
        self.changed(entity, ChangeKind::Delete(statements))
    }

    /// A new value for one property ([Protocol
    /// §11.4.9](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ManagingValuesandPropertiesDirectly)).
    fn property(&self, entity: &ChangedEntity<'_>, index: usize, raw: bool) -> Result<BoundChange, Error> {
        let scan = &entity.scan;
        let entity_type = scan.entity_type;
        let property = &entity_type.properties[index];
        let is_fixed = supplies(entity_type, RuleAction::Update)?.get(index) == Some(&Supply::Database);
        if is_fixed || entity_type.key.contains(&index) {
            return Err(Reason::NotChangeable(property.name.clone()).at("path", 0));
        }
        let value = match self.context.verb {
            Verb::Delete => body::null(property)?,
            _ => body::of_property(property, self.context, raw)?,
        };
        let values = [(index, Cow::Owned(value))];
        let statements = sql::update(self.dialect, scan, &values)?;
        let given = SentValues::of(entity_type, &values);
        self.changed(entity, ChangeKind::Update(Alteration { statements, given, upsert: None }))
    }

    /// A change of an entity that should exist.
    fn changed(&self, entity: &ChangedEntity<'_>, kind: ChangeKind) -> Result<BoundChange, Error> {
        let ChangedEntity { scan, through } = entity;
        let state = Some(EntityState::of(self.dialect, scan)?);
        let through = through.as_ref().map(|page| select::existence(self.dialect, page)).transpose()?;
        Ok(BoundChange { through, ..BoundChange::of(scan.entity_type, kind, state) })
    }
}

impl BoundChange {
    fn of(entity_type: &EntityType, kind: ChangeKind, state: Option<EntityState>) -> Self {
        Self { set: entity_type.name.clone(), kind, state, through: None, is_reference: false }
    }
}

impl Creation {
    /// The path of the entity whose key is in a row, relative to the service document.
    pub fn address(&self, row: &impl Row) -> String {
        self.address.path(row)
    }

    /// Why nobody finds the new row by its key, if the database has made another one of the key that was given.
    pub fn other_key(&self, entity_type: &EntityType) -> Option<Error> {
        self.given.other_key(entity_type)
    }
}

/// A new entity with these values.
fn creation_of<'v>(
    dialect: Dialect,
    entity_type: &EntityType,
    value_of: impl Fn(usize) -> Option<&'v NewValue>,
) -> Result<Creation, Error> {
    let supplies = supplies(entity_type, RuleAction::Insert)?;
    let mut values = Vec::with_capacity(supplies.len());
    for (index, (property, supply)) in entity_type.properties.iter().zip(supplies).enumerate() {
        match (supply, value_of(index)) {
            // "MUST be ignored if included in the request."
            (Supply::Database, _) | (Supply::Default(_) | Supply::Number, None) => {}
            (_, Some(value)) => values.push((index, Cow::Borrowed(value))),
            (Supply::Statement, None) if property.nullable => {}
            (Supply::Statement, None) => return Err(missing(&property.name)),
        }
    }
    let sql::Insertion { insert, find } = sql::insert(dialect, entity_type, &values)?;
    let given = SentValues::of(entity_type, &values);
    let address = RowAddress::of(entity_type, (0..entity_type.key.len()).collect());
    Ok(Creation { insert, find, given, address })
}

/// The key of the address, for an entity that is to be created there.
fn new_key(scan: &Scan<'_>, supplies: &[Supply]) -> Result<Vec<(usize, NewValue)>, Error> {
    let values = scan.entity_type.key.iter().zip(&scan.key).map(|(index, condition)| {
        let name = || scan.entity_type.properties[*index].name.clone();
        let value = body::constant(condition).ok_or_else(|| Reason::NotStorable(name()).at("path", 0))?;
        if supplies.get(*index) == Some(&Supply::Database) {
            return Err(Reason::NotChangeable(name()).at("path", 0));
        }
        Ok((*index, NewValue::Value(value)))
    });
    values.collect()
}

/// What supplies the values of new rows of a type that can be changed.
fn supplies(entity_type: &EntityType, action: RuleAction) -> Result<&[Supply], Error> {
    let not_changeable = || Reason::NotChangeable(entity_type.name.clone()).at("path", 0);
    let supplies = entity_type.changes.as_deref().ok_or_else(not_changeable)?;
    if entity_type.allowed_changes.allows(action) {
        Ok(supplies)
    } else {
        Err(Reason::AgainstRules(entity_type.name.clone()).at("path", 0))
    }
}

fn missing(property: &str) -> Error {
    Reason::PropertyMissing(property.to_owned()).at("body", 0)
}

/// The properties that can be changed: not those of the key, and none that the database supplies. Values for others "MUST be
/// ignored by the service" ([Protocol
/// §11.4.3](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UpdateanEntity)).
fn changeable<'m>(
    entity_type: &'m EntityType,
    supplies: &'m [Supply],
) -> impl Iterator<Item = (usize, &'m Supply)> {
    let is_key = |index: &usize| entity_type.key.contains(index);
    supplies.iter().enumerate().filter(move |(index, supply)| !is_key(index) && **supply != Supply::Database)
}

fn updated<'b>(
    entity_type: &EntityType,
    supplies: &[Supply],
    body: &'b Body,
) -> Vec<(usize, Cow<'b, NewValue>)> {
    let given = |(index, _)| Some((index, Cow::Borrowed(body.value(index)?)));
    changeable(entity_type, supplies).filter_map(given).collect()
}

fn replaced<'b>(
    entity_type: &EntityType,
    supplies: &[Supply],
    body: &'b Body,
) -> Result<Vec<(usize, Cow<'b, NewValue>)>, Error> {
    let value = |(index, supply): (usize, &Supply)| {
        let property = &entity_type.properties[index];
        let value = match (body.value(index), supply) {
            (Some(value), _) => Cow::Borrowed(value),
            (None, Supply::Default(expression)) => Cow::Owned(NewValue::Default(expression.clone())),
            // The row keeps the number that it got.
            (None, Supply::Number) => return Ok(None),
            (None, _) if property.nullable => Cow::Owned(NewValue::Null),
            (None, _) => return Err(missing(&property.name)),
        };
        Ok(Some((index, value)))
    };
    changeable(entity_type, supplies).filter_map(|each| value(each).transpose()).collect()
}
