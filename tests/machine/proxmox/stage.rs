//! A fake cluster to act on, in process and over HTTP.

use crate::proxmox::wire::{serve, transport};
use greenroom::adapters::proxmox::answers::{GuestConfig, GuestStatus};
use greenroom::adapters::proxmox::calls::guest;
use greenroom::adapters::proxmox::calls::guest::Clone as Copy;
use greenroom::adapters::proxmox::{Api, ApiRequest, Fault, GuestRef, TaskExit, TaskState, Transport, Upid};
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::{FakeCluster, Server};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Stage {
    pub(crate) cluster: Arc<FakeCluster>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) api: Api,
    _server: Option<Server>,
}

/// A template each of both kinds, and a pool; the same in process and over HTTP.
pub(crate) fn stages() -> [Stage; 2] {
    [false, true].map(|over_http| {
        let clock = Arc::new(FakeClock::default());
        let cluster = Arc::new(FakeCluster::new(clock.clone()));
        cluster.add_pool("staging");
        cluster.add_template(vm(9000), "debian-13");
        cluster.add_template(container(9001), "debian-13-ct");
        let server = over_http.then(|| serve(&cluster));
        let own: Arc<dyn Transport> = match &server {
            Some(server) => Arc::new(transport(&[&server.url()])),
            None => cluster.clone(),
        };
        Stage {
            cluster,
            clock,
            api: Api::new(own),
            _server: server,
        }
    })
}

pub(crate) fn vm(id: u32) -> GuestRef {
    GuestRef::vm("pve1", id)
}

pub(crate) fn container(id: u32) -> GuestRef {
    GuestRef::container("pve1", id)
}

pub(crate) fn copy(id: u32) -> Copy {
    Copy {
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
    /// Begins a task.
    pub(crate) fn begin(&self, request: &ApiRequest) -> Upid {
        self.api.begin("acting", request).unwrap()
    }

    /// Is refused.
    pub(crate) fn refused(&self, request: &ApiRequest) -> Fault {
        self.api.change("acting", request).unwrap_err()
    }

    /// Begins a task that is done at once.
    pub(crate) fn run(&self, request: &ApiRequest) {
        assert_eq!(self.end_of(&self.begin(request)), TaskExit::Ok);
    }

    /// How a task has ended.
    pub(crate) fn end_of(&self, task: &Upid) -> TaskExit {
        match self.api.task(task).unwrap() {
            TaskState::Ended(exit) => exit,
            TaskState::Running => panic!("{task} runs"),
        }
    }

    pub(crate) fn is_running(&self, task: &Upid) -> bool {
        self.api.task(task).unwrap() == TaskState::Running
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn config(&self, at: &GuestRef) -> GuestConfig {
        self.api.ask("reading", &guest::config(at)).unwrap()
    }

    pub(crate) fn status(&self, at: &GuestRef) -> GuestStatus {
        self.api.ask("looking", &guest::status(at)).unwrap()
    }

    /// A virtual machine of our own that runs.
    pub(crate) fn running_vm(&self, id: u32) -> GuestRef {
        self.run(&guest::clone(&vm(9000), &copy(id)));
        self.run(&guest::start(&vm(id)));
        vm(id)
    }
}
