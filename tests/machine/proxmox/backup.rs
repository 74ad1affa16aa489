//! Backups of guests keep the contract, and what Proxmox says is not taken for what it did.

use greenroom::adapters::backup::proxmox::{ArchiveBackup, ArchiveSettings, SnapshotBackup};
use greenroom::adapters::proxmox::guest::{Addresses, Guests, Scope};
use greenroom::adapters::proxmox::{Api, GuestKind, GuestRef};
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::adapters::targets::proxmox::{
    GuestNetwork, GuestPlan, GuestPorts, GuestSettings, ProxmoxTarget, VmPlan,
};
use greenroom::domain::model::{BackupId, ErrorKind, PortError, Slot, UnitId};
use greenroom::host::secrets::Secrets;
use greenroom::ports::{Backup, Progress};
use greenroom::testing::FakeClock;
use greenroom::testing::backup::{BackupCase, backup_contract};
use greenroom::testing::proxmox::{FakeCluster, FaultTiming, TaskFault, USER, What};
use greenroom::testing::scenario::release;
use greenroom::testing::target::PutNow as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Yard {
    pub(crate) cluster: Arc<FakeCluster>,
    pub(crate) target: ProxmoxTarget,
    pub(crate) guests: Guests,
    _scratch: tempfile::TempDir,
}

pub(crate) fn unit() -> UnitId {
    "shop-1".parse().unwrap()
}

/// One virtual machine of a unit, with nothing to be started in it.
fn settings((subnet, gateway): (&str, &str), scratch: &Path) -> GuestSettings {
    GuestSettings {
        service: "shop".into(),
        environment: "staging".parse().unwrap(),
        units: vec![unit()],
        ids: 2000..=2009,
        pool: Some("staging".into()),
        node: "pve1".into(),
        storage: "local-zfs".into(),
        network: Some(GuestNetwork {
            addresses: Addresses {
                subnet: subnet.parse().unwrap(),
                gateway: gateway.parse().unwrap(),
                range: None,
                reserved: Vec::new(),
            },
            nameservers: Vec::new(),
            search_domain: None,
        }),
        port: 8080,
        guest: GuestPlan::Vm(VmPlan {
            template: 9000,
            full: false,
            cores: 1,
            memory: 512,
            disk: None,
            user: None,
            ssh_keys: Vec::new(),
            workload: None,
        }),
        protect: false,
        prefix: None,
        expires: None,
        timeout: Duration::from_secs(600),
        parallelism: 1,
        clones_per_template: 1,
        scratch: scratch.to_owned(),
    }
}

impl Yard {
    fn new() -> Self {
        Self::on(("10.0.0.0/24", "10.0.0.1"))
    }

    /// Guests with addresses of this subnet, which has this gateway.
    pub(crate) fn on((subnet, gateway): (&str, &str)) -> Self {
        let clock = Arc::new(FakeClock::default());
        let cluster = Arc::new(FakeCluster::new(clock.clone()));
        cluster.add_pool("staging");
        cluster.add_template(GuestRef::vm("pve1", 9000), "debian-12");
        let scratch = tempfile::tempdir().unwrap();
        let settings = settings((subnet, gateway), scratch.path());
        let api = Api::new(cluster.clone());
        let ports = GuestPorts {
            api: api.clone(),
            registry: Arc::new(LayoutRegistry::open(scratch.path().join("images"))),
            clock,
            secrets: Secrets::new(BTreeMap::new(), scratch.path().to_owned()),
            answers: Arc::new(|_| false),
        };
        let guests = Guests::new(
            api,
            Scope {
                ids: 2000..=2009,
                service: "shop".into(),
                environment: "staging".parse().unwrap(),
                pool: Some("staging".into()),
            },
        );
        Self {
            cluster,
            target: ProxmoxTarget::new(settings, ports),
            guests,
            _scratch: scratch,
        }
    }

    fn snapshots(&self) -> SnapshotBackup {
        SnapshotBackup::new(self.guests.clone())
    }

    fn archives(&self) -> ArchiveBackup {
        let settings = ArchiveSettings {
            node: "pve1".into(),
            storage: "local".into(),
            kind: GuestKind::Vm,
            disks: "local-zfs".into(),
            wait: Duration::from_secs(600),
        };
        ArchiveBackup::new(self.guests.clone(), settings)
    }

    fn put(&self) {
        self.target.put_now(&unit(), Slot::Blue, &release("1")).unwrap();
    }
}

/// Asks until it is settled.
fn settle<T>(act: impl Fn() -> Result<Progress<T>, PortError>) -> Result<T, PortError> {
    for _ in 0..50 {
        if let Progress::Done(result) = act()? {
            return Ok(result);
        }
    }
    panic!("it never ends")
}

#[test]
fn snapshots_and_archives_keep_the_contract() {
    for outlives in [false, true] {
        let yard = Yard::new();
        let backup: Box<dyn Backup> = if outlives {
            Box::new(yard.archives())
        } else {
            Box::new(yard.snapshots())
        };
        backup_contract(&BackupCase {
            backup: backup.as_ref(),
            target: &yard.target,
            unit: unit(),
            release: release("1"),
            outlives,
        })
        .unwrap();
        assert!(yard.cluster.foreign_touched(USER).is_empty());
    }
}

#[test]
fn a_backup_that_is_answered_and_not_made_is_no_backup() {
    let yard = Yard::new();
    yard.put();
    // What Proxmox answers to a backup on a node where the guest does not live.
    yard.cluster.fault(
        FaultTiming::next("POST", "/vzdump"),
        What::Nonsense(r#"{"data":"OK"}"#.to_owned()),
    );
    let error = settle(|| {
        yard.archives()
            .take(&unit(), Slot::Blue, "20261120-000001-00000001")
    });
    let error = error.unwrap_err();
    assert!(error.to_string().contains("no task"), "{error}");
}

#[test]
fn a_task_that_fails_or_does_nothing_is_no_backup() {
    for (exit, wanted) in [
        ("job errors", "job errors"),
        ("unexpected status", "killed"),
        ("OK", "there is no backup of VM 2000 on pve1 on local"),
    ] {
        let yard = Yard::new();
        yard.put();
        let fault = TaskFault {
            exit: exit.to_owned(),
            done: false,
        };
        yard.cluster
            .fault(FaultTiming::next("POST", "/vzdump"), What::Task(fault));
        let archives = yard.archives();
        let error = settle(|| archives.take(&unit(), Slot::Blue, "20261120-000001-00000001")).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn an_archive_is_not_restored_over_somebody_elses_guest() {
    let yard = Yard::new();
    yard.put();
    let archives = yard.archives();
    let name = settle(|| archives.take(&unit(), Slot::Blue, "20261120-000001-00000001")).unwrap();
    let foreign = yard.cluster.recycle(2000, "somebody-elses");
    let error = settle(|| archives.restore(&unit(), Slot::Blue, &name)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(yard.cluster.touched(foreign).is_empty());
}

#[test]
fn snapshots_and_archives_of_others_stay() {
    let yard = Yard::new();
    yard.put();
    yard.cluster.add_volume(
        "local:backup/vzdump-qemu-2000-2026_01_01-00_00_00.vma.zst",
        "backup",
    );
    let archives = yard.archives();
    for second in 1..=3 {
        let label = format!("20261120-00000{second}-0000000{second}");
        settle(|| archives.take(&unit(), Slot::Blue, &label)).unwrap();
    }
    assert_eq!(archives.prune(&unit(), 1).unwrap(), 2);
    let left = yard.cluster.storage("local").unwrap().volumes;
    assert!(left.contains_key("local:backup/vzdump-qemu-2000-2026_01_01-00_00_00.vma.zst"));
    let missing: BackupId = "local:backup/none".parse().unwrap();
    let error = archives.verify(&unit(), Slot::Blue, &missing).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}
