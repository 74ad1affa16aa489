//! Every request that the client can make, with its parameters in all their forms.

use greenroom::adapters::proxmox::calls::backup::VzdumpOptions;
use greenroom::adapters::proxmox::calls::{
    agent, backup, cluster, container, guest, pool, service, storage, task, vm,
};

use greenroom::adapters::proxmox::calls::container::{ContainerCard, ContainerSettings, NewContainer};
use greenroom::adapters::proxmox::calls::guest::Clone as Copy;

use greenroom::adapters::proxmox::calls::service::ServiceCard;

use greenroom::adapters::proxmox::calls::vm::{Addressing, Plug, VmCard, VmSettings};
use greenroom::adapters::proxmox::{ApiRequest, GuestKind, GuestRef, Upid, Upload};
use std::sync::Arc;
use std::time::Duration;

/// A digest of a configuration.
const DIGEST: &str = "0123456789abcdef0123456789abcdef01234567";
/// What a template is called.
const ARCHIVE: &str = "local:backup/vzdump-qemu-2000-2026_11_20-12_00_00.vma.zst";

pub(crate) fn vm() -> GuestRef {
    GuestRef::vm("pve1", 2000)
}

pub(crate) fn container() -> GuestRef {
    GuestRef::container("pve-2", 2001)
}

pub(crate) fn upid() -> Upid {
    let text = "UPID:pve1:0003A1B2:12345678:6740F000:qmclone:9000:ci@pve!greenroom:";
    text.parse().unwrap()
}

/// All of them.
pub(crate) fn requests() -> Vec<ApiRequest> {
    let mut all = of_the_cluster();
    for at in [vm(), container()] {
        all.extend(of_a_guest(&at));
        all.extend(of_backups(&at));
    }
    all.extend(of_a_vm());
    all.extend(of_a_container());
    all.extend(of_storages());
    all
}

fn of_the_cluster() -> Vec<ApiRequest> {
    vec![
        cluster::version(),
        cluster::permissions(None),
        cluster::permissions(Some("/pool/staging")),
        cluster::next_id(None),
        cluster::next_id(Some(2000)),
        cluster::guests(),
        cluster::storages(),
        cluster::nodes(),
        cluster::bridges("pve1"),
        pool::list(),
        pool::show("staging"),
        pool::create("staging", "greenroom: staging"),
        pool::add("staging", 2000),
        pool::delete("staging"),
        task::status(&upid()),
        task::log(&upid(), 0, 500),
        task::stop(&upid()),
        task::of_guest(&vm(), 10),
    ]
}

fn of_a_guest(at: &GuestRef) -> Vec<ApiRequest> {
    let small = Copy {
        new_id: 2000,
        name: "nextcloud-web-1".to_owned(),
        full: false,
        storage: None,
        target: None,
        pool: None,
        description: None,
    };
    let large = Copy {
        full: true,
        storage: Some("local-zfs".to_owned()),
        target: Some("pve-2".to_owned()),
        pool: Some("staging".to_owned()),
        description: Some("line one\ngreenroom: {\"v\":1}".to_owned()),
        ..small.clone()
    };
    let (one, other) = match at.kind {
        GuestKind::Vm => ("scsi0", "virtio1"),
        GuestKind::Container => ("rootfs", "mp0"),
    };
    vec![
        guest::config(at),
        guest::status(at),
        guest::start(at),
        guest::stop(at, false),
        guest::stop(at, true),
        guest::shutdown(at, Duration::from_secs(30), true),
        guest::shutdown(at, Duration::from_secs(30), false),
        guest::destroy(at),
        guest::resize(at, one, "+10G", None),
        guest::resize(at, other, "20G", Some(DIGEST)),
        guest::snapshots(at),
        guest::snapshot(at, "greenroom-1-2-3", "before 1.2.3"),
        guest::rollback(at, "greenroom-1-2-3", false),
        guest::rollback(at, "greenroom-1-2-3", true),
        guest::delete_snapshot(at, "greenroom-1-2-3"),
        guest::can_snapshot(at),
        guest::clone(at, &small),
        guest::clone(at, &large),
    ]
}

fn of_backups(at: &GuestRef) -> Vec<ApiRequest> {
    let backup = VzdumpOptions {
        storage: "local".to_owned(),
        notes: "before nextcloud 1.2.3 in staging".to_owned(),
        protected: true,
        wait: Duration::from_secs(90),
    };
    vec![
        backup::take(at, &backup),
        backup::restore(at, ARCHIVE, "local-zfs", None, false),
        backup::restore(at, ARCHIVE, "local-zfs", Some("staging"), true),
        service::plug(at, &service_card(), Some(DIGEST)),
        service::plug(at, &service_card(), None),
        service::unplug(at, Some(DIGEST)),
        service::unplug(at, None),
    ]
}

fn service_card() -> ServiceCard {
    ServiceCard {
        mac: "02:67:72:0A:0B:0C".to_owned(),
        plug: plug(Some(12)),
        addressing: addressing("10.0.0.200", None),
    }
}

fn addressing(address: &str, gateway: Option<&str>) -> Addressing {
    Addressing {
        address: address.parse().unwrap(),
        prefix: if address.contains(':') { 64 } else { 24 },
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
    }
}

fn plug(vlan: Option<u16>) -> Plug {
    Plug {
        bridge: "vmbr0".to_owned(),
        vlan,
        firewall: vlan.is_some(),
    }
}

fn of_a_vm() -> Vec<ApiRequest> {
    let at = vm();
    let mac = Some("BC:24:11:00:00:01".to_owned());
    let card = |mac, vlan| VmCard {
        model: "virtio".to_owned(),
        mac,
        plug: plug(vlan),
    };
    let full = VmSettings {
        name: Some("nextcloud-web-1".to_owned()),
        description: Some("Managed by greenroom: ä\ngreenroom: {\"v\":1}".to_owned()),
        tags: Some(["greenroom", "greenroom-staging"].map(str::to_owned).into()),
        cores: Some(4),
        memory: Some(8192),
        card: Some(card(mac, Some(12))),
        addressing: Some(addressing("10.0.0.5", Some("10.0.0.1"))),
        nameservers: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        search_domain: Some("example.org".to_owned()),
        user: Some("debian".to_owned()),
        ssh_keys: Some("ssh-ed25519 AAAA+/= me@x\nssh-ed25519 BBBB you@y\n".to_owned()),
        upgrade: Some(false),
        agent: Some(true),
        on_boot: Some(true),
        protection: Some(false),
        delete: vec!["ide2".to_owned(), "cipassword".to_owned()],
        digest: Some(DIGEST.to_owned()),
    };
    let other = VmSettings {
        card: Some(card(None, None)),
        addressing: Some(addressing("fd00::5", Some("fd00::1"))),
        agent: Some(false),
        tags: Some([].into()),
        ..VmSettings::default()
    };
    let words = ["sh", "-c", "echo \"a b\" | wc -c"].map(str::to_owned);
    vec![
        vm::configure(&at, &full),
        vm::configure_now(&at, &full),
        vm::configure(&at, &other),
        vm::configure_now(&at, &other),
        agent::ping(&at),
        agent::interfaces(&at),
        agent::exec(&at, &words, None),
        agent::exec(&at, &words, Some("to read\n")),
        agent::exec_status(&at, 4711),
        agent::write_file(&at, "/etc/app.env", "A=1\n"),
    ]
}

fn of_a_container() -> Vec<ApiRequest> {
    let at = container();
    let card = |addressing, host_managed: bool| ContainerCard {
        mac: host_managed.then(|| "BC:24:11:00:00:02".to_owned()),
        plug: plug(host_managed.then_some(12)),
        addressing,
        host_managed,
    };
    let full = ContainerSettings {
        hostname: Some("nextcloud-web-1".to_owned()),
        description: Some("Managed by greenroom".to_owned()),
        tags: Some(["greenroom"].map(str::to_owned).into()),
        cores: Some(2),
        memory: Some(1024),
        swap: Some(0),
        card: Some(card(Some(addressing("10.0.0.6", Some("10.0.0.1"))), true)),
        nameservers: vec!["10.0.0.1".parse().unwrap()],
        search_domain: Some("example.org".to_owned()),
        on_boot: Some(true),
        protection: Some(true),
        entrypoint: Some("/app/server --port 8080".to_owned()),
        env: Some(
            [("A", "1"), ("B", "x=y z")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
        ),
        delete: Vec::new(),
        digest: None,
    };
    let change = ContainerSettings {
        card: Some(card(None, false)),
        delete: vec!["nameserver".to_owned()],
        digest: Some(DIGEST.to_owned()),
        ..ContainerSettings::default()
    };
    let new = NewContainer {
        id: 2001,
        template: "local:vztmpl/nginx-1.27-0123456789ab.tar".to_owned(),
        storage: "local-zfs".to_owned(),
        size: 8,
        unprivileged: true,
        nesting: true,
        pool: Some("staging".to_owned()),
        ssh_keys: Some("ssh-ed25519 AAAA me@x".to_owned()),
        settings: full.clone(),
    };
    let plain = NewContainer {
        nesting: false,
        pool: None,
        ssh_keys: None,
        settings: ContainerSettings::default(),
        ..new.clone()
    };
    vec![
        container::create("pve1", &new),
        container::create("pve1", &plain),
        container::configure(&at, &full),
        container::configure(&at, &change),
        container::interfaces(&at),
    ]
}

fn of_storages() -> Vec<ApiRequest> {
    let upload = Upload {
        filename: "app-0123456789ab.tar".to_owned(),
        length: 3,
        open: Arc::new(|| Ok(Box::new(&b"abc"[..]))),
    };
    vec![
        storage::list("pve1", None),
        storage::list("pve1", Some("vztmpl")),
        storage::status("pve1", "local"),
        storage::content("pve1", "local", None, None),
        storage::content("pve1", "local", Some("backup"), Some(2000)),
        storage::upload_template("pve1", "local", upload, &"0a".repeat(32)),
        storage::pull("pve1", "local", "docker.io/library/nginx:1.27", "nginx-1.27"),
        storage::image_tags("pve1", "docker.io/library/nginx"),
        storage::volume("pve1", "local", ARCHIVE),
        storage::protect("pve1", "local", ARCHIVE, true),
        storage::delete("pve1", "local", ARCHIVE),
    ]
}

#[test]
fn no_call_is_left_out() {
    let own = include_str!("every.rs");
    let mut missing = Vec::new();
    for entry in std::fs::read_dir("src/adapters/proxmox/calls").unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let Some(name) = line
                .strip_prefix("pub fn ")
                .and_then(|rest| rest.split('(').next())
            else {
                continue;
            };
            if !own.contains(&format!("{module}::{name}(")) {
                missing.push(format!("{module}::{name}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
