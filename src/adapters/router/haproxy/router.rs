//! The router's port over the runtime interface.

use super::order;
use super::order::{Order, Wanted};
use super::runtime;
use super::runtime::{Runtime, clean};
use super::server;
use super::server::{Health, Server};
use crate::domain::model::{Endpoint, ErrorKind, Explanation, PortError, Route, RouteState};
use crate::host::tcp;
use crate::ports::{Granularity, Router};
use std::time::Duration;

/// How long an address may take to accept a connection.
const ACCEPT: Duration = Duration::from_millis(1_500);

/// Which `HAProxy` is meant, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyOptions {
    /// Its runtime interface, at level `admin`: `tcp://192.168.2.2:9999`, `unix:///run/haproxy.sock`.
    pub runtime: String,
    /// The backend whose servers are the routes.
    pub backend: String,
    /// The base URL that clients use.
    pub entry: Endpoint,
    /// Longest wait for a connection, and again for the reply to an order.
    pub timeout: Duration,
}

/// One backend of an `HAProxy`.
#[derive(Debug, Clone)]
pub struct HaproxyRouter {
    runtime: Runtime,
    backend: String,
    entry: Endpoint,
}

impl HaproxyRouter {
    /// The router with these options. Connects to nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the runtime interface's address or the backend's name is none.
    pub fn new(options: &HaproxyOptions) -> Result<Self, PortError> {
        let invalid = |why: Explanation| {
            PortError::new(
                ErrorKind::Invalid,
                format!("opening HAProxy at {}", clean(&options.runtime)),
                why,
            )
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if options.backend.is_empty() || !options.backend.chars().all(named) {
            let message = format!(
                "{:?} is no name of a backend (letters, digits, '-', '_', '.', ':')",
                options.backend
            );
            return Err(invalid(message.into()));
        }
        Ok(Self {
            runtime: Runtime::parse(&options.runtime, options.timeout).map_err(invalid)?,
            backend: options.backend.clone(),
            entry: options.entry.clone(),
        })
    }

    /// The backend's servers as they stand, foreign ones included.
    fn servers(&self, doing: &str) -> Result<Vec<Server>, PortError> {
        let states = self
            .runtime
            .ask(&format!("show servers state {}", self.backend), doing)?;
        // By its number: a frontend may have the backend's name.
        let counts = match server::backend_number(&states) {
            Some(number) => self.runtime.ask(&format!("show stat {number} 4 -1"), doing)?,
            None => String::new(),
        };
        server::read(&states, &counts).map_err(|problem| match problem {
            server::Unreadable::NoBackend => {
                let message = format!("HAProxy at {} has no backend {}", self.runtime, self.backend);
                PortError::new(ErrorKind::Missing, doing, message).fix("name one of its configuration")
            }
            server::Unreadable::Refused(text) => {
                let message = format!("HAProxy at {} answered: {}", self.runtime, clean(&text));
                PortError::new(runtime::kind(&text), doing, message)
            }
        })
    }

    /// Gives orders and looks whether they hold. The servers as they stand then.
    fn obey(&self, orders: &[Order], before: Vec<Server>, doing: &str) -> Result<Vec<Server>, PortError> {
        if orders.is_empty() {
            return Ok(before);
        }
        let mut said = String::new();
        for batch in order::batches(orders, &self.backend) {
            said.push_str(&self.runtime.order(&batch, doing)?);
        }
        let servers = self.servers(doing)?;
        let Some(broken) = order::first_broken(orders, &servers) else {
            return Ok(servers);
        };
        let said = runtime::remarks(&said);
        let ineffective = format!("\"{}\" had no effect", broken.text(&self.backend));
        if said.is_empty() {
            let message = format!("{ineffective}, and HAProxy did not say why");
            return Err(PortError::new(ErrorKind::Transient, doing, message)
                .fix("look whether something else changes the backend"));
        }
        let message = format!("{ineffective}. HAProxy said: {}", clean(&said));
        Err(PortError::new(runtime::kind(&said), doing, message))
    }
}

/// Who would get traffic anew and does not even accept a connection.
fn first_unreachable(wanted: &[Wanted<'_>], servers: &[Server]) -> Option<String> {
    wanted
        .iter()
        .filter(|wanted| wanted.is_to_be_tried(servers))
        .find_map(|wanted| {
            let why = tcp::connect(&wanted.address.to_string(), ACCEPT).err()?;
            Some(format!(
                "{} does not accept connections at {}: {why}; the routes stay as they were",
                wanted.name, wanted.address
            ))
        })
}

/// An error where one that is to have traffic has not passed its health check.
fn proven(wanted: &[Wanted<'_>], servers: &[Server], doing: &str) -> Result<(), PortError> {
    let Some((unproven, health)) = order::unproven(wanted, servers) else {
        return Ok(());
    };
    let place = format!("{} at {}", unproven.name, unproven.address);
    let (message, fix) = match health {
        Health::Down(why) => (
            format!("HAProxy's health check of {place} does not pass ({why})"),
            "look whether HAProxy reaches it and whether `option httpchk` asks for a path that it answers",
        ),
        _ => (
            format!("waiting for HAProxy's health check of {place}"),
            "let it come sooner with `inter` and `fastinter` in the backend's default-server (200ms is soon)",
        ),
    };
    Err(PortError::new(ErrorKind::Transient, doing, message).fix(fix))
}

impl Router for HaproxyRouter {
    fn name(&self) -> &str {
        "haproxy"
    }

    fn granularity(&self) -> Granularity {
        Granularity::Percent
    }

    fn entry(&self) -> Endpoint {
        self.entry.clone()
    }

    /// Only averages, of the last 1024 requests, whoever answered them.
    fn times(&self) -> bool {
        false
    }

    /// Weights are `HAProxy`'s, at most 256: where the shift's were above, they are in proportion. The
    /// counters are the server's since `HAProxy` started, whatever it served, and hold no times: it has
    /// none but averages.
    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        let doing = format!("reading the servers of HAProxy's backend {}", self.backend);
        let servers = self.servers(&doing)?;
        Ok(servers.iter().filter_map(Server::route_state).collect())
    }

    /// `Transient` while a health check has not passed: asked again, it goes on.
    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        let doing = format!("shifting traffic in HAProxy's backend {}", self.backend);
        let refused = |kind| {
            let doing = doing.clone();
            move |why: Explanation| PortError::new(kind, doing, why)
        };
        let wanted = order::wanted(routes).map_err(refused(ErrorKind::Invalid))?;
        let servers = self.servers(&doing)?;
        if let Some(problem) = order::misfit(&wanted, &servers, &self.backend) {
            return Err(refused(ErrorKind::Invalid)(problem));
        }
        if let Some(unreachable) = first_unreachable(&wanted, &servers) {
            return Err(refused(ErrorKind::Transient)(unreachable.into()));
        }
        let servers = self.obey(&order::stage(&wanted, &servers), servers, &doing)?;
        proven(&wanted, &servers, &doing)?;
        let servers = self.obey(&order::raise(&wanted, &servers), servers, &doing)?;
        let servers = self.obey(&order::relocate(&wanted, &servers), servers, &doing)?;
        proven(&wanted, &servers, &doing)?;
        let servers = self.obey(&order::raise(&wanted, &servers), servers, &doing)?;
        self.obey(&order::lower(&wanted, &servers), servers, &doing)
            .map(drop)
    }
}
