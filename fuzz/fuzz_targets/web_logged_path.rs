#![no_main]
//! No path makes the log panic. What is logged is short and cannot control a terminal, and neither keys of entities nor tokens
//! are in it.

use web::fuzzing::logged_path;

const MOST: usize = 200;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let shown = logged_path(text);
    assert!(shown.len() <= MOST && !shown.contains(|character: char| character.is_control()));
    // What is encoded twice may be either.
    let plain = text.replace('%', "");
    for key in [plain.replace('\'', "''"), plain.replace('\'', "%27%27").replace('(', "%28")] {
        let shown = logged_path(&format!("/odata/People('{key}')/Name")).into_owned();
        assert!(matches!(&*shown, "/odata/People()/Name" | "/odata/People("), "{key}: {shown}");
    }
    let shown = logged_path(&format!("/oauth2/register/sgs_{text}")).into_owned();
    assert!(matches!(&*shown, "/oauth2/register/sgs" | "/oauth2/register/"), "{shown}");
});
