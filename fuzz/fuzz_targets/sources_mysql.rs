#![no_main]
//! No bytes of a server of MySQL make the readers of greetings, errors and rows panic.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sources::mysql::read_anything(bytes));
