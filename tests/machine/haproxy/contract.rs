//! The contract of every router, over both ways to the runtime interface.

use crate::haproxy::balancer::{Balancer, Patient, endpoint};
use crate::support::address::free_address;
use crate::support::backend::Backend;
use greenroom::adapters::router::haproxy::HaproxyRouter;
use greenroom::testing::router::{RouterAddresses, router_contract};

fn keeps_the_contract(balancer: &Balancer, router: &HaproxyRouter) {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let dead = free_address();
    let addresses = RouterAddresses {
        blue: endpoint(blue.address),
        green: endpoint(green.address),
        dead: endpoint(dead),
    };
    router_contract(&Patient(router), &"shop-1".parse().unwrap(), &addresses);
    assert_eq!(balancer.ask().unwrap().0, 503, "nobody is left");
}

#[test]
fn over_a_unix_socket() {
    let balancer = Balancer::start();
    keeps_the_contract(&balancer, &balancer.unix());
}

#[test]
fn over_tcp() {
    let balancer = Balancer::start();
    keeps_the_contract(&balancer, &balancer.tcp());
}

#[test]
fn without_health_checks_and_without_asking_again() {
    let balancer = Balancer::configured(|text| text.replace("default-server check", "default-server"));
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let dead = free_address();
    let addresses = RouterAddresses {
        blue: endpoint(blue.address),
        green: endpoint(green.address),
        dead: endpoint(dead),
    };
    router_contract(&balancer.unix(), &"shop-1".parse().unwrap(), &addresses);
}
