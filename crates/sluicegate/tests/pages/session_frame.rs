//! The session frame, as clients load it and ask it.

use serde_json::{Value, json};
use testkit::{USER, challenge_of};

use crate::browser::{Browser, Scripts};
use crate::stage::{Page, Site, Stage, parameter};

/// A page beside the frame, which asks it the question in its address, and says what it has heard to whoever asks.
const NEIGHBOUR: &str = "<!DOCTYPE html><script>const heard = []; addEventListener('message', event => \
    event.data === 'what?' ? event.source.postMessage('heard ' + heard.join(), '*') : heard.push(event.data)); \
    parent.frames[0].postMessage(decodeURIComponent(location.hash.slice(1)), '*')</script>";

/// A client whose every page loads the frame, except for one that is to be loaded beside it.
fn client_that_watches(stage: &Stage) -> Site {
    let frame = stage.at("/oauth2/check_session");
    let page = format!(
        "<!DOCTYPE html><title>The application</title><link rel=icon href=data:,><iframe src='{frame}'></iframe>"
    );
    Site::serve(move |path| Page::shown("", if path == "/neighbour" { NEIGHBOUR } else { &page }))
}

/// The address that asks the user to sign in at a client with this redirect URL.
fn sign_in_at(stage: &Stage, redirect: &str) -> String {
    let asking = stage.application_with(&json!({"name": "Tide table", "redirectUrls": [redirect],
        "scopes": ["openid", "api.access.odata"], "grantTypes": ["authorization_code"]}));
    asking.replace("scope=api.access.odata", "scope=openid")
}

/// Signs in at the client, and returns what it asks the frame from then on.
fn question(browser: &mut Browser, asking: &str) -> String {
    browser.open(asking);
    browser.sign_in(USER.name, USER.password);
    browser.follow("#consent-allow");
    let state = parameter(&browser.address(), "session_state").expect("a session state");
    format!("{} {state}", parameter(asking, "client_id").unwrap())
}

/// Asks the first frame of the page these questions, one after the other.
fn answers(browser: &mut Browser, questions: &[Value]) -> Vec<String> {
    let ask = "async questions => { const answers = []; for (const question of questions) answers.push(await new Promise(done => { \
        addEventListener('message', event => done(event.data), {once: true}); frames[0].postMessage(question, '*') })); return answers }";
    let answered = browser.value(&format!("({ask})({})", Value::from(questions)));
    answered.as_array().unwrap().iter().map(|answer| answer.as_str().unwrap().to_owned()).collect()
}

fn answer(browser: &mut Browser, question: &str) -> String {
    answers(browser, &[json!(question)]).remove(0)
}

fn a_client_learns_of_a_sign_out(stage: &Stage) {
    let (client, mut browser) = (client_that_watches(stage), Browser::new(Scripts::Run));
    let question = question(&mut browser, &sign_in_at(stage, &client.at("/callback")));
    assert_eq!(answer(&mut browser, &question), "unchanged");
    browser.open(&stage.at("/account"));
    browser.open(&client.at("/"));
    assert_eq!(answer(&mut browser, &question), "unchanged");

    browser.open(&stage.at("/logout"));
    browser.follow("#logout-submit");
    browser.open(&client.at("/"));
    assert_eq!(answer(&mut browser, &question), "changed");
    browser.open(&stage.at("/account"));
    browser.sign_in(USER.name, USER.password);
    browser.open(&client.at("/"));
    assert_eq!(answer(&mut browser, &question), "changed", "another sign-in of the same user");
    assert_eq!(browser.violations(), [] as [String; 0]);
}

#[test]
fn a_client_on_the_same_site_learns_of_a_sign_out() {
    a_client_learns_of_a_sign_out(&Stage::new());
}

#[test]
fn a_client_learns_of_a_sign_out_of_a_server_below_a_path() {
    a_client_learns_of_a_sign_out(&Stage::below_a_path());
}

#[test]
fn a_malformed_question_is_an_error_and_one_of_another_client_has_changed() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let client = client_that_watches(&stage);
    let question = question(&mut browser, &sign_in_at(&stage, &client.at("/callback")));
    let (id, session_state) = question.split_once(' ').unwrap();
    let (digest, salt) = session_state.split_once('.').unwrap();
    let malformed = [
        json!(""),
        json!("x"),
        json!(id),
        json!(session_state),
        json!(format!(" {session_state}")),
        json!(format!("{id} {digest}")),
        json!(format!("{id} {digest}.")),
        json!(format!("{id} {session_state}x")),
        json!(format!("{id} {session_state} ")),
        json!(format!("{id}\n{session_state}")),
        json!(format!("ü {session_state}")),
        json!(format!("{} {session_state}", "x".repeat(4_097))),
        json!({"client_id": id, "session_state": session_state}),
        json!(7),
        json!(null),
    ];
    assert_eq!(answers(&mut browser, &malformed), vec!["error"; malformed.len()]);
    let of_others = [
        json!(format!("x{question}")),
        json!(format!("{} {digest}.{salt}", "x".repeat(4_096))),
        json!(format!("{id} {}.{salt}", "A".repeat(43))),
        json!(format!("{id} {digest}.{}", "A".repeat(22))),
    ];
    assert_eq!(answers(&mut browser, &of_others), vec!["changed"; of_others.len()]);
    assert_eq!(answer(&mut browser, &question), "unchanged", "the frame still answers");
}

/// The blocks of SHA-256 end at every place within a text.
#[test]
fn the_script_digests_texts_of_every_length_like_the_server() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let client = client_that_watches(&stage);
    browser.open(&stage.at("/account"));
    browser.sign_in(USER.name, USER.password);
    let cookies = browser.text_of("document.cookie");
    let browser_state = cookies.strip_prefix("sluicegate-browser-state=").unwrap();
    assert_eq!(browser_state.len(), 22, "scripts read nothing else: {cookies}");
    browser.open(&client.at("/"));
    let (origin, salt) = (client.at(""), "AAAAAAAAAAAAAAAAAAAAAA");
    let question = |length: usize| {
        let id = "a client ~".chars().cycle().take(length).collect::<String>();
        let digest = challenge_of(&format!("{id} {origin} {browser_state} {salt}"));
        json!(format!("{id} {digest}.{salt}"))
    };
    let questions: Vec<Value> = (1..200).chain([4_096]).map(question).collect();
    assert_eq!(answers(&mut browser, &questions), vec!["unchanged"; questions.len()]);
}

/// The browser withholds the cookie from a frame on another site; the user is still signed in.
#[test]
fn a_client_on_another_site_gets_an_error_instead_of_a_wrong_answer() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let client = client_that_watches(&stage);
    let elsewhere = client.at("/callback").replace("127.0.0.1", "localhost");
    let question = question(&mut browser, &sign_in_at(&stage, &elsewhere));
    assert!(browser.address().starts_with(&elsewhere), "{}", browser.address());
    assert_eq!(answer(&mut browser, &question), "error");
    browser.open(&stage.at("/account"));
    assert!(browser.has("#logout-submit"), "{}", browser.text());
}

/// The attack: another frame in the page of the client, such as an advertisement, asks about the user.
#[test]
fn the_frame_answers_only_the_origin_of_the_page_that_contains_it() {
    let (stage, mut browser) = (Stage::new(), Browser::new(Scripts::Run));
    let (client, stranger) = (client_that_watches(&stage), client_that_watches(&stage));
    let question = question(&mut browser, &sign_in_at(&stage, &client.at("/callback")));
    for (site, heard) in [(&stranger, "heard "), (&client, "heard unchanged")] {
        let neighbour = json!(site.at(&format!("/neighbour#{}", question.replace(' ', "%20"))));
        browser.value(&format!(
            "new Promise(done => {{ const frame = document.createElement('iframe'); frame.onload = () => done(null); \
             frame.src = {neighbour}; document.body.append(frame) }})"
        ));
        assert_eq!(answer(&mut browser, &question), "unchanged");
        let ask = "new Promise(done => { addEventListener('message', event => done(event.data), {once: true}); \
            frames[frames.length - 1].postMessage('what?', '*') })";
        assert_eq!(browser.text_of(ask), heard, "{neighbour}");
    }
}
