//! Who gets how much, and that nobody notices a shift.

use crate::router::running::Running;
use crate::support::backend::Backend;
use crate::support::waiting::eventually;
use greenroom::domain::model::Slot;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

const FLIPS: usize = 8;

#[test]
fn weights_are_shares_of_the_requests() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::start();
    for (weights, wanted) in [((75, 25), 100), ((1, 99), 396), ((0, 7), 400)] {
        running
            .shift(&[
                (Slot::Blue, blue.address, weights.0),
                (Slot::Green, green.address, weights.1),
            ])
            .unwrap();
        let before = green.served();
        let mut client = running.client();
        for _ in 0..400 {
            assert_eq!(client.get("/").unwrap().status, 200);
        }
        let got = green.served() - before;
        assert!(got.abs_diff(wanted) <= 3, "{weights:?}: {got} of 400");
    }
    let counters = running.state(Slot::Green).counters;
    assert_eq!((counters.requests, counters.errors), (green.served(), 0));
    assert_eq!(counters.latency.iter().sum::<u64>(), counters.requests);
}

/// Flips between two backends; after each flip nothing new may reach the drained one.
fn flip(running: &Running, blue: &Backend, green: &Backend, await_traffic: impl Fn()) {
    for flip in 0..FLIPS {
        let (to, from, slot) = if flip % 2 == 0 {
            (green, blue, Slot::Blue)
        } else {
            (blue, green, Slot::Green)
        };
        running
            .shift(&[(slot.other(), to.address, 100), (slot, from.address, 0)])
            .unwrap();
        eventually("the old one is drained", || running.state(slot).in_flight == 0);
        let drained = from.served();
        let counted = running.state(slot).counters.requests;
        await_traffic();
        assert_eq!(from.served(), drained, "flip {flip}: requests after the drain");
        assert_eq!(running.state(slot).counters.requests, counted);
    }
}

#[test]
fn eight_flips_under_load_fail_no_request() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::in_front_of(blue.address);
    let (done, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let mut client = running.client();
                while !done.load(Ordering::Relaxed) {
                    match client.get("/") {
                        Ok(answer) if answer.status == 200 => {
                            answers.fetch_add(1, Ordering::Relaxed);
                        }
                        other => {
                            failures
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(format!("{other:?}"));
                            return;
                        }
                    }
                }
            });
        }
        flip(&running, &blue, &green, || {
            let seen = answers.load(Ordering::Relaxed);
            eventually("traffic flows", || answers.load(Ordering::Relaxed) > seen + 300);
        });
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(*failures.lock().unwrap(), Vec::<String>::new());
    let answered = answers.load(Ordering::Relaxed);
    assert_eq!(
        blue.served() + green.served(),
        answered,
        "each request was sent once"
    );
    for slot in Slot::BOTH {
        assert_eq!(running.state(slot).counters.errors, 0);
    }
}

#[test]
fn eight_flips_under_wrk_show_no_error_at_all() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::in_front_of(blue.address);
    let mut wrk = Command::new("wrk")
        .args([
            "-t2",
            "-c32",
            "-d4s",
            &format!("http://{}/", running.options.listen),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("wrk is needed: apt-get install wrk (./test does)");
    flip(&running, &blue, &green, || {
        let seen = blue.served() + green.served();
        eventually("traffic flows", || blue.served() + green.served() > seen + 300);
    });
    assert!(
        wrk.try_wait().unwrap().is_none(),
        "the flips took longer than the load"
    );
    let mut report = String::new();
    wrk.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    assert!(wrk.wait().unwrap().success());
    assert!(report.contains("requests in"), "{report}");
    assert!(
        !report.contains("Non-2xx") && !report.contains("Socket errors"),
        "{report}"
    );
}

#[test]
fn a_request_under_way_is_finished_and_counted_in_flight_until_then() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let blue = Backend::start(move |exchange| {
        if exchange.target() == "/slow" {
            released.lock().unwrap().recv().unwrap();
        }
        exchange.ok("blue")
    });
    let green = Backend::saying("green");
    let running = Running::in_front_of(blue.address);
    let mut slow = running.client();
    slow.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    eventually("it is under way", || running.state(Slot::Blue).in_flight == 1);
    running
        .shift(&[(Slot::Blue, blue.address, 0), (Slot::Green, green.address, 100)])
        .unwrap();
    assert_eq!(running.client().get("/").unwrap().body, "green");
    assert_eq!(running.state(Slot::Blue).in_flight, 1);
    release.send(()).unwrap();
    assert_eq!(slow.answer(true).unwrap().body, "blue");
    eventually("it has ended", || running.state(Slot::Blue).in_flight == 0);
    assert_eq!(
        slow.get("/").unwrap().body,
        "green",
        "the same connection goes on"
    );
}

#[test]
fn an_upgraded_connection_is_tunnelled_and_counts_as_in_flight() {
    let echo = Backend::start(|exchange| {
        assert_eq!(exchange.header("upgrade").as_deref(), Some("websocket"));
        assert_eq!(exchange.header("connection").as_deref(), Some("upgrade"));
        exchange
            .write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\nhi");
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = exchange.reader.read(&mut buffer) {
            exchange.write(&buffer[..length]);
        }
        false
    });
    let running = Running::in_front_of(echo.address);
    let mut client = running.client();
    client
        .send(
            "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\n",
        )
        .unwrap();
    let (status, head) = client.head().unwrap();
    assert_eq!(status, 101, "{head}");
    assert!(head.to_lowercase().contains("upgrade: websocket"), "{head}");
    let mut greeting = [0; 2];
    client.reader.read_exact(&mut greeting).unwrap();
    for round in 0..100 {
        let sent = format!("message {round:>4}");
        client.reader.get_mut().write_all(sent.as_bytes()).unwrap();
        let mut back = vec![0; sent.len()];
        client.reader.read_exact(&mut back).unwrap();
        assert_eq!(back, sent.as_bytes());
    }
    assert_eq!(running.state(Slot::Blue).in_flight, 1);
    drop(client);
    eventually("it has ended", || running.state(Slot::Blue).in_flight == 0);
    assert_eq!(running.state(Slot::Blue).counters.errors, 0);
}

#[test]
fn connections_to_the_backend_are_used_again() {
    let connections = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let seen = Arc::clone(&connections);
    let backend = Backend::start(move |exchange| {
        seen.lock()
            .unwrap()
            .insert(exchange.stream.peer_addr().unwrap().port());
        exchange.ok("ok")
    });
    let running = Running::in_front_of(backend.address);
    for _ in 0..10 {
        let mut client = running.client();
        for _ in 0..10 {
            client.get("/").unwrap();
        }
    }
    let used = connections.lock().unwrap().len();
    assert!(
        used <= 2 * thread::available_parallelism().unwrap().get(),
        "{used} connections for 100 requests"
    );
}
