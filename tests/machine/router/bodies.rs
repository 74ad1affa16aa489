//! Heads and bodies on their way through.

use crate::router::running::Running;
use crate::support::backend::{Backend, read_chunk};
use crate::support::waiting::eventually;
use greenroom::domain::model::Slot;
use std::fs;
use std::io::{BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

const LARGE: u64 = 200 * 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// Resident memory of a process in bytes.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn large_bodies_pass_both_ways_and_are_not_stored() {
    let backend = Backend::start(|exchange| {
        if let Some(length) = exchange.header("content-length") {
            let mut body = exchange.reader.take(length.parse().unwrap());
            let read = std::io::copy(&mut body, &mut std::io::sink()).unwrap();
            return exchange.ok(&read.to_string());
        }
        exchange.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let piece = [b"10000\r\n".as_slice(), &[7; PIECE], b"\r\n"].concat();
        for _ in 0..LARGE / PIECE as u64 {
            if !exchange.write(&piece) {
                return false;
            }
        }
        exchange.write("0\r\n\r\n")
    });
    let running = Running::in_front_of(backend.address);
    let before = memory(running.pid());
    let mut client = running.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().0, 200);
    let mut received = 0;
    while let Some(chunk @ [_, ..]) = read_chunk(&mut client.reader).as_deref() {
        received += chunk.len() as u64;
    }
    assert_eq!(received, LARGE);
    client.reader.read_line(&mut String::new()).unwrap();

    client
        .send(format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n"
        ))
        .unwrap();
    for _ in 0..LARGE / PIECE as u64 {
        client.send([7; PIECE]).unwrap();
    }
    assert_eq!(client.answer(true).unwrap().body, LARGE.to_string());
    let grown = memory(running.pid()).saturating_sub(before);
    assert!(grown < 16 * 1024 * 1024, "grew by {grown} bytes");
}

#[test]
fn a_client_that_does_not_read_holds_the_backend_back() {
    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    let backend = Backend::start(move |exchange| {
        exchange.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n"));
        while exchange.write([7; PIECE]) {
            counted.fetch_add(PIECE as u64, Ordering::SeqCst);
        }
        false
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    client.head().unwrap();
    // Reading a little shows that it flows; then what the sockets and the router hold is all.
    client.reader.read_exact(&mut [0; PIECE]).unwrap();
    let last = Mutex::new((0, 0));
    eventually("the backend is held back", || {
        let now = written.load(Ordering::SeqCst);
        let mut last = last.lock().unwrap();
        *last = if last.0 == now {
            (now, last.1 + 1)
        } else {
            (now, 0)
        };
        last.1 > 100
    });
    let sent = written.load(Ordering::SeqCst);
    assert!(sent < LARGE / 4, "{sent} bytes were taken from the backend");
    drop(client);
    eventually("the client has left", || running.state(Slot::Blue).in_flight == 0);
    assert_eq!(
        running.state(Slot::Blue).counters.errors,
        0,
        "a client that leaves is no error"
    );
}

#[test]
fn every_piece_is_passed_on_at_once_in_both_directions() {
    let (confirm, confirmed) = channel::<Vec<u8>>();
    let (go, gone) = channel::<()>();
    let (confirm, gone) = (Mutex::new(confirm), Mutex::new(gone));
    let backend = Backend::start(move |exchange| {
        while let Some(chunk) = read_chunk(exchange.reader) {
            let end = chunk.is_empty();
            confirm.lock().unwrap().send(chunk).unwrap();
            if end {
                break;
            }
        }
        exchange.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for _ in 0..3 {
            exchange.write("5\r\npiece\r\n");
            gone.lock().unwrap().recv().unwrap();
        }
        exchange.write("0\r\n\r\n");
        false
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .unwrap();
    for _ in 0..3 {
        client.send("4\r\nping\r\n").unwrap();
        assert_eq!(confirmed.recv().unwrap(), b"ping");
    }
    client.send("0\r\n\r\n").unwrap();
    assert_eq!(confirmed.recv().unwrap(), b"");
    client.head().unwrap();
    for _ in 0..3 {
        assert_eq!(read_chunk(&mut client.reader).unwrap(), b"piece");
        go.send(()).unwrap();
    }
    assert_eq!(read_chunk(&mut client.reader).unwrap(), b"");
}

#[test]
fn the_backend_sees_the_request_as_the_client_sent_it_and_who_the_client_is() {
    let (tell, told) = channel::<String>();
    let tell = Mutex::new(tell);
    let backend = Backend::start(move |exchange| {
        tell.lock().unwrap().send(exchange.head.clone()).unwrap();
        exchange.write("HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: 1\r\nx-own: 2\r\ncontent-length: 5\r\n\r\n")
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    client
        .send("HEAD /a/../b?c=%20d HTTP/1.1\r\nHost: app.test\r\nConnection: x-drop\r\nX-Drop: 1\r\nX-Forwarded-For: 10.9.8.7\r\nCookie: a=b\r\n\r\n")
        .unwrap();
    let answer = client.answer(false).unwrap();
    assert_eq!(answer.status, 200);
    let lower = answer.head.to_lowercase();
    assert!(
        lower.contains("content-length: 5") && lower.contains("x-own: 2"),
        "{lower}"
    );
    assert!(
        !lower.contains("x-hop") && !lower.contains("keep-alive"),
        "{lower}"
    );
    let head = told.recv().unwrap();
    insta::assert_snapshot!(head.replace("\r\n", "\n"), @"
    HEAD /a/../b?c=%20d HTTP/1.1
    host: app.test
    x-forwarded-for: 10.9.8.7
    x-forwarded-for: 127.0.0.1
    cookie: a=b
    x-forwarded-proto: http
    x-forwarded-host: app.test
    ");
}

#[test]
fn a_client_that_waits_for_permission_to_send_its_body_gets_it() {
    let backend = Backend::start(|exchange| {
        assert_eq!(exchange.header("expect"), None);
        let mut body = [0; 4];
        exchange.reader.read_exact(&mut body).unwrap();
        exchange.ok(&String::from_utf8_lossy(&body))
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
        .unwrap();
    assert_eq!(client.head().unwrap().0, 100);
    client.send("body").unwrap();
    assert_eq!(client.answer(true).unwrap().body, "body");
}

#[test]
fn trailers_reach_a_client_that_asks_for_them() {
    let backend = Backend::start(|exchange| {
        assert_eq!(exchange.header("te").as_deref(), Some("trailers"));
        exchange.write("HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 42\r\n\r\n")
    });
    let running = Running::in_front_of(backend.address);
    let mut client = running.client();
    client
        .send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\r\n")
        .unwrap();
    client.head().unwrap();
    while let Some([_, ..]) = read_chunk(&mut client.reader).as_deref() {}
    let mut trailer = String::new();
    client.reader.read_line(&mut trailer).unwrap();
    assert_eq!(trailer.trim_end(), "x-sum: 42");
}

#[test]
fn a_request_that_two_parsers_could_read_differently_is_refused() {
    let backend = Backend::saying("reached");
    let running = Running::in_front_of(backend.address);
    let cases = [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\n\r\nabcd".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n folded\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(100_000)),
    ];
    for case in cases {
        let mut client = running.client();
        let shown = &case[..case.len().min(90)];
        let _ = client.send(&case);
        let answer = client.answer(true);
        let refused = answer
            .as_ref()
            .is_ok_and(|answer| (400..=431).contains(&answer.status));
        assert!(refused, "{shown:?}: {answer:?}");
        let next = client.answer(true);
        assert!(next.is_err(), "{shown:?} has a second answer: {next:?}");
    }
    assert_eq!(backend.served(), 0, "none reached the backend");
}

#[test]
fn a_request_with_both_kinds_of_length_is_framed_anew_and_ends_its_connection() {
    let (tell, told) = channel::<String>();
    let tell = Mutex::new(tell);
    let backend = Backend::start(move |exchange| {
        tell.lock().unwrap().send(exchange.head.to_lowercase()).unwrap();
        while let Some([_, ..]) = read_chunk(exchange.reader).as_deref() {}
        exchange.reader.read_line(&mut String::new()).unwrap();
        exchange.ok("first")
    });
    let running = Running::in_front_of(backend.address);
    let lengths = [
        "content-length: 6\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 6",
    ];
    for both in lengths {
        let mut client = running.client();
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\n{both}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
            ))
            .unwrap();
        // RFC 9112, section 6.1: chunked wins, and the connection must end with the answer.
        let answer = client.answer(true).unwrap();
        assert!(
            answer.head.to_lowercase().contains("connection: close"),
            "{}",
            answer.head
        );
        assert!(client.answer(true).is_err(), "the rest was taken for a request");
        let head = told.recv().unwrap();
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        assert!(!head.contains("content-length"), "{head}");
    }
    assert_eq!(backend.served(), 2);
}
