//! Names that are no properties of the model: those of computed values, and of what related entities contribute to groups. An expression that uses one contains its expression, so the size of what they stand for
//! is bounded.

use crate::error::{Error, Reason};
use crate::model::{EntityType, Property};
use crate::syntax::Step;
use crate::tree::Computed;
use crate::tree::typed::Typed;

/// The maximum length of the expressions that computed values contribute to one expression, in bytes of the request.
const MAX_LENGTH: usize = 16 * 1024;
/// The maximum length of what they contribute to all expressions of a request.
pub(super) const MAX_TOTAL: usize = 4 * MAX_LENGTH;
/// The maximum number of computed values that are made of each other.
const MAX_LEVELS: usize = 8;

/// A computed value.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) computed: Computed,
    /// The length of its expression, with those that it contains.
    pub(super) length: usize,
    /// One more than that of the values of which it is made.
    pub(super) level: usize,
}

/// Computed values to which an expression may refer, and what it uses of them.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) known: Vec<Named>,
    /// What they may still contribute to the expressions of the request.
    left: usize,
    pub(super) length: usize,
    pub(super) level: usize,
}

impl Names {
    pub(super) fn of(known: Vec<Named>, left: usize) -> Self {
        Self { known, left, length: 0, level: 0 }
    }

    /// The expression of the value with this name, if there is one. `target` and `at` say where it is used.
    pub(super) fn find(
        &mut self,
        name: &str,
        target: &'static str,
        at: usize,
    ) -> Result<Option<Typed>, Error> {
        let Some(named) = self.known.iter().find(|named| named.computed.property.name == name) else {
            return Ok(None);
        };
        self.length += named.length;
        self.level = self.level.max(named.level);
        if self.length > MAX_LENGTH.min(self.left) || self.level > MAX_LEVELS {
            return Err(Reason::TooComplex.at(target, at));
        }
        Ok(Some(named.computed.value.clone()))
    }
}

/// The property of groups with the path by which they were grouped, such as `Ships/Name`.
pub(super) fn related_property<'m>(
    groups: &'m EntityType,
    steps: &[Step<'_>],
) -> Option<(usize, &'m Property)> {
    let is_path = steps.len() > 1 && steps.iter().all(|step| step.arguments.is_none());
    let names = steps.iter().map(|step| step.name);
    is_path.then(|| groups.property(&names.collect::<Vec<_>>().join("/")))?
}
