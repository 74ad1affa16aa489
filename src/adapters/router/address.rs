//! The service's own address as the router: it moves to the guest that serves.
//!
//! The address sits on a second network card that is plugged into one guest and pulled out of all others.
//! The card keeps its hardware address, so that nobody on the network has to learn a new one. A container
//! gets address and card at once; in a virtual machine the guest agent sets the address up, and cloud-init
//! does so with the next start. Connections to the guest that had it are cut.

use crate::adapters::proxmox::calls::service::{Addressing, Plug, ServiceCard};
use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::adapters::proxmox::{Fault, FaultClass, GuestKind};
use crate::domain::model::{Counters, Digest, Endpoint, ErrorKind, PortError, Route, RouteState};
use crate::host::tcp;
use crate::ports::{Granularity, Router};
use std::net::SocketAddr;
use std::time::Duration;

/// How long a guest may take to accept a connection before it gets the address.
const ACCEPT: Duration = Duration::from_millis(1_500);
/// The beginning of the card's hardware address: one that no manufacturer has given out.
const LOCAL: &str = "02:67:72";
/// The weight of the guest that has the address.
const ALL: u16 = 100;

/// Which address is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressOptions {
    /// The address and the service's port.
    pub listen: SocketAddr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
    /// Where the card is plugged in.
    pub plug: Plug,
    /// The port that the service listens on in a guest.
    pub port: u16,
    /// The base URL that clients use.
    pub entry: Endpoint,
}

/// An address that moves from guest to guest.
pub struct AddressRouter {
    guests: Guests,
    options: AddressOptions,
    card: ServiceCard,
}

impl AddressRouter {
    /// The address, among these guests; touches nothing.
    pub fn new(guests: Guests, options: AddressOptions) -> Self {
        let address = options.listen.ip();
        let hash = Digest::of(address.to_string().as_bytes());
        let digits = hash.hex()[..6].to_ascii_uppercase();
        let card = ServiceCard {
            mac: format!("{LOCAL}:{}:{}:{}", &digits[..2], &digits[2..4], &digits[4..]),
            plug: options.plug.clone(),
            addressing: Addressing {
                address,
                prefix: options.prefix,
                gateway: None,
            },
        };
        Self {
            guests,
            options,
            card,
        }
    }

    fn doing(&self) -> String {
        format!("moving {}", self.options.listen.ip())
    }

    fn not_yet(&self, what: String) -> PortError {
        PortError::new(ErrorKind::Transient, self.doing(), what)
    }

    /// Gives the address to a guest that does not have it yet, one step further with each call.
    fn give(&self, owned: &Owned) -> Result<(), PortError> {
        if !owned.has_card(&self.card) {
            self.guests.plug(owned, &self.card).map_err(meanwhile)?;
        }
        match owned.guest().kind {
            GuestKind::Container => Ok(()),
            GuestKind::Vm => self.set_up(owned),
        }
    }

    /// Sets the address up in a virtual machine, in which the card shows a moment after it was plugged in.
    fn set_up(&self, owned: &Owned) -> Result<(), PortError> {
        let guest = owned.guest();
        let Some(cards) = self.guests.cards(owned)? else {
            return Err(self.not_yet(format!("the agent in {guest} does not answer")));
        };
        let own = cards
            .into_iter()
            .find(|card| card.mac.eq_ignore_ascii_case(&self.card.mac));
        let Some(own) = own else {
            return Err(self.not_yet(format!("{guest} has not found its new network card yet")));
        };
        let Addressing { address, prefix, .. } = self.card.addressing;
        if own.addresses.iter().any(|known| *known == address.to_string()) {
            return Ok(());
        }
        let with_prefix = format!("{address}/{prefix}");
        for command in [
            vec!["ip", "link", "set", "dev", &own.name, "up"],
            vec!["ip", "address", "replace", &with_prefix, "dev", &own.name],
        ] {
            let command: Vec<String> = command.into_iter().map(str::to_owned).collect();
            let fresh = self.guests.prove_again(owned, &self.doing())?;
            let fresh = fresh.ok_or_else(|| self.not_yet(format!("{guest} went away")))?;
            self.guests.exec(fresh, &command, None)?;
        }
        Err(self.not_yet(format!("{guest} is taking the address {address}")))
    }
}

/// Somebody changed the guest since it was read: another look helps.
fn meanwhile(fault: Fault) -> PortError {
    let changed = matches!(fault.class, FaultClass::Changed | FaultClass::ConfigLock(_));
    let error = PortError::from(fault);
    if changed {
        PortError {
            kind: ErrorKind::Transient,
            ..error
        }
    } else {
        error
    }
}

impl Router for AddressRouter {
    fn name(&self) -> &str {
        "address"
    }

    fn granularity(&self) -> Granularity {
        Granularity::Whole
    }

    fn entry(&self) -> Endpoint {
        self.options.entry.clone()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        let mut routes = Vec::new();
        for owned in self.guests.ours()?.into_iter().filter(Owned::is_made) {
            let Some(address) = owned.address() else { continue };
            let own = SocketAddr::new(address, self.options.port);
            let address = format!("http://{own}")
                .parse()
                .map_err(|error| PortError::new(ErrorKind::Invalid, self.doing(), &error))?;
            routes.push(RouteState {
                route: Route {
                    unit: owned.marker().unit.clone(),
                    slot: owned.marker().slot,
                    address,
                    weight: if owned.has_card(&self.card) { ALL } else { 0 },
                },
                in_flight: 0,
                counters: Counters::default(),
            });
        }
        Ok(routes)
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        let mut serving = routes.iter().filter(|route| route.weight > 0);
        let (first, second) = (serving.next(), serving.next());
        if second.is_some() {
            let message = "one address cannot be in two guests";
            return Err(
                PortError::new(ErrorKind::Invalid, self.doing(), message).fix("use one unit, or HAProxy")
            );
        }
        let is_first = |owned: &Owned| {
            let marker = owned.marker();
            first.is_some_and(|route| route.unit == marker.unit && route.slot == marker.slot)
        };
        let (mut winner, others): (Vec<Owned>, Vec<Owned>) =
            self.guests.ours()?.into_iter().partition(is_first);
        let winner = winner.pop();
        if let Some(route) = first {
            let Some(owned) = &winner else {
                let what = format!("greenroom has no guest in {} ({})", route.unit, route.slot);
                return Err(PortError::new(ErrorKind::Missing, self.doing(), what));
            };
            let own = owned
                .address()
                .map(|address| SocketAddr::new(address, self.options.port));
            let own = own.ok_or_else(|| self.not_yet(format!("{} has no address", owned.guest())))?;
            // Who has the address keeps it until the other one answers.
            tcp::connect(&own.to_string(), ACCEPT).map_err(|error| {
                self.not_yet(format!("{} does not answer", owned.guest()))
                    .because(&error)
            })?;
        }
        for other in others.iter().filter(|owned| owned.has_card(&self.card)) {
            self.guests.unplug(other).map_err(meanwhile)?;
        }
        match &winner {
            Some(owned) => self.give(owned),
            None => Ok(()),
        }
    }
}
