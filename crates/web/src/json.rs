//! Reading JSON payloads so that every fault of one is reported at once.
//!
//! A body is parsed into [`Json`] first, which refuses what no payload may have: a member given twice, nesting without
//! end, text behind the value. Then a type reads its members through [`Fields`], which gathers faults per member in
//! [`Faults`] and goes on; a derived deserialiser would stop at the first.
//!
//! ```
//! use web::json::{Faults, Fields, parse};
//!
//! let json = parse(br#"{"name": 5, "colour": "red"}"#).unwrap();
//! let faults = Faults::default();
//! let mut fields = Fields::of(&json, "", &faults);
//! let name = fields.required_string("name");
//! fields.finish();
//! assert_eq!(name, None);
//! assert_eq!(faults.into_details().len(), 2, "the wrong type, and the member that nobody knows");
//! ```

mod fields;
mod tree;

pub use fields::{Faults, Fields, FromJson};
pub use tree::{Json, Malformed, parse};
