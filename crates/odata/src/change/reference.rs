//! Changes of references: to which entities a navigation property leads ([Protocol
//! §11.4.6](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ModifyingRelationshipsbetweenEntities)).
//!
//! A reference is a foreign key, so each of these changes is an update of the row that has it.

use std::borrow::Cow;

use super::{Alteration, Binder, BoundChange, ChangeKind, EntityState, SentValues, Verb, body, supplies};
use crate::bind::resource::Link;
use crate::error::{Error, Reason};
use crate::model::document::RuleAction;
use crate::model::{EntityType, Navigation, Supply};
use crate::sql::{change as sql, select};
use crate::tree::new_value::NewValue;
use crate::tree::typed::Constant;
use crate::tree::{Page, Scan};

/// A row that refers to another one.
struct Referrer<'r, 'm> {
    scan: &'r Scan<'m>,
    /// The navigation property that leads to the other one.
    navigation: &'m Navigation,
    supplies: &'m [Supply],
}

impl Binder<'_> {
    /// A change of the references of an entity. `id` is the address in the query.
    pub(super) fn reference(&self, link: &Link<'_>, id: Option<&str>) -> Result<BoundChange, Error> {
        let navigation = link.navigation;
        let is_for_removal = navigation.collection && self.context.verb == Verb::Delete;
        if id.is_some() && (!is_for_removal || link.related().is_some()) {
            return Err(Reason::OptionNotApplicable("$id").at("$id", 0));
        }
        match self.context.verb {
            Verb::Replace if !navigation.collection => {
                let id = body::reference(self.context)?;
                let key = body::key_of(self.model, navigation, &id, self.context.service_root)?;
                self.refers(&link.owner, navigation, Some(&key), None)
            }
            Verb::Delete if !navigation.collection => self.refers(&link.owner, navigation, None, None),
            Verb::Create if navigation.collection && link.related().is_none() => {
                let related = self.related_entity(link, &body::reference(self.context)?)?;
                self.refers(&related, link.back()?, Some(&key_of_owner(link)?), Some(link.owner_page()))
            }
            Verb::Delete => {
                let related = match (link.related(), id) {
                    (Some(related), _) => related,
                    (None, Some(id)) => self.related_entity(link, &self.context.references.resolved(id))?,
                    (None, None) => {
                        let expected = format!("the address of one of {}", navigation.name);
                        return Err(Reason::OptionMissing("$id", expected).at("query", 0));
                    }
                };
                let page = link.page_of(&related);
                self.refers(&related, link.back()?, None, Some(page))
            }
            Verb::Create | Verb::Update | Verb::Replace => {
                Err(Reason::NotChangeable("this resource in this way".to_owned()).at("path", 0))
            }
        }
    }

    fn related_entity<'s>(&'s self, link: &Link<'_>, id: &str) -> Result<Scan<'s>, Error> {
        body::entity_at(self.model, link.navigation, id, self.context.service_root)
    }

    /// A row refers to the one with this key, or to none. `through` finds what must exist besides it.
    fn refers(
        &self,
        scan: &Scan<'_>,
        navigation: &Navigation,
        key: Option<&[Constant]>,
        through: Option<Page<'_>>,
    ) -> Result<BoundChange, Error> {
        let supplies = supplies(scan.entity_type, RuleAction::Update)?;
        let referrer = Referrer { scan, navigation, supplies };
        let values = match key {
            Some(key) => referrer.referring(&self.model.entity_types[navigation.target], key)?,
            None => referrer.referring_to_none()?,
        };
        let statements = sql::update(self.dialect, scan, &values)?;
        let given = SentValues::of(scan.entity_type, &values);
        Ok(BoundChange {
            set: scan.entity_type.name.clone(),
            kind: ChangeKind::Update(Alteration { statements, given, upsert: None }),
            state: Some(EntityState::of(self.dialect, scan)?),
            through: through.map(|page| select::existence(self.dialect, &page)).transpose()?,
            is_reference: true,
        })
    }
}

/// The key of the entity at the start of the path.
pub(super) fn key_of_owner(link: &Link<'_>) -> Result<Vec<Constant>, Error> {
    let key = link.owner.key.iter().map(body::constant).collect::<Option<_>>();
    key.ok_or_else(|| Reason::NotStorable(link.navigation.name.clone()).at("path", 0))
}

pub(super) type Values = Vec<(usize, Cow<'static, NewValue>)>;

impl Referrer<'_, '_> {
    fn referring(&self, target: &EntityType, key: &[Constant]) -> Result<Values, Error> {
        let entity_type = self.scan.entity_type;
        let value = |(own, other): &(usize, usize)| {
            if !is_changeable(entity_type, self.supplies, *own) {
                return Err(Reason::NotChangeable(entity_type.properties[*own].name.clone()).at("path", 0));
            }
            Ok((*own, Cow::Owned(body::referred(target, key, *other)?)))
        };
        self.navigation.on.iter().map(value).collect()
    }

    fn referring_to_none(&self) -> Result<Values, Error> {
        referring_to_none(self.scan.entity_type, self.navigation, self.supplies)
            .map_err(|property| Reason::PropertyMissing(property).at("path", 0))
    }
}

/// Whether a statement can give a property of a foreign key another value.
fn is_changeable(entity_type: &EntityType, supplies: &[Supply], property: usize) -> bool {
    supplies.get(property) != Some(&Supply::Database) && !entity_type.key.contains(&property)
}

/// Without one of its values, a foreign key refers to nothing. If all of them must be there, the name of one is the error.
pub(super) fn referring_to_none(
    entity_type: &EntityType,
    navigation: &Navigation,
    supplies: &[Supply],
) -> Result<Values, String> {
    let properties = &entity_type.properties;
    let own = navigation.on.iter().map(|(own, _)| *own);
    let nullable = own.filter(|own| properties[*own].nullable && is_changeable(entity_type, supplies, *own));
    let values: Values = nullable.map(|own| (own, Cow::Owned(NewValue::Null))).collect();
    match (values.is_empty(), navigation.on.first()) {
        (true, Some((own, _))) => Err(properties[*own].name.clone()),
        _ => Ok(values),
    }
}
