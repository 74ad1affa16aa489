//! The service's own address moves to the guest that serves, and to nobody else.

use super::backup::{Yard, unit};
use greenroom::adapters::proxmox::GuestRef;
use greenroom::adapters::proxmox::calls::vm::Plug;
use greenroom::adapters::router::address::{AddressOptions, AddressRouter};
use greenroom::domain::model::{ErrorKind, Route, Slot};
use greenroom::ports::{Granularity, Router};
use greenroom::testing::proxmox::USER;
use greenroom::testing::scenario::release;
use greenroom::testing::target::PutNow as _;
use std::net::TcpListener;

/// Guests have addresses of this machine, so that something can listen there.
const NETWORK: (&str, &str) = ("127.66.0.0/24", "127.66.0.1");

fn router(yard: &Yard, port: u16) -> AddressRouter {
    let listen = format!("127.66.0.200:{port}").parse().unwrap();
    let options = AddressOptions {
        listen,
        prefix: 24,
        plug: Plug {
            bridge: "vmbr0".into(),
            vlan: None,
            firewall: false,
        },
        port,
        entry: format!("http://{listen}").parse().unwrap(),
    };
    AddressRouter::new(yard.guests.clone(), options)
}

/// Asks again as long as it is told that something is not there yet.
fn shift(router: &AddressRouter, routes: &[Route]) -> Result<(), ErrorKind> {
    for _ in 0..5 {
        match router.shift(routes) {
            Err(error) if error.kind == ErrorKind::Transient => {}
            done => return done.map_err(|error| error.kind),
        }
    }
    Err(ErrorKind::Transient)
}

fn weights(router: &AddressRouter) -> Vec<(Slot, u16)> {
    let mut weights: Vec<_> = router
        .routes()
        .unwrap()
        .into_iter()
        .map(|state| (state.route.slot, state.route.weight))
        .collect();
    weights.sort_unstable();
    weights
}

#[test]
fn the_address_moves_from_guest_to_guest_and_never_to_a_stranger() {
    let yard = Yard::on(NETWORK);
    let stranger = yard
        .cluster
        .add_guest(GuestRef::vm("pve1", 2005), "somebody-elses");
    let listeners: Vec<TcpListener> = ["127.66.0.2:0"]
        .iter()
        .map(|address| TcpListener::bind(address).unwrap())
        .collect();
    let port = listeners[0].local_addr().unwrap().port();
    let router = router(&yard, port);
    assert_eq!(router.granularity(), Granularity::Whole);
    let blue = yard.target.put_now(&unit(), Slot::Blue, &release("1")).unwrap();
    let green = yard.target.put_now(&unit(), Slot::Green, &release("2")).unwrap();
    let route = |slot, weight| Route {
        unit: unit(),
        slot,
        address: if slot == Slot::Blue {
            blue.address.clone().unwrap()
        } else {
            green.address.clone().unwrap()
        },
        weight,
    };
    assert_eq!(weights(&router), [(Slot::Blue, 0), (Slot::Green, 0)]);
    shift(&router, &[route(Slot::Blue, 100)]).unwrap();
    assert_eq!(weights(&router), [(Slot::Blue, 100), (Slot::Green, 0)]);
    let has = |id: u32| yard.cluster.guest(id).unwrap().second.contains("127.66.0.200/24");
    assert!(has(2000) && !has(2001));

    // Green does not listen yet: blue keeps the address.
    let refused = shift(&router, &[route(Slot::Blue, 0), route(Slot::Green, 100)]);
    assert_eq!(refused, Err(ErrorKind::Transient));
    assert_eq!(weights(&router), [(Slot::Blue, 100), (Slot::Green, 0)]);

    let _green = TcpListener::bind(("127.66.0.3", port)).unwrap();
    let mac = yard.cluster.guest(2000).unwrap().config["net1"].clone();
    for _ in 0..2 {
        shift(&router, &[route(Slot::Blue, 0), route(Slot::Green, 100)]).unwrap();
        assert_eq!(weights(&router), [(Slot::Blue, 0), (Slot::Green, 100)]);
        assert!(!has(2000) && has(2001));
    }
    let moved = yard.cluster.guest(2001).unwrap().config["net1"].clone();
    assert_eq!(mac, moved, "the hardware address moves with it");

    let two = [route(Slot::Blue, 50), route(Slot::Green, 50)];
    assert_eq!(shift(&router, &two), Err(ErrorKind::Invalid));
    shift(&router, &[]).unwrap();
    assert_eq!(weights(&router), [(Slot::Blue, 0), (Slot::Green, 0)]);
    assert!(yard.cluster.touched(stranger).is_empty());
    assert!(yard.cluster.foreign_touched(USER).is_empty());
}
