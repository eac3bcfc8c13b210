//! The use cases: load facts, ask oauth and odata to decide, apply, audit.
