//! HTTP/2 clients that take nothing, send nothing, or hold on to everything: what they make the server buffer
//! is bounded, and it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod raw;

use std::time::Duration;

use app::node::clock::{Clock, SystemClock};
use raw::{DATA, GOAWAY, HEADERS, RST_STREAM, Raw};
use testkit::{Installation, Served, Wire};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// The number of concurrent streams that the server allows on one connection.
const STREAMS: usize = 100;

const MIB: u64 = 1024 * 1024;

fn impatient(installation: &Installation) -> Served {
    installation.serve_with(&[], &[("SLUICEGATE_LIMITS__BODY_TIMEOUT_SECS", "2")])
}

fn is_well(served: &Served) {
    assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    assert!(!served.printed().contains("panic"), "{}", served.printed());
}

/// The resident memory of the server in bytes.
fn resident(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// The number of these streams that the server resets.
fn resets(raw: &mut Raw, expected: usize) -> usize {
    let mut reset = 0;
    while reset < expected
        && let Some(frame) = raw.next()
    {
        reset += usize::from(frame.kind == RST_STREAM);
    }
    reset
}

#[test]
fn a_response_that_nobody_reads_is_dropped_and_the_connection_stays() {
    let installation = Installation::new(BINARY);
    let served = impatient(&installation);
    let mut raw = Raw::connect(&served, 0);
    for path in
        ["/docs", "/openapi.json", "/login", "/healthz", "/assets/style.css"].iter().cycle().take(STREAMS)
    {
        raw.get(path);
    }
    assert_eq!(resets(&mut raw, STREAMS), STREAMS);
    let stream = raw.get("/healthz");
    assert_eq!(raw.status(stream), Some(200));
    raw.allow(stream, 100);
    let taken = raw.next().unwrap();
    assert_eq!((taken.kind, &*taken.payload), (DATA, &b"ok\n"[..]));
    is_well(&served);
}

#[test]
fn a_response_that_is_read_too_slowly_is_reset() {
    let installation = Installation::new(BINARY);
    let served = impatient(&installation);
    let mut raw = Raw::connect(&served, 1);
    let streams: Vec<u32> = (0..STREAMS).map(|_| raw.get("/docs")).collect();
    let (mut reset, mut taken) = (0, 0);
    while reset < STREAMS
        && let Some(frame) = raw.next()
    {
        match frame.kind {
            RST_STREAM => reset += 1,
            DATA => {
                taken += frame.payload.len();
                // One more byte, for as long as anybody is patient.
                raw.allow(0, 1);
                raw.allow(frame.stream, 1);
            }
            _ => {}
        }
        assert!(taken < streams.len() * 16 * 1024, "byte by byte goes on for ever");
    }
    assert_eq!(reset, STREAMS);
    is_well(&served);
}

#[test]
fn responses_that_are_not_read_use_little_memory() {
    const CONNECTIONS: usize = 20;
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    // Everything that is created only once is created before the measurement.
    assert_eq!(Wire::new(served.url()).get("/docs", None).unwrap().status, 200);
    let before = resident(&served);
    let mut held: Vec<Raw> = (0..CONNECTIONS).map(|_| Raw::connect(&served, 0)).collect();
    for raw in &mut held {
        let streams: Vec<u32> = ["/docs", "/openapi.json", "/login"]
            .iter()
            .cycle()
            .take(STREAMS)
            .map(|path| raw.get(path))
            .collect();
        let mut answered = 0;
        while answered < streams.len() {
            answered += usize::from(raw.next().unwrap().kind == HEADERS);
        }
    }
    let grown = resident(&served).saturating_sub(before);
    assert!(grown < 100 * MIB, "{CONNECTIONS} connections hold {} MiB", grown / MIB);
    is_well(&served);
}

#[test]
fn unfinished_bodies_use_no_more_than_their_budget() {
    const CONNECTIONS: usize = 10;
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__MAX_BUFFERED_BYTES", "8388608")]);
    is_well(&served);
    let before = resident(&served);
    let part = vec![b'a'; 8 * 1024];
    let mut held: Vec<Raw> = (0..CONNECTIONS).map(|_| Raw::connect(&served, 65_535)).collect();
    let mut refused = 0;
    for raw in &mut held {
        // One address may hold 2 MiB of the 8 in total; the connections together would hold 24.
        let streams: Vec<u32> = (0..STREAMS).map(|_| raw.post_form("/oauth2/token")).collect();
        for _ in 0..3 {
            for stream in &streams {
                let _ = raw.data(*stream, &part, false);
            }
        }
        refused += raw.came_so_far().filter(|frame| frame.kind == HEADERS).count();
    }
    assert!(refused > CONNECTIONS * STREAMS / 2, "{refused} are refused although everything is held");
    let grown = resident(&served).saturating_sub(before);
    assert!(grown < 60 * MIB, "{CONNECTIONS} connections hold {} MiB", grown / MIB);
    drop(held);
    is_well(&served);
}

#[test]
fn a_body_that_arrives_byte_by_byte_gets_408() {
    let installation = Installation::new(BINARY);
    let patience =
        [("SLUICEGATE_LIMITS__BODY_TIMEOUT_SECS", "60"), ("SLUICEGATE_LIMITS__BODY_TOTAL_TIMEOUT_SECS", "2")];
    let served = installation.serve_with(&[], &patience);
    let mut raw = Raw::connect(&served, 65_535);
    let stream = raw.post_form("/oauth2/token");
    let mut writer = raw.another_hand();
    let drip = std::thread::spawn(move || {
        // At most half a minute.
        for _ in 0..150 {
            if writer.data(stream, b"a", false).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    assert_eq!(raw.status(stream), Some(408));
    raw.close();
    drip.join().unwrap();
    is_well(&served);
}

#[test]
fn an_idle_connection_is_closed_even_if_it_answers_ping() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__HEADER_TIMEOUT_SECS", "2")]);
    let (mut silent, mut used) = (Raw::connect(&served, 65_535), Raw::connect(&served, 65_535));
    let stream = used.get("/healthz");
    assert_eq!(used.status(stream), Some(200));
    for raw in [&mut silent, &mut used] {
        let began = SystemClock.steady_micros();
        let mut said_goodbye = false;
        while let Some(frame) = raw.next() {
            said_goodbye |= frame.kind == GOAWAY;
            assert!(SystemClock.steady_micros() - began < 40_000_000, "it stays open for ever");
        }
        assert!(said_goodbye);
    }
    is_well(&served);
}

#[test]
fn a_host_that_differs_from_the_authority_is_refused() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let mut raw = Raw::connect(&served, 65_535);
    for (host, status) in [("other.example", 400), ("a b", 400), ("", 400)] {
        let stream = raw.request("GET", "/healthz", &[("host", host)], true);
        let answer = raw.status(stream);
        assert!(answer.is_none() || answer == Some(status), "{host}: {answer:?}");
    }
    let mut raw = Raw::connect(&served, 65_535);
    let authority = served.url().trim_start_matches("http://").to_owned();
    let stream = raw.request("GET", "/healthz", &[("host", &authority)], true);
    assert_eq!(raw.status(stream), Some(200));
    let mut ended = false;
    while !ended {
        let frame = raw.next().unwrap();
        ended = frame.kind == DATA && frame.ends;
    }
}
