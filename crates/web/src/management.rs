//! The management API: `/api/mgmt` and `/api/admin`. One module per noun.

pub(crate) mod acting;
pub(crate) mod allowed;
pub(crate) mod applications;
