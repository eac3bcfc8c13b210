//! The sets of a cross join in a path.

use super::unknown_set;
use crate::bind::crossed::CrossedSet;
use crate::error::{Error, Reason};
use crate::model::Model;
use crate::syntax::{Arguments, Expression, MAX_CROSSED, Step};
use crate::tree::column::ScanId;

/// The sets that a segment `$crossjoin(A,B)` names; `None` for another segment.
pub(super) fn named<'m>(model: &'m Model, step: &Step<'_>) -> Result<Option<Vec<CrossedSet<'m>>>, Error> {
    let Some(Arguments::Call(arguments)) = step.arguments.as_ref().filter(|_| step.name == "$crossjoin")
    else {
        return Ok(None);
    };
    let mut sets: Vec<CrossedSet<'m>> = Vec::new();
    for ((name, node), scan) in arguments.iter().zip(ScanId::all()) {
        let at = step.at + node.at;
        let set = match (&node.expression, name) {
            (Expression::Path(steps), None) if let [Step { name, arguments: None, .. }] = steps[..] => name,
            _ => return Err(expects_sets(at)),
        };
        let entity_type = model.entity_type(set).ok_or_else(|| unknown_set(model, set, at))?;
        if sets.iter().any(|other| std::ptr::eq(other.entity_type, entity_type)) {
            let (expected, found) = ("each entity set once in $crossjoin", format!("{set} again"));
            return Err(Reason::Unexpected { expected, found }.at("path", at));
        }
        if sets.len() == MAX_CROSSED {
            return Err(Reason::TooManyItems(MAX_CROSSED).at("path", at));
        }
        sets.push(CrossedSet { scan, entity_type });
    }
    if sets.is_empty() { Err(expects_sets(step.at)) } else { Ok(Some(sets)) }
}

fn expects_sets(at: usize) -> Error {
    let found = "something else".to_owned();
    Reason::Unexpected { expected: "the names of entity sets in $crossjoin", found }.at("path", at)
}
