//! The doctor on the fake cluster: one failure at a time, each with what makes it right.

use greenroom::adapters::proxmox::{Api, GuestRef};
use greenroom::app::Exit;
use greenroom::app::doctor::{Cause, CheckStatus, DoctorCheck, exit, proxmox};
use greenroom::config::{Environment, Files, FoundFile, TargetConfig, load};
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::{FakeCluster, FakeStorage, FaultTiming, USER, What};
use std::sync::Arc;

struct Nothing;

impl Files for Nothing {
    fn matching(&self, _: &str) -> Result<Vec<FoundFile>, String> {
        Ok(Vec::new())
    }
}

const VM: &str = "{ vm: { template: 9000, workload: { docker: { port: 8080 } } } }";

/// An environment whose guests are `guest`, with `more` in its `proxmox` block.
fn environment(guest: &str, more: &str, deployment: &str) -> Environment {
    let text = format!(
        "service: web
environments:
  - name: staging
    type: staging
    network: {{ subnet: 10.0.0.0/24, gateway: 10.0.0.1 }}
    proxmox:
      host: pve1
      node: pve1
      storage: local-zfs
      vmIdRange: {{ start: 2000, end: 2009 }}
      token: {{ env: TOKEN }}
      guest: {guest}
{more}
    deployment: {deployment}
"
    );
    let loaded = load("greenroom.yaml", text, &Nothing);
    let mut project = match loaded.outcome {
        Ok(project) => project,
        Err(problems) => panic!("{problems:?}"),
    };
    project.environments.remove(&"staging".parse().unwrap()).unwrap()
}

/// A cluster that has everything.
fn cluster() -> Arc<FakeCluster> {
    let cluster = Arc::new(FakeCluster::new(Arc::new(FakeClock::default())));
    cluster.add_pool("staging");
    cluster.add_template(GuestRef::vm("pve1", 9000), "debian-13");
    cluster.edit(9000, |guest| {
        for (name, value) in [
            ("agent", "enabled=1"),
            ("ide2", "local-zfs:vm-9000-cloudinit,media=cdrom"),
            ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
        ] {
            guest.config.insert(name.to_owned(), value.to_owned());
        }
    });
    cluster.add_volume("local:vztmpl/debian-13.tar.zst", "vztmpl");
    cluster
}

fn examine(cluster: &Arc<FakeCluster>, environment: &Environment) -> Vec<DoctorCheck> {
    let checks = proxmox::inside("web", environment, &Api::new(cluster.clone()), USER);
    let wrote = cluster.log().iter().any(|logged| logged.method != "GET");
    assert!(!wrote, "a doctor only looks");
    checks
}

/// The one check that failed.
fn failed(cluster: &Arc<FakeCluster>, environment: &Environment) -> DoctorCheck {
    let checks = examine(cluster, environment);
    let failed: Vec<&DoctorCheck> = checks
        .iter()
        .filter(|check| check.standing == CheckStatus::Failed)
        .collect();
    assert_eq!(failed.len(), 1, "{checks:#?}");
    assert!(!failed[0].fix.is_empty(), "{:?}", failed[0]);
    failed[0].clone()
}

#[test]
fn a_cluster_that_has_everything_is_well() {
    let cluster = cluster();
    let environment = environment(VM, "      pool: staging", "{ backup: snapshot }");
    let checks = examine(&cluster, &environment);
    let bad: Vec<&DoctorCheck> = checks
        .iter()
        .filter(|check| check.standing != CheckStatus::Ok)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(exit(&checks), Exit::Done);
    for what in [
        "token",
        "version",
        "node pve1",
        "rights on /pool/staging",
        "rights on /vms/9000",
        "rights on /storage/local-zfs",
        "rights on /sdn/zones/localnetwork/vmbr0",
        "storage local-zfs",
        "template 9000",
        "agent of template 9000",
        "cloud-init drive of template 9000",
        "bridge vmbr0",
        "pool staging",
        "ids 2000–2009",
    ] {
        assert!(
            checks.iter().any(|check| check.what == what),
            "{what} was not looked at"
        );
    }
}

#[test]
fn a_storage_that_holds_no_backups() {
    let cluster = cluster();
    let check = failed(&cluster, &environment(VM, "", "{ backup: full }"));
    assert_eq!(check.fix, ["pvesm set local-zfs --content images,rootdir,backup"]);
    let elsewhere = environment(VM, "      backupStorage: local", "{ backup: full }");
    let checks = examine(&cluster, &elsewhere);
    assert_eq!(exit(&checks), Exit::Done);
    assert!(
        checks
            .iter()
            .any(|check| check.what == "rights on /storage/local")
    );
}

#[test]
fn a_token_that_is_not_let_in() {
    let cluster = cluster();
    cluster.fault(
        FaultTiming::next("GET", "/version"),
        What::Refuse(401, "authentication failure".to_owned()),
    );
    let environment = environment(VM, "", "{}");
    let check = failed(&cluster, &environment);
    assert_eq!((check.what.as_str(), check.cause), ("token", Some(Cause::Access)));
    assert_eq!(check.fix[0], "pveum user token list ci@pve");
}

#[test]
fn a_version_that_makes_no_containers_from_images() {
    let cluster = cluster();
    cluster.set_version("9.0.3");
    let environment = environment("{ container: { ociImage: {} } }", "", "{}");
    let check = failed(&cluster, &environment);
    assert_eq!(check.what, "version");
    assert!(check.found.contains("needs 9.1"), "{check:?}");
    cluster.set_version("9.1.1");
    assert_eq!(exit(&examine(&cluster, &environment)), Exit::Done);
}

#[test]
fn a_node_that_is_off_or_has_another_name() {
    let cluster = cluster();
    cluster.add_node("pve2");
    cluster.set_online("pve1", false);
    let found = examine(&cluster, &environment(VM, "", "{}"));
    let node = found.iter().find(|check| check.what == "node pve1").unwrap();
    assert_eq!(
        (node.standing, node.found.as_str()),
        (CheckStatus::Failed, "it is offline")
    );
    let mut other = environment(VM, "", "{}");
    if let Some(TargetConfig::Proxmox(proxmox)) = &mut other.target {
        proxmox.node = "pve9".to_owned();
    }
    let found = examine(&cluster, &other);
    let node = found.iter().find(|check| check.what == "node pve9").unwrap();
    assert_eq!(node.cause, Some(Cause::Setup));
    assert_eq!(node.fix, ["write `node: pve1`"]);
}

#[test]
fn rights_that_are_lacking_path_by_path() {
    let cluster = cluster();
    let environment = environment(VM, "      pool: staging", "{ backup: snapshot }");
    let guests = [
        "Pool.Audit",
        "VM.Allocate",
        "VM.Audit",
        "VM.Backup",
        "VM.Clone",
        "VM.Config.CDROM",
        "VM.Config.CPU",
        "VM.Config.Cloudinit",
        "VM.Config.Disk",
        "VM.Config.HWType",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.GuestAgent.Unrestricted",
        "VM.PowerMgmt",
        "VM.Snapshot",
    ];
    cluster.grant(USER, "/pool/staging", &guests);
    cluster.grant(USER, "/vms/9000", &["VM.Clone", "VM.Audit"]);
    cluster.grant(
        USER,
        "/storage/local-zfs",
        &["Datastore.AllocateSpace", "Datastore.Audit"],
    );
    cluster.grant(USER, "/sdn/zones/localnetwork/vmbr0", &["SDN.Audit", "SDN.Use"]);
    let check = failed(&cluster, &environment);
    assert_eq!(check.what, "rights on /pool/staging");
    assert!(
        check
            .found
            .contains("lacks VM.Snapshot.Rollback, which it needs to make"),
        "{check:?}"
    );
    assert_eq!(
        check.fix[1],
        "pveum acl modify /pool/staging --users ci@pve --tokens 'ci@pve!greenroom' --roles GreenroomDeploy"
    );
    cluster.grant(USER, "/pool/staging", &["VM.Snapshot.Rollback"]);
    assert_eq!(exit(&examine(&cluster, &environment)), Exit::Done);
}

#[test]
fn a_storage_that_is_missing_full_or_holds_something_else() {
    let cluster = cluster();
    let mut environment = environment(VM, "", "{}");
    let mut on = |storage: &str| {
        if let Some(TargetConfig::Proxmox(proxmox)) = &mut environment.target {
            proxmox.storage = storage.to_owned();
        }
        failed(&cluster, &environment)
    };
    let missing = on("ceph-ssd");
    assert_eq!(missing.cause, Some(Cause::Setup));
    assert!(missing.found.contains("it sees: local, local-zfs"), "{missing:?}");
    assert_eq!(
        on("local").fix[0].split(" --content ").next(),
        Some("pvesm set local")
    );
    let mut full = FakeStorage::new("zfspool", &["images"]);
    full.used = full.total - (1 << 20);
    cluster.add_storage("full", full);
    let check = on("full");
    assert!(
        check
            .found
            .starts_with("1 MiB are free, and the next deployment needs 1 GiB"),
        "{check:?}"
    );
}

#[test]
fn a_template_that_is_missing_none_or_not_prepared() {
    let environment = environment(VM, "", "{}");
    let without = |change: &dyn Fn(&FakeCluster)| {
        let cluster = cluster();
        change(&cluster);
        failed(&cluster, &environment)
    };
    let missing = without(&|cluster| cluster.remove(9000));
    assert!(
        missing.fix[1].contains("pveum acl modify /vms/9000"),
        "{missing:?}"
    );
    let config = |name: &'static str| {
        move |cluster: &FakeCluster| {
            cluster.edit(9000, |guest| {
                guest.config.remove(name);
            });
        }
    };
    assert_eq!(without(&config("template")).fix, ["qm template 9000"]);
    let agent = without(&config("agent"));
    assert!(
        agent.fix[0].starts_with("qm set 9000 --agent enabled=1"),
        "{agent:?}"
    );
    assert_eq!(
        without(&config("ide2")).fix,
        ["qm set 9000 --ide2 local-zfs:cloudinit"]
    );
    let container = without(&|cluster| {
        cluster.remove(9000);
        cluster.add_template(GuestRef::container("pve1", 9000), "alpine");
    });
    assert!(container.found.contains("another kind of guest"), "{container:?}");
}

#[test]
fn an_archive_of_containers_that_is_missing() {
    let cluster = cluster();
    let well = environment(
        "{ container: { template: local:vztmpl/debian-13.tar.zst } }",
        "",
        "{}",
    );
    assert_eq!(exit(&examine(&cluster, &well)), Exit::Done);
    let other = environment(
        "{ container: { template: local:vztmpl/alpine.tar.xz } }",
        "",
        "{}",
    );
    let check = failed(&cluster, &other);
    assert!(
        check.fix[0].contains("pveam download local alpine.tar.xz"),
        "{check:?}"
    );
}

#[test]
fn a_bridge_and_a_pool_that_are_missing() {
    let cluster = cluster();
    let check = failed(&cluster, &environment(VM, "      pool: other", "{}"));
    assert!(check.fix[0].starts_with("pveum pool add other"), "{check:?}");
    cluster.edit(9000, |guest| {
        guest.config.insert(
            "net0".to_owned(),
            "virtio=BC:24:11:00:00:01,bridge=vmbr7".to_owned(),
        );
    });
    let check = failed(&cluster, &environment(VM, "      pool: staging", "{}"));
    assert_eq!(check.what, "bridge vmbr7");
    assert_eq!(check.fix, ["write `bridge: vmbr0`"]);
}

#[test]
fn guests_of_others_in_the_range_are_named() {
    let cluster = cluster();
    cluster.add_guest(GuestRef::vm("pve1", 2003), "nextcloud-test");
    let checks = examine(&cluster, &environment(VM, "", "{}"));
    assert_eq!(exit(&checks), Exit::Done, "there is room beside it");
    let range = checks.iter().find(|check| check.what == "ids 2000–2009").unwrap();
    assert_eq!(range.standing, CheckStatus::Warning);
    assert_eq!(
        range.found,
        "9 of 10 are free, 0 are this environment's; others, which are never changed: VM 2003 on pve1 \
         (nextcloud-test; no marker)"
    );
    for id in 2000..=2009 {
        cluster.add_guest(GuestRef::vm("pve1", id), "full");
    }
    let check = failed(&cluster, &environment(VM, "", "{}"));
    assert!(check.found.starts_with("0 of 10 are free"), "{check:?}");
}
