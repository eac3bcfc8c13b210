//! The suite that each backend passes: one function per statement that it proves.
