//! The names of things in the harbour.

/// A kind of ship, with its range of lengths in metres.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) length: (i64, i64),
}

/// Goods, and whether they need a permit.
pub(super) struct Goods {
    pub(super) name: &'static str,
    pub(super) hazardous: bool,
}

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "Container ship", length: (120, 366) },
    Kind { name: "Tanker", length: (90, 280) },
    Kind { name: "Bulk carrier", length: (100, 290) },
    Kind { name: "General cargo", length: (70, 160) },
    Kind { name: "Ferry", length: (80, 210) },
    Kind { name: "Fishing vessel", length: (18, 75) },
    Kind { name: "Tug", length: (20, 40) },
];

pub(super) const GOODS: &[Goods] = &[
    Goods { name: "Containers", hazardous: false },
    Goods { name: "Crude oil", hazardous: true },
    Goods { name: "Diesel", hazardous: true },
    Goods { name: "Liquefied gas", hazardous: true },
    Goods { name: "Ammonia", hazardous: true },
    Goods { name: "Wheat", hazardous: false },
    Goods { name: "Soy beans", hazardous: false },
    Goods { name: "Iron ore", hazardous: false },
    Goods { name: "Coal", hazardous: false },
    Goods { name: "Timber", hazardous: false },
    Goods { name: "Steel coils", hazardous: false },
    Goods { name: "Cars", hazardous: false },
    Goods { name: "Machinery", hazardous: false },
    Goods { name: "Paper", hazardous: false },
    Goods { name: "Coffee", hazardous: false },
    Goods { name: "Bananas", hazardous: false },
    Goods { name: "Frozen fish", hazardous: false },
    Goods { name: "Fertiliser", hazardous: true },
];

pub(super) const QUAYS: &[&str] =
    &["North Quay", "South Quay", "Fish Pier", "Oil Jetty", "East Basin", "Old Harbour"];

pub(super) const FIRST: &[&str] = &[
    "Northern", "Southern", "Baltic", "Atlantic", "Silver", "Golden", "Blue", "Grey", "Morning", "Evening",
    "Swift", "Stella", "Maria", "Anna", "Queen", "Ocean", "Polar", "Coral", "Sea", "Wind",
];

pub(super) const SECOND: &[&str] = &[
    "Star",
    "Wave",
    "Trader",
    "Spirit",
    "Pioneer",
    "Explorer",
    "Horizon",
    "Tern",
    "Albatross",
    "Heron",
    "Harmony",
    "Fortune",
    "Breeze",
    "Venture",
    "Dawn",
    "Voyager",
    "Carrier",
    "Maiden",
    "Crown",
    "Light",
];

pub(super) const FLAGS: &[&str] = &[
    "Panama",
    "Liberia",
    "Malta",
    "Greece",
    "Norway",
    "Denmark",
    "Germany",
    "Netherlands",
    "Portugal",
    "Singapore",
    "Japan",
    "Brazil",
    "Cyprus",
    "Finland",
];

pub(super) const OWNERS: &[&str] = &[
    "Hansen & Sons",
    "Aegean Lines",
    "Nordhav Shipping",
    "Blue Anchor",
    "Tagus Maritime",
    "O'Brien Marine",
    "Santos Navigation",
    "Kobe Bulk",
    "Oresund Ferries",
    "Frisia Coasters",
    "Meridian Tankers",
    "Pelican Fisheries",
];

pub(super) const PILOTS: &[&str] = &[
    "A. Lindqvist",
    "B. Costa",
    "C. Dimitriou",
    "D. Okafor",
    "E. Visser",
    "F. Moreau",
    "G. Tanaka",
    "H. Novák",
];
