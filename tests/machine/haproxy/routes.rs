//! What stands, who is left alone, and what is refused.

use crate::haproxy::balancer::{Balancer, Patient, route, template};
use crate::support::backend::Backend;
use crate::support::waiting::eventually;
use greenroom::domain::model::{ErrorKind, Slot};
use greenroom::ports::Router;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::channel;

/// The template with a server of somebody else.
fn with_legacy(address: SocketAddr) -> Balancer {
    Balancer::configured(|text| {
        let more = format!("server legacy {address} weight 7\n  server shop-1-blue");
        text.replace("server shop-1-blue", &more)
    })
}

#[test]
fn servers_of_other_names_are_neither_counted_nor_touched() {
    let (legacy, ours) = (Backend::saying("legacy"), Backend::saying("ours"));
    let balancer = with_legacy(legacy.address);
    let router = balancer.unix();
    let line = || {
        let states = balancer.say("show servers state shop");
        let found = states.lines().find(|line| line.contains(" legacy "));
        let words: Vec<String> = found.unwrap().split(' ').map(str::to_owned).collect();
        // Name, address, states and weight; not the seconds since the last change.
        words[3..9].join(" ")
    };
    let before = line();
    assert_eq!(router.routes().unwrap(), []);
    let patient = Patient(&router);
    patient
        .shift(&[route("shop-1", Slot::Blue, ours.address, 100)])
        .unwrap();
    assert_eq!(router.routes().unwrap().len(), 1);
    let seen: BTreeSet<String> = (0..60).map(|_| balancer.ask().unwrap().1).collect();
    assert_eq!(seen, BTreeSet::from(["legacy".to_owned(), "ours".to_owned()]));
    router.shift(&[]).unwrap();
    assert_eq!(line(), before);
    assert_eq!(balancer.ask().unwrap().1, "legacy");

    let refused = router
        .shift(&[route("shop-9", Slot::Green, ours.address, 1)])
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    insta::assert_snapshot!(refused, @r"
    shifting traffic in HAProxy's backend shop: backend shop has no server shop-9-green; its server of another name is not greenroom's and stays as it is; add to it in haproxy.cfg, and reload:
      server shop-9-green free.invalid:80 disabled init-addr last,192.0.2.1
    ");
    assert_eq!(line(), before);
}

#[test]
fn what_cannot_stand_is_refused_before_anything_is_changed() {
    let ours = Backend::saying("ours");
    let balancer = Balancer::start();
    let router = balancer.unix();
    let before = balancer.say("show servers state shop");
    let mut tls = route("shop-1", Slot::Blue, ours.address, 1);
    tls.address = format!("https://{}", ours.address).parse().unwrap();
    let mut named = tls.clone();
    named.address = "http://guest.test:80".parse().unwrap();
    let mut below = tls.clone();
    below.address = "http://10.0.0.1:80/app".parse().unwrap();
    let refusals: Vec<String> = [tls, named, below]
        .into_iter()
        .map(|wanted| {
            let refused = router.shift(&[wanted]).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid);
            refused
                .why
                .to_string()
                .replace(&ours.address.to_string(), "<ours>")
        })
        .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r"
    https://<ours> is wanted and HAProxy does not speak TLS to server shop-1-blue; add `ssl` in its line of haproxy.cfg
    http://guest.test:80: HAProxy is given addresses at run time, no names; use the instance's IP address
    http://10.0.0.1:80/app: HAProxy keeps paths as they are; leave out /app
    ");
    let named = Balancer::configured(|text| text.replace("free.invalid:80", "localhost:80"));
    let refused = named
        .unix()
        .shift(&[route("shop-1", Slot::Blue, ours.address, 1)])
        .unwrap_err();
    assert_eq!(
        refused.why.to_string(),
        "server shop-1-blue gets its address from the name localhost; write free.invalid:80 there in \
         haproxy.cfg, since greenroom sets the address"
    );
    let elsewhere = balancer.router(&format!("unix://{}", balancer.file("h.sock").display()), "store");
    let missing = elsewhere.routes().unwrap_err();
    assert_eq!(missing.kind, ErrorKind::Missing);
    assert!(missing.to_string().contains("has no backend store"), "{missing}");
    assert_eq!(
        balancer.say("show servers state shop").lines().count(),
        before.lines().count()
    );
    assert_eq!(router.routes().unwrap(), []);
}

#[test]
fn an_interface_without_the_right_says_which_right_it_needs() {
    let ours = Backend::saying("ours");
    let balancer =
        Balancer::configured(|text| text.replace("mode 660 level admin", "mode 660 level operator"));
    let wanted = [route("shop-1", Slot::Blue, ours.address, 1)];
    let refused = balancer.unix().shift(&wanted).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
    insta::assert_snapshot!(refused, @r#"shifting traffic in HAProxy's backend shop: "set server shop/shop-1-blue weight 0" had no effect. HAProxy said: Permission denied (give the socket `level admin` in haproxy.cfg)"#);
    Patient(&balancer.tcp()).shift(&wanted).unwrap();
}

#[test]
fn weights_that_cannot_change_take_nobody_away() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let balancer = Balancer::configured(|text| text.replace("balance roundrobin", "balance static-rr"));
    let router = balancer.unix();
    Patient(&router)
        .shift(&[route("shop-1", Slot::Blue, blue.address, 100)])
        .unwrap();
    let refused = Patient(&router)
        .shift(&[
            route("shop-1", Slot::Blue, blue.address, 90),
            route("shop-1", Slot::Green, green.address, 10),
        ])
        .unwrap_err();
    assert!(
        refused.to_string().contains("use `balance roundrobin`"),
        "{refused}"
    );
    assert_eq!(balancer.ask(), Some((200, "blue".to_owned())));
}

#[test]
fn a_restart_loses_the_routes_and_a_shift_brings_them_back() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let mut balancer = Balancer::start();
    let router = balancer.unix();
    let wanted = [
        route("shop-1", Slot::Blue, blue.address, 0),
        route("shop-1", Slot::Green, green.address, 100),
    ];
    Patient(&router).shift(&wanted).unwrap();
    for _ in 0..3 {
        assert_eq!(balancer.ask(), Some((200, "green".to_owned())));
    }
    let counted = |slot| {
        let states = router.routes().unwrap();
        let state = states.into_iter().find(|state| state.route.slot == slot).unwrap();
        (state.counters.requests, state.counters.errors)
    };
    assert_eq!((counted(Slot::Blue), counted(Slot::Green)), ((0, 0), (3, 0)));

    balancer.kill();
    let gone = router.routes().unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Transient, "{gone}");
    assert_eq!(router.shift(&wanted).unwrap_err().kind, ErrorKind::Transient);
    balancer.run();
    assert_eq!(router.routes().unwrap(), []);
    assert_eq!(balancer.ask().unwrap().0, 503);
    Patient(&router).shift(&wanted).unwrap();
    assert_eq!(balancer.ask(), Some((200, "green".to_owned())));
    assert_eq!(counted(Slot::Green), (1, 0));
}

#[test]
fn the_state_file_of_the_documentation_keeps_the_routes_over_a_restart() {
    let green = Backend::saying("green");
    let mut balancer = Balancer::start();
    let state = balancer.file("state");
    let config = balancer.file("haproxy.cfg");
    let more = template(1).replace("/var/lib/haproxy/state", state.to_str().unwrap());
    let sections = more
        .split("\n\n")
        .map(|section| section.split_once('\n').unwrap());
    let text = sections.fold(
        std::fs::read_to_string(&config).unwrap(),
        |text, (name, lines)| {
            assert!(
                text.contains(&format!("{name}\n")),
                "{name} is no section of the template"
            );
            text.replacen(&format!("{name}\n"), &format!("{name}\n{lines}\n"), 1)
        },
    );
    std::fs::write(&config, text).unwrap();
    let router = balancer.unix();
    Patient(&router)
        .shift(&[route("shop-1", Slot::Green, green.address, 60)])
        .unwrap();
    let before: Vec<_> = router
        .routes()
        .unwrap()
        .into_iter()
        .map(|state| state.route)
        .collect();
    std::fs::write(&state, balancer.say("show servers state")).unwrap();
    balancer.kill();
    balancer.run();
    let after: Vec<_> = router
        .routes()
        .unwrap()
        .into_iter()
        .map(|state| state.route)
        .collect();
    assert_eq!(after, before);
    eventually("it serves", || balancer.ask() == Some((200, "green".to_owned())));
}

#[test]
fn nobody_loses_traffic_to_one_that_fails_its_check() {
    let blue = Backend::saying("blue");
    // It accepts connections, and answers its health check with an error.
    let sick = Backend::start(|exchange| exchange.write("HTTP/1.1 500 Sick\r\ncontent-length: 0\r\n\r\n"));
    let balancer = Balancer::start();
    let router = balancer.unix();
    Patient(&router)
        .shift(&[route("shop-1", Slot::Blue, blue.address, 100)])
        .unwrap();
    let wanted = [
        route("shop-1", Slot::Blue, blue.address, 0),
        route("shop-1", Slot::Green, sick.address, 100),
    ];
    let refused = Patient(&router).shift(&wanted).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Transient);
    assert!(refused.to_string().contains("L7STS"), "{refused}");
    for _ in 0..10 {
        assert_eq!(balancer.ask(), Some((200, "blue".to_owned())));
    }
    // Given up: as it was before.
    let back = [route("shop-1", Slot::Blue, blue.address, 100)];
    router.shift(&back).unwrap();
    let standing: Vec<_> = router
        .routes()
        .unwrap()
        .into_iter()
        .map(|state| state.route)
        .collect();
    assert_eq!(standing, back);
}

#[test]
fn an_address_that_changes_is_followed_while_others_serve_and_alone() {
    let (one, two, three) = (
        Backend::saying("one"),
        Backend::saying("two"),
        Backend::saying("three"),
    );
    let balancer = Balancer::start();
    let router = Patient(&balancer.unix());
    router
        .shift(&[route("shop-1", Slot::Blue, one.address, 100)])
        .unwrap();
    assert_eq!(balancer.ask().unwrap().1, "one");
    router
        .shift(&[route("shop-1", Slot::Blue, two.address, 100)])
        .unwrap();
    assert_eq!(balancer.ask().unwrap().1, "two");
    let both = [
        route("shop-1", Slot::Blue, two.address, 100),
        route("shop-2", Slot::Blue, one.address, 100),
    ];
    router.shift(&both).unwrap();
    let moved = [
        route("shop-1", Slot::Blue, three.address, 50),
        route("shop-2", Slot::Blue, one.address, 50),
    ];
    router.shift(&moved).unwrap();
    let seen: BTreeSet<String> = (0..20).map(|_| balancer.ask().unwrap().1).collect();
    assert_eq!(seen, BTreeSet::from(["one".to_owned(), "three".to_owned()]));
}

#[test]
fn a_server_that_somebody_drained_or_took_out_comes_back() {
    let ours = Backend::saying("ours");
    let balancer = Balancer::start();
    let router = balancer.unix();
    let wanted = [route("shop-1", Slot::Blue, ours.address, 100)];
    Patient(&router).shift(&wanted).unwrap();
    balancer.say("set server shop/shop-1-blue state drain");
    assert_eq!(router.routes().unwrap()[0].route.weight, 0, "it says what is");
    Patient(&router).shift(&wanted).unwrap();
    assert_eq!(balancer.ask(), Some((200, "ours".to_owned())));
    balancer.say("set server shop/shop-1-blue state maint");
    assert_eq!(router.routes().unwrap(), []);
    Patient(&router).shift(&wanted).unwrap();
    assert_eq!(balancer.ask(), Some((200, "ours".to_owned())));
    assert_eq!(router.routes().unwrap()[0].route, wanted[0]);
}

#[test]
fn errors_are_counted_by_what_clients_got() {
    let failing = Backend::start(|exchange| match exchange.target() {
        "/health" => exchange.ok("well"),
        _ => exchange.write("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"),
    });
    // It closes without an answer.
    let silent = Backend::start(|exchange| exchange.target() == "/health" && exchange.ok("well"));
    let balancer = Balancer::start();
    let router = balancer.unix();
    Patient(&router)
        .shift(&[
            route("shop-1", Slot::Blue, failing.address, 1),
            route("shop-2", Slot::Blue, silent.address, 1),
        ])
        .unwrap();
    let statuses: Vec<u16> = (0..10).map(|_| balancer.ask().unwrap().0).collect();
    assert!(statuses.iter().all(|status| *status >= 500), "{statuses:?}");
    let states = router.routes().unwrap();
    let errors: u64 = states.iter().map(|state| state.counters.errors).sum();
    let requests: u64 = states.iter().map(|state| state.counters.requests).sum();
    assert_eq!((errors, requests), (10, 10), "{states:?}");
    assert!(!router.times() && states.iter().all(|state| state.counters.quantile(0.5).is_none()));
    assert!(states.iter().all(|state| state.in_flight == 0));
}

#[test]
fn what_is_under_way_is_finished_after_its_server_was_freed() {
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    let (begun, may_go_on) = (Mutex::new(begun), Mutex::new(may_go_on));
    let slow = Backend::start(move |exchange| {
        if exchange.target() != "/health" {
            begun.lock().unwrap().send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
        }
        exchange.ok("slow")
    });
    let quick = Backend::saying("quick");
    let balancer = Balancer::start();
    let router = balancer.unix();
    let patient = Patient(&router);
    patient
        .shift(&[route("shop-1", Slot::Blue, slow.address, 100)])
        .unwrap();
    std::thread::scope(|scope| {
        let client = scope.spawn(|| balancer.ask());
        has_begun.recv().unwrap();
        let to_quick = [
            route("shop-1", Slot::Blue, slow.address, 0),
            route("shop-1", Slot::Green, quick.address, 100),
        ];
        patient.shift(&to_quick).unwrap();
        let in_flight = |slot| {
            let states = router.routes().unwrap();
            let state = states.into_iter().find(|state| state.route.slot == slot).unwrap();
            state.in_flight
        };
        assert_eq!((in_flight(Slot::Blue), in_flight(Slot::Green)), (1, 0));
        patient.shift(&to_quick[1..]).unwrap();
        assert_eq!(balancer.ask(), Some((200, "quick".to_owned())));
        assert!(!client.is_finished());
        go_on.send(()).unwrap();
        assert_eq!(client.join().unwrap(), Some((200, "slow".to_owned())));
    });
}
