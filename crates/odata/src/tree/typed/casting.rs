//! Values as texts, and texts as values.

use super::{Constant, Term, Typed};
use crate::edm_type::EdmType;
use crate::tree::cast::Cast;
use crate::tree::class::Class;

impl Typed {
    /// A value as a text; `None` if not every database has the same text for it.
    pub(crate) fn into_text(self) -> Option<Self> {
        let text = |text: String| Some(Self::constant(Constant::String(text)));
        match (&self.term, self.class) {
            (Term::Constant(Constant::Boolean(value)), _) => text(value.to_string()),
            (Term::Constant(Constant::Integer(value)), _) => text(value.to_string()),
            (Term::Constant(_), _) => None,
            (_, Class::Integer) => {
                // Databases have computed integers beyond 64 bits, which are null for OData.
                let bounds = [i64::MIN, i64::MAX];
                let is_computed = matches!(self.term, Term::Arithmetic(..) | Term::Negate(_) | Term::Case(_));
                let nullable = self.nullable || is_computed;
                let operand = if is_computed {
                    Self { term: Term::Whole(Box::new(self), bounds), class: Class::Integer, nullable }
                } else {
                    self
                };
                Some(operand.cast(Cast::Text, Class::String))
            }
            (_, Class::Boolean | Class::Guid | Class::Date | Class::TimeOfDay | Class::DateTimeOffset) => {
                Some(self.cast(Cast::Text, Class::String))
            }
            _ => None,
        }
    }

    /// A text as a value of a type; `None` if it cannot be read alike in every database.
    pub(crate) fn read_as(self, ty: EdmType) -> Option<Self> {
        if let Some(bounds) = ty.whole_bounds() {
            // All digits fit into a decimal.
            let digits = self.cast(Cast::Whole, Class::Decimal);
            let term = Term::Whole(Box::new(digits), bounds);
            return Some(Self { term, class: Class::Integer, nullable: true });
        }
        let is_boolean = Class::from(ty) == Class::Boolean;
        is_boolean.then(|| Self { nullable: true, ..self.cast(Cast::Boolean, Class::Boolean) })
    }

    fn cast(self, cast: Cast, class: Class) -> Self {
        let nullable = self.nullable || cast != Cast::Text;
        Self { term: Term::Cast(Box::new(self), cast), class, nullable }
    }
}
