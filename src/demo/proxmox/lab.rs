//! A cluster on this machine, whose guests answer at addresses of the loopback network.

use crate::adapters::proxmox::{GuestKind, GuestRef};
use crate::app::{AppError, Context};
use crate::domain::model::{Endpoint, Secret};
use crate::host::random;
use crate::testing::proxmox::{ExecOutcome, FakeCluster, FakeGuest, Server, USER};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long what Proxmox does takes here.
const TASKS: [(&str, u64); 6] = [
    ("qmclone", 600),
    ("qmstart", 200),
    ("qmshutdown", 200),
    ("qmstop", 100),
    ("qmdestroy", 200),
    ("qmsnapshot", 300),
];
/// How long a guest takes from its start to its agent.
const BOOT: Duration = Duration::from_millis(300);
/// Time between two looks at which guests answer.
const LOOK: Duration = Duration::from_millis(10);
/// The longest that a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of a request's head.
const HEAD: u64 = 16 * 1024;
/// The template.
const TEMPLATE: u32 = 9000;
/// The ids of the environment.
const IDS: (u32, u32) = (2000, 2009);

/// What runs in a guest, by its serial number.
type Services = Arc<Mutex<BTreeMap<u64, Service>>>;

/// What one guest answers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    version: String,
    healthy: bool,
}

/// A cluster, a project that is deployed to it, and what answers in its guests.
pub(super) struct Lab {
    cluster: Arc<FakeCluster>,
    server: Server,
    directory: PathBuf,
    /// The first three numbers of the environment's network.
    network: [u8; 3],
    port: u16,
    stop: Arc<AtomicBool>,
    answering: Option<JoinHandle<()>>,
}

impl Lab {
    /// Opens it, with its project in a fresh directory below `parent`.
    pub(super) fn open(context: &Context, parent: &Path) -> Result<Self, AppError> {
        let failed = || AppError::io("setting up a Proxmox for the demo");
        let name = random::hex(4).map_err(failed())?;
        let directory = parent.join(format!("greenroom-demo-{name}"));
        fs::create_dir_all(directory.join("environments")).map_err(failed())?;
        let secret = random::hex(16).map_err(failed())?;
        let token = directory.join("token");
        fs::write(&token, format!("{USER}={secret}")).map_err(failed())?;
        let cluster = cluster(context);
        let services = Services::default();
        run_services(&cluster, &services);
        let tokens = BTreeMap::from([(USER.to_owned(), Secret::new(secret))]);
        let server = Server::start(Arc::clone(&cluster), tokens, Duration::ZERO).map_err(failed())?;
        // Two demos at the same time have networks of their own.
        let digit =
            |at: usize| u8::from_str_radix(name.get(at..at + 2).unwrap_or_default(), 16).unwrap_or(77);
        let network = [127, digit(0).max(1), digit(2)];
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(failed())?
            .port();
        let stop = Arc::new(AtomicBool::new(false));
        let answering = {
            let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
            thread::spawn(move || keep_answering(&cluster, &services, port, &stop))
        };
        Ok(Self {
            cluster,
            server,
            directory,
            network,
            port,
            stop,
            answering: Some(answering),
        })
    }

    /// The pipeline file.
    pub(super) fn pipeline(&self) -> PathBuf {
        self.directory.join("greenroom.yaml")
    }

    /// Where clients reach the service.
    pub(super) fn url(&self) -> Result<Endpoint, AppError> {
        Ok(format!("http://{}:{}", self.address(200), self.port).parse()?)
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.network;
        Ipv4Addr::new(a, b, c, last)
    }

    /// Writes the project as its authors have it when they release this version.
    pub(super) fn write(&self, version: &str, behaviour: &str) -> Result<(), AppError> {
        let (host, port) = (self.server.url(), self.port);
        let (subnet, gateway, service) = (self.address(0), self.address(1), self.address(200));
        let (first, last) = IDS;
        let text = format!(
            "service: shop
version: {{ value: {version} }}
environments: [environments/demo.yaml]
"
        );
        let environment = format!(
            "name: demo
type: staging
network: {{ subnet: {subnet}/24, gateway: {gateway} }}
proxmox:
  host: {host}
  node: pve1
  storage: local-zfs
  pool: demo
  vmIdRange: {{ start: {first}, end: {last} }}
  token: {{ file: token }}
  port: {port}
  guest: {{ vm: {{ template: {TEMPLATE}, workload: {{ command: [/usr/local/bin/shop] }} }} }}
  router: {{ address: {{ listen: \"{service}:{port}\" }} }}
variables: {{ VERSION: {version}, BEHAVIOUR: {behaviour} }}
deployment:
  strategy: blue-green
  healthCheckPath: /health
  healthCheckInterval: 100ms
  healthCheckTimeout: 1500ms
  drain: 1s
  backup: snapshot
"
        );
        let failed = || AppError::io("writing the demo's project");
        fs::write(self.pipeline(), text).map_err(failed())?;
        fs::write(self.directory.join("environments/demo.yaml"), environment).map_err(failed())
    }

    /// Somebody makes a machine where greenroom's next one would go. Its id and serial number.
    pub(super) fn intrude(&self) -> (u32, u64) {
        let (first, last) = IDS;
        let free = (first..=last).find(|id| self.cluster.guest(*id).is_none());
        let id = free.unwrap_or(last);
        let serial = self.cluster.add_guest(GuestRef::vm("pve1", id), "a-database");
        (id, serial)
    }

    /// How often that machine was asked to change.
    pub(super) fn touched(&self, serial: u64) -> usize {
        self.cluster.touched(serial).len()
    }

    /// How often greenroom asked a machine to change that it did not make.
    pub(super) fn foreign_touched(&self) -> usize {
        self.cluster.foreign_touched(USER).len()
    }

    /// How many snapshots were asked for.
    pub(super) fn snapshots_taken(&self) -> usize {
        let log = self.cluster.log();
        log.iter()
            .filter(|logged| logged.method == "POST" && logged.path.ends_with("/snapshot"))
            .count()
    }

    /// The environment's machines in words.
    pub(super) fn machines(&self) -> Vec<String> {
        let (first, last) = IDS;
        let known = self.cluster.guests().into_iter();
        known
            .filter(|guest| (first..=last).contains(&guest.at.id))
            .map(|guest| {
                let state = if guest.running { "runs" } else { "stopped" };
                let name = guest.config.get("name").map_or("", String::as_str);
                let tags = guest.config.get("tags").map_or("", String::as_str);
                format!("VM {}  {name:<20} {state:<8} {tags}", guest.at.id)
            })
            .collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn cluster(context: &Context) -> Arc<FakeCluster> {
    let cluster = Arc::new(FakeCluster::new(Arc::clone(&context.clock)));
    cluster.add_pool("demo");
    let template = GuestRef {
        kind: GuestKind::Vm,
        node: "pve1".to_owned(),
        id: TEMPLATE,
    };
    cluster.add_template(template, "debian-12-shop");
    cluster.edit(TEMPLATE, |guest| guest.boot = BOOT);
    for (kind, milliseconds) in TASKS {
        cluster.takes(kind, Duration::from_millis(milliseconds));
    }
    cluster
}

/// The command in a guest starts its service with the variables that it reads.
fn run_services(cluster: &FakeCluster, services: &Services) {
    let services = Arc::clone(services);
    cluster.on_exec(move |exec| {
        if exec.command.first() == Some(&"/usr/local/bin/shop") {
            let variables: BTreeMap<&str, &str> = exec
                .input
                .unwrap_or_default()
                .lines()
                .filter_map(|line| line.split_once('='))
                .collect();
            let read = |name: &str| variables.get(name).copied().unwrap_or_default();
            let service = Service {
                version: read("VERSION").to_owned(),
                healthy: read("BEHAVIOUR") == "ok",
            };
            locked(&services).insert(exec.guest.serial, service);
        }
        ExecOutcome::default()
    });
}

/// Keeps a listener for each address of each guest whose service runs, until it is told to stop.
fn keep_answering(cluster: &FakeCluster, services: &Services, port: u16, stop: &AtomicBool) {
    let mut listening: BTreeMap<IpAddr, (TcpListener, Service)> = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        let wanted = wanted(cluster, services);
        listening.retain(|address, (_, service)| wanted.get(address) == Some(service));
        for (address, service) in wanted {
            if !listening.contains_key(&address)
                && let Ok(listener) = TcpListener::bind(SocketAddr::new(address, port))
                && listener.set_nonblocking(true).is_ok()
            {
                listening.insert(address, (listener, service));
            }
        }
        for (listener, service) in listening.values() {
            while let Ok((client, _)) = listener.accept() {
                let service = service.clone();
                // A client that is slow keeps nobody else waiting.
                thread::spawn(move || answer(client, &service));
            }
        }
        thread::park_timeout(LOOK);
    }
}

/// Which addresses answer, and what.
fn wanted(cluster: &FakeCluster, services: &Services) -> BTreeMap<IpAddr, Service> {
    let services = locked(services).clone();
    let mut wanted = BTreeMap::new();
    for guest in cluster.guests().into_iter().filter(|guest| guest.running) {
        if let Some(service) = services.get(&guest.serial) {
            for address in addresses(&guest) {
                wanted.insert(address, service.clone());
            }
        }
    }
    wanted
}

fn addresses(guest: &FakeGuest) -> Vec<IpAddr> {
    let first = guest.config.get("ipconfig0").map_or("", String::as_str);
    let first = first.split(',').find_map(|part| part.strip_prefix("ip="));
    let second = guest.second.iter().map(String::as_str);
    first
        .into_iter()
        .chain(second)
        .filter_map(|address| address.split('/').next()?.parse().ok())
        .collect()
}

/// Answers one request: a greeting, or how it is.
fn answer(client: TcpStream, service: &Service) {
    // Who does not listen to the answer has gone.
    let _ = try_answer(client, service);
}

fn try_answer(client: TcpStream, service: &Service) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut head = BufReader::new(client.try_clone()?.take(HEAD));
    let mut line = String::new();
    head.read_line(&mut line)?;
    let asks_health = line.split(' ').nth(1) == Some("/health");
    while line.trim_end() != "" {
        line.clear();
        head.read_line(&mut line)?;
    }
    let (status, text) = match (asks_health, service.healthy) {
        (true, true) => ("200 OK", "fine".to_owned()),
        (true, false) => ("503 Service Unavailable", "not fine".to_owned()),
        (false, _) => ("200 OK", format!("hello from {}", service.version)),
    };
    let length = text.len();
    let mut client = client;
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
