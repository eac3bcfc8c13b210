//! Values as the columns of SQLite store them.

use crate::cell::Value;
use crate::model::Property;
use crate::tree::typed::Constant;

/// The value to store for a constant, in the layout of the column if possible; `None` if it would come back as another one.
pub(super) fn stored(property: &Property, constant: &Constant) -> Option<Value> {
    let value = super::value(constant);
    if let (Constant::Decimal(text), Value::Real(stored)) = (constant, &value)
        && stored.to_string() != *text
    {
        return None;
    }
    property.reading().assigned(property.storage.layout, &value)
}
