//! Entities to which a body refers by their address.

use super::bad;
use crate::bind::resource::{self, Changed, ChangedEntity};
use crate::error::{Error, Reason};
use crate::model::{EntityType, Model, Navigation};
use crate::syntax::Request;
use crate::tree::Scan;
use crate::tree::new_value::NewValue;
use crate::tree::typed::{Comparison, Constant, Term, Typed};
use crate::url::Url;

/// The value of a property to which another type refers, in the entity with this key.
pub(in crate::change) fn referred(
    target: &EntityType,
    key: &[Constant],
    property: usize,
) -> Result<NewValue, Error> {
    let place = target.key.iter().position(|index| *index == property);
    let value = place.and_then(|place| key.get(place)).cloned().map(NewValue::Value);
    let what = || "a reference by other properties than the key".to_owned();
    value.ok_or_else(|| Reason::NotImplemented(what()).at("body", 0))
}

/// The key in the address of an entity to which a navigation property leads.
pub(in crate::change) fn key_of(
    model: &Model,
    navigation: &Navigation,
    id: &str,
    service_root: &str,
) -> Result<Vec<Constant>, Error> {
    let scan = entity_at(model, navigation, id, service_root)?;
    scan.key.iter().map(constant).collect::<Option<_>>().ok_or_else(|| no_address(model, navigation))
}

fn no_address(model: &Model, navigation: &Navigation) -> Error {
    let target = &model.entity_types[navigation.target].name;
    bad(navigation.name.clone(), format!("the addresses of entities of {target}"))
}

/// The entity at an address to which a navigation property leads.
pub(in crate::change) fn entity_at<'m>(
    model: &'m Model,
    navigation: &Navigation,
    id: &str,
    service_root: &str,
) -> Result<Scan<'m>, Error> {
    let target = &model.entity_types[navigation.target];
    let wrong = || no_address(model, navigation);
    let root = service_root.trim_end_matches('/');
    let path = match id.strip_prefix(root) {
        Some(path) => path,
        None if id.contains("://") => return Err(wrong()),
        None => id,
    };
    let url = Url::read(path).map_err(|_| wrong())?;
    let request = Request::parse(&url).map_err(|_| wrong())?;
    match resource::changed(model, &request.path) {
        Ok(Changed::Entity(ChangedEntity { scan, through: None }))
            if scan.entity_type.name == target.name =>
        {
            Ok(scan)
        }
        _ => Err(wrong()),
    }
}

/// The value with which a key is compared.
pub(in crate::change) fn constant(condition: &Typed) -> Option<Constant> {
    let Term::Compare(Comparison::Eq, _, value) = &condition.term else { return None };
    match &value.term {
        Term::Constant(constant) => Some(constant.clone()),
        _ => None,
    }
}
