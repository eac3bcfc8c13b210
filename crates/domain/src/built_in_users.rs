//! The users of every new installation.

/// Their names, as in Hybrid Data Pipeline.
pub const BUILT_IN_USERS: [&str; 2] = ["d2cadmin", "d2cuser"];
