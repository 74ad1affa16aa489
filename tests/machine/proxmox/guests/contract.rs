//! Every kind of guest keeps the contract of a target.

use super::stage::{Stage, kinds, unit};
use crate::proxmox::wire::{serve, transport};
use greenroom::adapters::targets::proxmox::{GuestSettings, ProxmoxTarget};
use greenroom::testing::proxmox::{FakeGuest, USER};
use greenroom::testing::target::{TargetCase, target_contract};
use std::sync::Arc;

#[test]
fn every_kind_of_guest_keeps_the_contract() {
    keep_the_contract(Stage::target);
}

#[test]
fn every_kind_of_guest_keeps_the_contract_over_http() {
    keep_the_contract(|stage, settings| {
        let server = serve(&stage.cluster);
        let target = stage.target_over(settings, Arc::new(transport(&[&server.url()])));
        stage.keep(server);
        target
    });
}

fn keep_the_contract(target: impl Fn(&Stage, GuestSettings) -> ProxmoxTarget) {
    for (name, plan) in kinds() {
        let stage = Stage::new();
        let docker = stage.docker();
        docker.lock().unwrap().waking = 2;
        let target = target(&stage, stage.settings(plan, 2));
        let case = TargetCase {
            target: &target,
            unit: unit(0),
            first: stage.release("1.0.0"),
            second: stage.release("2.0.0"),
            kill: &|instance| stage.kill(instance),
        };
        if let Err(error) = target_contract(&case) {
            panic!("{name}: {error}");
        }
        assert_eq!(stage.cluster.foreign_touched(USER), [], "{name}");
        let left: Vec<u32> = stage.cluster.guests().iter().map(FakeGuest::id).collect();
        assert_eq!(left, [9000, 9100], "{name}: only the templates are left");
    }
}
