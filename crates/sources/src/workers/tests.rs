use std::sync::mpsc;

use super::*;

#[test]
fn jobs_run_and_no_more_threads_start_than_allowed() {
    let workers = Workers::new(2, 100);
    let (done, finished) = mpsc::channel();
    for number in 0..50 {
        let done = done.clone();
        workers.submit(move || done.send(number).unwrap()).unwrap();
    }
    let mut seen: Vec<i32> = (0..50).map(|_| finished.recv().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
    assert!(workers.shared.lock().threads <= 2);
}

#[test]
fn a_panicking_job_does_not_cost_a_thread() {
    let workers = Workers::new(1, 10);
    workers.submit(|| panic!("on purpose")).unwrap();
    let (done, finished) = mpsc::channel();
    workers.submit(move || done.send(()).unwrap()).unwrap();
    finished.recv().unwrap();
}

#[test]
fn what_is_queued_when_the_set_closes_is_dropped_unrun() {
    let workers = Workers::new(1, 10);
    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    workers
        .submit(move || {
            started.send(()).unwrap();
            let _ = held.recv();
        })
        .unwrap();
    running.recv().unwrap();
    let (ran, unrun) = mpsc::channel::<()>();
    workers.submit(move || ran.send(()).unwrap()).unwrap();
    workers.close();
    assert!(unrun.recv().is_err());
    assert_eq!(workers.submit(|| ()), Err(SourceError::Closed));
    drop(release);
}
