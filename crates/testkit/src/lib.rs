//! Test server, manual clock, seeded randomness, cookie-jar browser.
