//! The second network card of a guest, which carries the service's own address.
//!
//! Its hardware address moves with it, so that nobody on the network has to learn a new one.

pub use super::property::{Addressing, Plug};
use crate::adapters::proxmox::{ApiRequest, GuestKind, GuestRef};

/// The option that the card is.
pub const CARD: &str = "net1";
/// The option that its address is, of a virtual machine: by cloud-init, with the next start.
pub const CONFIG: &str = "ipconfig1";
/// What a container calls the card.
const NAME: &str = "svc0";

/// A card with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCard {
    /// Its hardware address, in capitals: `02:67:72:0A:0B:0C`.
    pub mac: String,
    /// Where it is plugged in.
    pub plug: Plug,
    /// Its address, without a gateway.
    pub addressing: Addressing,
}

/// Plugs the card in, while the guest runs.
pub fn plug(guest: &GuestRef, card: &ServiceCard, digest: Option<&str>) -> ApiRequest {
    let ServiceCard {
        mac,
        plug,
        addressing,
    } = card;
    let (plug, addressing) = (plug.property(), addressing.property());
    let request = ApiRequest::put(format!("{}/config", guest.path()));
    let request = match guest.kind {
        GuestKind::Vm => request
            .with(CARD, format!("virtio={mac},{plug}"))
            .with(CONFIG, addressing),
        GuestKind::Container => request.with(CARD, format!("name={NAME},{plug},hwaddr={mac},{addressing}")),
    };
    request.maybe("digest", digest)
}

/// Pulls the card out, while the guest runs; its address goes with it.
pub fn unplug(guest: &GuestRef, digest: Option<&str>) -> ApiRequest {
    let options = match guest.kind {
        GuestKind::Vm => format!("{CARD},{CONFIG}"),
        GuestKind::Container => CARD.to_owned(),
    };
    ApiRequest::put(format!("{}/config", guest.path()))
        .with("delete", options)
        .maybe("digest", digest)
}
