//! What a setting may leave out: its range, and when it weakens security.

macro_rules! weakens {
    () => {
        None
    };
    ($is_weak:expr, $warning:literal) => {
        Some(($is_weak, $warning))
    };
}

macro_rules! range {
    () => {
        None::<RangeInclusive<i64>>
    };
    ($range:expr) => {
        Some($range)
    };
}
