//! A fake cluster with templates, and targets on it.

use greenroom::adapters::proxmox::calls::vm::Plug;
use greenroom::adapters::proxmox::guest::Addresses;
use greenroom::adapters::proxmox::{Api, GuestRef, Transport};
use greenroom::adapters::targets::proxmox::{
    ContainerPlan, ContainerSource, GuestNetwork, GuestPlan, GuestPorts, GuestSettings, GuestWorkload,
    ProxmoxTarget, VmPlan,
};
use greenroom::domain::model::{Artifact, Digest, Endpoint, Instance, Release, SecretSource, UnitId};
use greenroom::domain::oci::media;
use greenroom::host::secrets::Secrets;
use greenroom::ports::{Blob, Clock, Registry, in_memory};
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::{Exec, ExecOutcome, FakeCluster, Server};
use greenroom::testing::registry::MemoryRegistry;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const VM_TEMPLATE: u32 = 9000;
pub(crate) const CT_TEMPLATE: u32 = 9100;
pub(crate) const SECRET: &str = "hunter2-swordfish";

pub(crate) struct Stage {
    pub(crate) cluster: Arc<FakeCluster>,
    pub(crate) clock: Arc<FakeClock>,
    /// The clock that counts: the one above, unless a test brought its own.
    pub(crate) time: Arc<dyn Clock>,
    pub(crate) registry: Arc<MemoryRegistry>,
    pub(crate) scratch: tempfile::TempDir,
    servers: Mutex<Vec<Server>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FakeClock::default());
        Self::over(clock.clone(), clock)
    }

    pub(crate) fn with_clock(time: Arc<dyn Clock>) -> Self {
        Self::over(Arc::default(), time)
    }

    fn over(clock: Arc<FakeClock>, time: Arc<dyn Clock>) -> Self {
        let cluster = Arc::new(FakeCluster::new(time.clone()));
        cluster.add_pool("staging");
        cluster.add_template(GuestRef::vm("pve1", VM_TEMPLATE), "debian-13");
        // A protected template makes protected copies, with its tags.
        cluster.edit(VM_TEMPLATE, |guest| {
            guest.config.insert("protection".to_owned(), "1".to_owned());
            guest.config.insert("tags".to_owned(), "base;golden".to_owned());
        });
        cluster.add_template(GuestRef::container("pve1", CT_TEMPLATE), "alpine");
        cluster.add_volume("local:vztmpl/debian-13.tar.zst", "vztmpl");
        Self {
            cluster,
            clock,
            time,
            registry: Arc::default(),
            scratch: tempfile::tempdir().unwrap(),
            servers: Mutex::default(),
        }
    }

    /// Keeps a server for as long as the stage stands.
    pub(crate) fn keep(&self, server: Server) {
        self.servers.lock().unwrap().push(server);
    }

    /// A target as a new greenroom process would have it.
    pub(crate) fn target(&self, settings: GuestSettings) -> ProxmoxTarget {
        self.target_over(settings, self.cluster.clone())
    }

    pub(crate) fn target_over(
        &self,
        settings: GuestSettings,
        transport: Arc<dyn Transport>,
    ) -> ProxmoxTarget {
        let environment = BTreeMap::from([("TOKEN".to_owned(), SECRET.to_owned())]);
        ProxmoxTarget::new(
            settings,
            GuestPorts {
                api: Api::new(transport),
                registry: self.registry.clone(),
                clock: self.time.clone(),
                secrets: Secrets::new(environment, self.scratch.path().to_owned()),
                answers: Arc::new(|_| false),
            },
        )
    }

    pub(crate) fn settings(&self, guest: GuestPlan, units: usize) -> GuestSettings {
        let addresses = Addresses {
            subnet: "10.0.0.0/22".parse().unwrap(),
            gateway: "10.0.0.1".parse().unwrap(),
            range: None,
            reserved: Vec::new(),
        };
        GuestSettings {
            service: "web".to_owned(),
            environment: "staging".parse().unwrap(),
            units: (0..units).map(unit).collect(),
            ids: 2000..=2099,
            pool: Some("staging".to_owned()),
            node: "pve1".to_owned(),
            storage: "local-zfs".to_owned(),
            network: Some(GuestNetwork {
                addresses,
                nameservers: vec!["10.0.0.53".parse().unwrap()],
                search_domain: Some("example".to_owned()),
            }),
            port: 8080,
            guest,
            protect: false,
            prefix: None,
            expires: None,
            timeout: Duration::from_secs(600),
            parallelism: 4,
            clones_per_template: 2,
            scratch: self.scratch.path().join("scratch"),
        }
    }

    /// An image in the registry, which differs from others by `text`.
    pub(crate) fn image(&self, text: &str) -> Artifact {
        let repository = "ghcr.io/acme/web";
        let push = |bytes: &[u8]| {
            let digest = Digest::of(bytes);
            let blob = Blob {
                digest: &digest,
                size: bytes.len() as u64,
                from: None,
                open: &in_memory(bytes),
            };
            self.registry.push_blob(repository, &blob).unwrap();
            digest
        };
        let layer = vec![b'x'; 700];
        let (config, layer_digest) = (push(text.as_bytes()), push(&layer));
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST,
            "config": {"mediaType": media::CONFIG, "digest": config, "size": text.len()},
            "layers": [{"mediaType": media::LAYER_GZIP, "digest": layer_digest, "size": layer.len()}],
        });
        let tag = text.parse().unwrap();
        let digest = self
            .registry
            .push_manifest(repository, manifest.to_string().as_bytes(), &[tag])
            .unwrap();
        Artifact {
            repository: repository.to_owned(),
            digest,
        }
    }

    pub(crate) fn release(&self, version: &str) -> Release {
        Release {
            version: version.parse().unwrap(),
            artifact: Some(self.image(version)),
            commit: None,
            variables: BTreeMap::from([("LEVEL".to_owned(), "debug".to_owned())]),
            secrets: BTreeMap::from([("DB_PASSWORD".to_owned(), SecretSource::Env("TOKEN".to_owned()))]),
        }
    }

    /// Every command that guests run is a docker that knows its containers by guest.
    pub(crate) fn docker(&self) -> Arc<Mutex<Docker>> {
        let docker = Arc::new(Mutex::new(Docker::default()));
        let shared = docker.clone();
        self.cluster
            .on_exec(move |exec| shared.lock().unwrap().exec(exec));
        docker
    }

    /// The id of the guest that an instance is.
    pub(crate) fn guest_at(&self, endpoint: &Endpoint) -> u32 {
        let authority = endpoint.authority();
        let (address, _) = authority.split_once(':').unwrap();
        let of = |guest: &&greenroom::testing::proxmox::FakeGuest| {
            guest
                .config
                .values()
                .any(|value| value.contains(&format!("={address}/")))
        };
        let guests = self.cluster.guests();
        guests.iter().find(of).unwrap().id()
    }

    /// Seconds since the beginning.
    pub(crate) fn clock_passed(&self) -> u64 {
        self.clock.monotonic().as_secs()
    }

    /// Turns a guest off, behind everybody's back.
    pub(crate) fn kill(&self, instance: &Instance) {
        let id = self.guest_at(instance.address.as_ref().unwrap());
        self.cluster.edit(id, |guest| guest.running = false);
    }
}

/// What the dockers of all guests run: containers by the guest's serial number and their name.
#[derive(Default)]
pub(crate) struct Docker {
    pub(crate) running: BTreeSet<(u64, String)>,
    pub(crate) commands: Vec<(Vec<String>, Option<String>)>,
    /// The daemon does not answer so many commands more.
    pub(crate) waking: usize,
    /// A run fails with these words.
    pub(crate) refusal: Option<String>,
    pub(crate) lasts: Duration,
}

impl Docker {
    fn exec(&mut self, exec: &Exec<'_>) -> ExecOutcome {
        let words: Vec<String> = exec.command.iter().map(|word| (*word).to_owned()).collect();
        self.commands.push((words, exec.input.map(str::to_owned)));
        let ended = |exit_code, output: &str, errors: &str| ExecOutcome {
            lasts: self.lasts,
            exit_code,
            output: output.to_owned(),
            errors: errors.to_owned(),
        };
        if self.waking > 0 && exec.command.first() == Some(&"docker") {
            self.waking -= 1;
            return ended(
                1,
                "",
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
            );
        }
        let serial = exec.guest.serial;
        let of = |name: &&str| (serial, (**name).to_owned());
        match exec.command.as_slice() {
            [
                "docker",
                "container",
                "inspect",
                "--format",
                "{{.State.Running}}",
                name,
            ] => match self.running.contains(&of(name)) {
                true => ended(0, "true\n", ""),
                false => ended(1, "\n", "Error response from daemon: No such container: x"),
            },
            ["docker", "run", "--detach", "--name", name, .., image] => {
                assert!(image.contains("@sha256:"), "{image} is not named by its digest");
                if let Some(refusal) = &self.refusal {
                    return ended(125, "", refusal);
                }
                let outcome = ended(0, "0123\n", "");
                self.running.insert(of(name));
                outcome
            }
            ["docker", "logs", "--tail", lines, _] => {
                let lines: usize = lines.parse().unwrap();
                let all: String = (0..lines).map(|line| format!("line {line}\n")).collect();
                ended(0, &all, "")
            }
            ["/opt/service", "start"] => ended(0, "", ""),
            other => panic!("{other:?} is none of the commands"),
        }
    }
}

pub(crate) fn unit(number: usize) -> UnitId {
    format!("web-{number}").parse().unwrap()
}

pub(crate) fn vm(workload: Option<GuestWorkload>) -> GuestPlan {
    GuestPlan::Vm(VmPlan {
        template: VM_TEMPLATE,
        full: false,
        cores: 2,
        memory: 2048,
        disk: Some(("scsi0".to_owned(), 20)),
        user: Some("ada".to_owned()),
        ssh_keys: vec!["ssh-ed25519 AAAA+/= ada".to_owned()],
        workload,
    })
}

pub(crate) fn container(source: ContainerSource) -> GuestPlan {
    GuestPlan::Container(ContainerPlan {
        source,
        plug: Plug {
            bridge: "vmbr0".to_owned(),
            vlan: Some(12),
            firewall: false,
        },
        cores: 1,
        memory: 512,
        disk: 8,
    })
}

/// Every kind of guest.
pub(crate) fn kinds() -> Vec<(&'static str, GuestPlan)> {
    let image = |pull| ContainerSource::Image {
        storage: "local".to_owned(),
        pull,
    };
    let template = "local:vztmpl/debian-13.tar.zst".to_owned();
    vec![
        ("a virtual machine", vm(None)),
        (
            "docker in a virtual machine",
            vm(Some(GuestWorkload::Docker(8080))),
        ),
        (
            "a command in a virtual machine",
            vm(Some(GuestWorkload::Command(vec![
                "/opt/service".to_owned(),
                "start".to_owned(),
            ]))),
        ),
        (
            "a container from a clone",
            container(ContainerSource::Clone(CT_TEMPLATE)),
        ),
        (
            "a container from a template",
            container(ContainerSource::Template(template)),
        ),
        ("a container from an image", container(image(false))),
        ("a container from a pulled image", container(image(true))),
    ]
}
