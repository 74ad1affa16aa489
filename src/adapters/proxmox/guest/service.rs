//! The service's own address: which guest has it, given and taken.

use super::GuestKind;
use super::guests::{GuestOwnership, Guests};
use super::proof::Owned;
use crate::adapters::proxmox::answers::{AgentResult, Card};
use crate::adapters::proxmox::calls::service::{CARD, ServiceCard};
use crate::adapters::proxmox::calls::{agent, service};
use crate::adapters::proxmox::{Fault, FaultClass};
use std::net::IpAddr;

impl Guests {
    /// All of them that are made.
    ///
    /// # Errors
    /// Those of the API.
    pub fn ours(&self) -> Result<Vec<Owned>, Fault> {
        let mut ours = Vec::new();
        for row in self.all()? {
            if self.may_be_ours(&row)
                && let GuestOwnership::Ours(owned) = self.look(&row)?
            {
                ours.push(*owned);
            }
        }
        Ok(ours)
    }

    /// Gives it the service's address: for a virtual machine the card, and what sets it up with the next
    /// start.
    ///
    /// # Errors
    /// Those of the API.
    pub fn plug(&self, owned: &Owned, card: &ServiceCard) -> Result<(), Fault> {
        let doing = format!("giving {} to {}", card.addressing.address, owned.guest());
        let request = service::plug(owned.guest(), card, owned.config().digest());
        self.api().change(&doing, &request).map(drop)
    }

    /// Takes the service's address from it.
    ///
    /// # Errors
    /// Those of the API.
    pub fn unplug(&self, owned: &Owned) -> Result<(), Fault> {
        let doing = format!("taking the service's address from {}", owned.guest());
        let request = service::unplug(owned.guest(), owned.config().digest());
        self.api().change(&doing, &request).map(drop)
    }

    /// The network cards of a virtual machine as it sees them itself; `None` where its agent does not
    /// answer yet.
    ///
    /// # Errors
    /// Those of the API; without an agent there is no answer.
    pub fn cards(&self, owned: &Owned) -> Result<Option<Vec<Card>>, Fault> {
        let doing = format!("asking {} for its network cards", owned.guest());
        match self
            .api()
            .ask::<AgentResult>(&doing, &agent::interfaces(owned.guest()))
        {
            Ok(result) if result.error().is_some() => Ok(None),
            Ok(result) => Ok(Some(result.cards())),
            Err(fault) if fault.class == FaultClass::AgentSilent => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

impl Owned {
    /// Whether it has this card, with this hardware address.
    pub fn has_card(&self, card: &ServiceCard) -> bool {
        let mac = match self.guest().kind {
            GuestKind::Vm => self.config().property(CARD, "virtio"),
            GuestKind::Container => self.config().property(CARD, "hwaddr"),
        };
        mac.is_some_and(|mac| mac.eq_ignore_ascii_case(&card.mac))
    }

    /// Its own address, where the configuration gives it one.
    pub fn address(&self) -> Option<IpAddr> {
        let option = match self.guest().kind {
            GuestKind::Vm => "ipconfig0",
            GuestKind::Container => "net0",
        };
        ["ip", "ip6"].iter().find_map(|family| {
            let value = self.config().property(option, family)?;
            value.split('/').next()?.parse().ok()
        })
    }
}
