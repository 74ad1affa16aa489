//! Backends that are down, hang up, or lie.

use crate::router::running::Running;
use crate::support::address::free_address;
use crate::support::backend::Backend;
use crate::support::waiting::eventually;
use greenroom::domain::model::{ErrorKind, Slot};

#[test]
fn a_backend_that_is_down_gives_502_and_is_counted() {
    let mut backend = Backend::saying("up");
    let running = Running::in_front_of(backend.address);
    assert_eq!(running.client().get("/").unwrap().body, "up");
    backend.stop();
    let mut client = running.client();
    for _ in 0..3 {
        let answer = client.get("/").unwrap();
        assert_eq!(answer.status, 502);
        assert_eq!(
            answer.body,
            "502 Bad Gateway: the backend did not accept the connection\n"
        );
    }
    let state = running.state(Slot::Blue);
    assert_eq!(
        (state.counters.requests, state.counters.errors, state.in_flight),
        (4, 3, 0)
    );
}

#[test]
fn a_request_that_reached_nobody_goes_to_another_route() {
    let (mut blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::start();
    running
        .shift(&[(Slot::Blue, blue.address, 50), (Slot::Green, green.address, 50)])
        .unwrap();
    blue.stop();
    let mut client = running.client();
    for number in 0..20 {
        client
            .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi")
            .unwrap();
        assert_eq!(client.answer(true).unwrap().body, "green", "request {number}");
    }
    let state = running.state(Slot::Blue);
    assert!(state.counters.errors >= 9, "{state:?}");
    assert_eq!(
        state.counters.requests, state.counters.errors,
        "the failures of the dead one are seen"
    );
    assert_eq!(running.state(Slot::Green).counters.errors, 0);
}

#[test]
fn without_a_route_the_answer_is_503() {
    let running = Running::start();
    let answer = running.client().get("/").unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        "503 Service Unavailable: no route takes requests at the moment\n"
    );
}

#[test]
fn server_errors_are_counted_and_passed_on() {
    let backend =
        Backend::start(|exchange| exchange.write("HTTP/1.1 500 Oh\r\ncontent-length: 3\r\n\r\nbad"));
    let running = Running::in_front_of(backend.address);
    let answer = running.client().get("/").unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (500, "bad"));
    let counters = running.state(Slot::Blue).counters;
    assert_eq!((counters.requests, counters.errors), (1, 1));
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client_and_is_counted() {
    let backend = Backend::start(|exchange| {
        exchange.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        false
    });
    let running = Running::in_front_of(backend.address);
    let answer = running.client().get("/");
    assert!(answer.is_err(), "{answer:?}");
    eventually("it is counted", || running.state(Slot::Blue).counters.errors == 1);
    assert_eq!(running.state(Slot::Blue).counters.requests, 1);
    assert_eq!(running.state(Slot::Blue).in_flight, 0);
}

#[test]
fn a_backend_that_hangs_up_without_an_answer_gives_502() {
    let backend = Backend::start(|_| false);
    let running = Running::in_front_of(backend.address);
    let answer = running.client().get("/").unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("before it answered"), "{}", answer.body);
    assert_eq!(backend.served(), 1, "a new connection is not tried twice");
    assert_eq!(running.state(Slot::Blue).counters.errors, 1);
}

#[test]
fn a_reused_connection_that_was_closed_meanwhile_costs_no_harmless_request() {
    // Closes each connection at its second request, without an answer.
    let backend = Backend::start(|exchange| {
        let mut known = SECOND.lock().unwrap();
        let first = known.insert(exchange.stream.peer_addr().unwrap());
        drop(known);
        first && exchange.ok("ok")
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    for _ in 0..50 {
        assert_eq!(client.get("/").unwrap().status, 200);
    }
    assert!(backend.served() > 50, "some were repeated");
    assert_eq!(running.state(Slot::Blue).counters.errors, 0);
    assert_eq!(running.state(Slot::Blue).counters.requests, 50);

    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    let status = client.answer(true).unwrap().status;
    assert_eq!(status, 502, "what may have had an effect is not repeated");
}

static SECOND: std::sync::Mutex<std::collections::BTreeSet<std::net::SocketAddr>> =
    std::sync::Mutex::new(std::collections::BTreeSet::new());

#[test]
fn a_backend_that_switches_protocols_unasked_is_refused() {
    let backend = Backend::start(|exchange| {
        exchange.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
    });
    let running = Running::in_front_of(backend.address);
    assert_eq!(running.client().get("/").unwrap().status, 502);
}

#[test]
fn traffic_does_not_move_to_an_address_where_nothing_listens() {
    let backend = Backend::saying("blue");
    let running = Running::in_front_of(backend.address);
    let error = running
        .shift(&[
            (Slot::Blue, backend.address, 0),
            (Slot::Green, free_address(), 100),
        ])
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(
        error
            .why
            .to_string()
            .contains("web-1 (green) does not accept connections"),
        "{error}"
    );
    assert_eq!(running.client().get("/").unwrap().body, "blue");
}

#[test]
fn connect_is_not_supported() {
    let running = Running::start();
    let mut client = running.client();
    client.send("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().0, 501);
}
