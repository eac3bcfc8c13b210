//! Parsing JSON payloads such that all faults are reported at once.
//!
//! A body is first parsed into [`Json`], which refuses what no payload may contain: a repeated member,
//! unlimited nesting, text after the value. Then a type reads its members through [`Fields`], which collects
//! the faults of each member in [`PayloadFaults`] and continues; a derived deserialiser would stop at the first
//! fault.
//!
//! ```
//! use web::json::{PayloadFaults, Fields, parse};
//!
//! let json = parse(br#"{"name": 5, "colour": "red"}"#).unwrap();
//! let faults = PayloadFaults::default();
//! let mut fields = Fields::of(&json, "", &faults);
//! let name = fields.required_string("name");
//! fields.finish();
//! assert_eq!(name, None);
//! assert_eq!(faults.into_details().len(), 2, "the wrong type, and the unknown member");
//! ```

mod fields;
mod tree;

pub use fields::{Fields, FromJson, PayloadFaults};
pub use tree::{Json, Malformed, parse};
