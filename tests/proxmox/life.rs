//! The life of guests in the fake cluster, through the client.

use greenroom::proxmox::answers::{GuestConfig, GuestStatus, Resource};
use greenroom::proxmox::calls;
use greenroom::proxmox::{Api, Exit, FaultClass, GuestRef, TaskState, Upid};
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::Cluster;
use std::sync::Arc;
use std::time::Duration;

struct Stage {
    cluster: Arc<Cluster>,
    clock: Arc<FakeClock>,
    api: Api,
}

fn stage() -> Stage {
    let clock = Arc::new(FakeClock::default());
    let cluster = Arc::new(Cluster::new(clock.clone()));
    cluster.add_pool("staging");
    cluster.add_template(GuestRef::vm("pve1", 9000), "debian-13");
    let api = Api::new(cluster.clone());
    Stage { cluster, clock, api }
}

fn copy(id: u32) -> calls::guest::Clone {
    calls::guest::Clone {
        new_id: id,
        name: format!("web-{id}"),
        full: false,
        storage: None,
        target: None,
        pool: Some("staging".to_owned()),
        description: Some("ours".to_owned()),
    }
}

impl Stage {
    fn done(&self, task: &Upid) {
        assert_eq!(self.api.task(task).unwrap(), TaskState::Ended(Exit::Ok));
    }

    fn config(&self, guest: &GuestRef) -> GuestConfig {
        self.api.ask("reading", &calls::guest::config(guest)).unwrap()
    }
}

#[test]
fn a_virtual_machine_lives_from_clone_to_end() {
    let stage = stage();
    stage.cluster.takes("qmclone", Duration::from_secs(5));
    let source = GuestRef::vm("pve1", 9000);
    let vm = GuestRef::vm("pve1", 2000);
    let task = stage
        .api
        .begin("cloning", &calls::guest::clone(&source, &copy(2000)))
        .unwrap();
    assert_eq!((task.kind.as_str(), task.id.as_str()), ("qmclone", "9000"));
    assert_eq!(stage.api.task(&task).unwrap(), TaskState::Running);
    let half_made = stage.config(&vm);
    assert_eq!(half_made.lock(), Some("clone"));
    assert_eq!(half_made.options.len(), 2, "{half_made:?}");
    let fault = stage
        .api
        .change("starting", &calls::guest::start(&vm))
        .unwrap_err();
    assert_eq!(fault.class, FaultClass::ConfigLock("clone".to_owned()));
    stage.clock.advance(Duration::from_secs(5));
    stage.done(&task);

    let config = stage.config(&vm);
    assert_eq!((config.name(), config.lock()), (Some("web-2000"), None));
    assert_eq!(config.description(), "ours\n");
    let template = stage.config(&source);
    assert_ne!(
        config.property("smbios1", "uuid"),
        template.property("smbios1", "uuid")
    );
    let rows: Vec<Resource> = stage.api.ask("listing", &calls::cluster::guests()).unwrap();
    let row = rows.iter().find(|row| row.vmid == 2000).unwrap();
    assert_eq!(
        (row.status.as_deref(), row.name.as_deref()),
        (Some("unknown"), None)
    );
    assert_eq!(row.pool.as_deref(), Some("staging"));

    let settings = calls::vm::VmSettings {
        tags: Some(["greenroom".to_owned(), "greenroom-staging".to_owned()].into()),
        cores: Some(2),
        digest: config.digest().map(str::to_owned),
        ..calls::vm::VmSettings::default()
    };
    let request = calls::vm::configure(&vm, &settings);
    stage.done(&stage.api.begin("configuring", &request).unwrap());
    let stale = stage.api.change("configuring", &request).unwrap_err();
    assert_eq!(
        stale.class,
        FaultClass::Changed,
        "the digest is another one by now"
    );

    stage.done(&stage.api.begin("starting", &calls::guest::start(&vm)).unwrap());
    let status: GuestStatus = stage.api.ask("looking", &calls::guest::status(&vm)).unwrap();
    assert!(status.is_running());
    let running = stage
        .api
        .begin("destroying", &calls::guest::destroy(&vm))
        .unwrap_err();
    assert_eq!(running.class, FaultClass::Running);
    stage.done(
        &stage
            .api
            .begin("stopping", &calls::guest::stop(&vm, true))
            .unwrap(),
    );
    stage.done(
        &stage
            .api
            .begin("destroying", &calls::guest::destroy(&vm))
            .unwrap(),
    );
    let gone: Option<GuestConfig> = stage.api.find("reading", &calls::guest::config(&vm)).unwrap();
    assert_eq!(gone, None);
    assert_eq!(
        stage.cluster.foreign_touched(greenroom::testing::proxmox::USER),
        []
    );
}
