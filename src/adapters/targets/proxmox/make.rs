//! Making a guest: at the first of its places that is free.

use super::image::Ready;
use super::jobs::{Job, Seat, Work};
use super::{ContainerPlan, ContainerSource, GuestPlan, ProxmoxTarget, Step};
use crate::domain::model::{ErrorKind, Explanation, PortError, Release};

use crate::adapters::proxmox::calls::container::{ContainerCard, ContainerSettings, NewContainer};
use crate::adapters::proxmox::calls::{container, guest as calls};

use crate::adapters::proxmox::calls::vm::Addressing;
use crate::adapters::proxmox::guest::{GuestPlace, Marker, NewMarker, Stranger, guest_name, tags};
use crate::adapters::proxmox::{ApiRequest, Fault, FaultClass, GuestKind, GuestRef};
use std::net::IpAddr;

use super::index::{Freshness, Located};

impl ProxmoxTarget {
    /// Begins to make the guest of a slot that has none.
    pub(super) fn make(&self, seat: &(u32, Seat), release: &Release) -> Result<Step, PortError> {
        // Fails before anything is made.
        self.wanted(release)?;
        let (source, most) = match &self.settings.guest {
            GuestPlan::Vm(vm) => (Some(vm.template), self.settings.clones_per_template),
            // It is locked for as long as it is copied.
            GuestPlan::Container(plan) => match &plan.source {
                ContainerSource::Clone(source) => (Some(*source), 1),
                ContainerSource::Image { .. } | ContainerSource::Template(_) => (None, usize::MAX),
            },
        };
        let volume = match &self.settings.guest {
            GuestPlan::Container(plan) => match self.volume(plan, release)? {
                Ready::Yes(volume) => Some(volume),
                Ready::No(words) => return Ok(Step::Wait(words)),
            },
            GuestPlan::Vm(_) => None,
        };
        let job = Job {
            work: source.map_or(Work::Create, Work::Clone),
            task: None,
            words: String::new(),
            id: 0,
        };
        if !self.jobs.reserve(&seat.1, job, most) {
            let source = source.unwrap_or_default();
            return Ok(Step::Wait(format!("waits until {source} can be cloned again")));
        }
        let begun = self.begin(seat, release, (source, volume));
        if matches!(begun, Ok(Step::Wait(_)) | Err(_)) {
            self.index.forget();
        }
        if !matches!(begun, Ok(Step::Wait(_))) {
            self.jobs.drop(&seat.1);
        }
        begun
    }

    fn begin(
        &self,
        seat: &(u32, Seat),
        release: &Release,
        of: (Option<u32>, Option<String>),
    ) -> Result<Step, PortError> {
        // What was looked at last may be a second old.
        let Located::Nothing(strangers) = self.locate(seat, Freshness::Now)? else {
            self.jobs.drop(&seat.1);
            return Ok(Step::Again);
        };
        let place = self.place(seat, &strangers)?;
        let (request, words) = match (&self.settings.guest, of) {
            (GuestPlan::Vm(vm), _) => self.clone_of(vm.template, GuestKind::Vm, seat, (place, release))?,
            (GuestPlan::Container(_), (Some(source), _)) => {
                self.clone_of(source, GuestKind::Container, seat, (place, release))?
            }
            (GuestPlan::Container(plan), (None, volume)) => {
                let volume = volume.unwrap_or_default();
                let words = format!("CT {} is being made of {volume}", place.id());
                (self.creation(plan, volume, seat, (place, release)), words)
            }
        };
        let job = Job {
            work: match &self.settings.guest {
                GuestPlan::Vm(vm) => Work::Clone(vm.template),
                GuestPlan::Container(ContainerPlan {
                    source: ContainerSource::Clone(source),
                    ..
                }) => Work::Clone(*source),
                GuestPlan::Container(_) => Work::Create,
            },
            task: None,
            words: words.clone(),
            id: place.id(),
        };
        self.jobs.put(&seat.1, job);
        match self.ports.api.begin(&words, &request) {
            Ok(task) => {
                self.jobs.begun(&seat.1, task);
                Ok(Step::Wait(words))
            }
            // Somebody was faster; what stands there now shows whose it is.
            Err(fault) if fault.class == FaultClass::Exists => Ok(Step::Again),
            // The source is being copied by somebody else.
            Err(fault) if matches!(fault.class, FaultClass::ConfigLock(_)) => {
                self.jobs.drop(&seat.1);
                Ok(Step::Wait(fault.text))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// The first place that nobody has.
    fn place(&self, seat: &(u32, Seat), strangers: &[Stranger]) -> Result<GuestPlace, PortError> {
        let places = self.settings.places();
        let rows = self.index.rows(&self.guests, Freshness::Lately)?;
        let mut taken = Vec::new();
        for place in places.candidates(seat.0, seat.1.1) {
            let visible = rows.iter().any(|row| row.vmid == place.id());
            if visible || self.guests.is_taken(place.id())? {
                taken.push(place.id().to_string());
                continue;
            }
            match place.address() {
                Some(address) if (self.ports.answers)(address) => {
                    taken.push(format!("{} (somebody answers at {address})", place.id()));
                }
                _ => return Ok(place),
            }
        }
        let doing = format!("finding a place for {} ({})", seat.1.0, seat.1.1);
        let message = if taken.is_empty() {
            "no id of vmIdRange has an address in the environment's network".to_owned()
        } else {
            format!("every place is taken: {}", taken.join(", "))
        };
        let why = match strangers.first() {
            Some(stranger) => Explanation::new(format!("{message}. {stranger}")),
            None => Explanation::new(message).fix("widen vmIdRange or the addresses"),
        };
        Err(PortError::new(ErrorKind::Denied, doing, why))
    }

    /// A clone, asked for on the node of its source.
    fn clone_of(
        &self,
        source: u32,
        kind: GuestKind,
        seat: &(u32, Seat),
        what: (GuestPlace, &Release),
    ) -> Result<(ApiRequest, String), PortError> {
        let (place, release) = what;
        let node = self.node_of(source)?;
        let full = match &self.settings.guest {
            GuestPlan::Vm(vm) => vm.full,
            GuestPlan::Container(_) => true,
        };
        let from = GuestRef {
            kind,
            node: node.clone(),
            id: source,
        };
        let copy = calls::Clone {
            new_id: place.id(),
            name: self.name(&seat.1),
            full,
            storage: Some(self.settings.storage.clone()),
            target: (node != self.settings.node).then(|| self.settings.node.clone()),
            pool: self.settings.pool.clone(),
            description: Some(self.marker(&seat.1, place, release).description()),
        };
        let words = format!("{} {} is being cloned from {source}", kind.noun(), place.id());
        Ok((calls::clone(&from, &copy), words))
    }

    /// The node on which a template stands.
    fn node_of(&self, template: u32) -> Result<String, Fault> {
        let rows = self.index.rows(&self.guests, Freshness::Lately)?;
        let found = rows.iter().find(|row| row.vmid == template);
        Ok(found.map_or_else(|| self.settings.node.clone(), |row| row.node.clone()))
    }

    fn creation(
        &self,
        plan: &ContainerPlan,
        volume: String,
        seat: &(u32, Seat),
        what: (GuestPlace, &Release),
    ) -> ApiRequest {
        let (place, release) = what;
        let image = matches!(plan.source, ContainerSource::Image { .. });
        let new = NewContainer {
            id: place.id(),
            template: volume,
            storage: self.settings.storage.clone(),
            size: plan.disk,
            unprivileged: true,
            nesting: false,
            pool: self.settings.pool.clone(),
            ssh_keys: None,
            settings: ContainerSettings {
                hostname: Some(self.name(&seat.1)),
                description: Some(self.marker(&seat.1, place, release).description()),
                cores: Some(plan.cores),
                memory: Some(plan.memory),
                card: Some(self.card(plan, place.address(), image)),
                ..ContainerSettings::default()
            },
        };
        container::create(&self.settings.node, &new)
    }

    /// The one network card of a container.
    pub(super) fn card(&self, plan: &ContainerPlan, address: Option<IpAddr>, image: bool) -> ContainerCard {
        ContainerCard {
            mac: None,
            plug: plan.plug.clone(),
            addressing: address.and_then(|address| self.addressing(address)),
            host_managed: image,
        }
    }

    /// An address with its network.
    pub(super) fn addressing(&self, address: IpAddr) -> Option<Addressing> {
        let network = self.settings.network.as_ref()?;
        Some(Addressing {
            address,
            prefix: network.addresses.subnet.prefix_len(),
            gateway: Some(network.addresses.gateway),
        })
    }

    fn name(&self, seat: &Seat) -> String {
        guest_name(
            self.settings.prefix.as_deref(),
            &self.settings.service,
            &seat.0,
            seat.1,
        )
    }

    fn marker(&self, seat: &Seat, place: GuestPlace, release: &Release) -> Marker {
        NewMarker::new(
            place.id(),
            &self.settings.service,
            &self.settings.environment,
            (&seat.0, seat.1),
        )
        .of(release.id(), self.settings.expires)
    }

    /// The tags of this environment's guests.
    pub(super) fn tags(&self) -> std::collections::BTreeSet<String> {
        tags(&self.settings.environment)
    }
}
