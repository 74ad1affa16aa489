//! Where guests may stand: ids within a range, each with an address of its own.

use crate::domain::model::Slot;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Addresses that guests may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The environment's subnet.
    pub subnet: IpNet,
    /// Its gateway.
    pub gateway: IpAddr,
    /// The first and the last; the whole subnet where absent.
    pub range: Option<(IpAddr, IpAddr)>,
    /// Addresses that belong to others: the service's own, the router's.
    pub reserved: Vec<IpAddr>,
}

impl Addresses {
    /// Whether a guest may have this address.
    pub fn allows(&self, address: IpAddr) -> bool {
        let within = self
            .range
            .is_none_or(|(first, last)| (first..=last).contains(&address));
        within && self.subnet.contains(&address) && !self.excluded().contains(&address)
    }

    /// The address number `nth`, counted from 0; `None` where there are not that many.
    pub fn nth(&self, nth: u32) -> Option<IpAddr> {
        let first = self.range.map_or(self.subnet.network(), |(first, _)| first);
        let mut excluded: Vec<u128> = self.excluded().into_iter().map(number).collect();
        excluded.sort_unstable();
        excluded.dedup();
        let mut wanted = number(first).checked_add(u128::from(nth))?;
        for taken in excluded {
            if (number(first)..=wanted).contains(&taken) {
                wanted = wanted.checked_add(1)?;
            }
        }
        let address = match first {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(wanted).ok()?.into()),
            IpAddr::V6(_) => IpAddr::V6(wanted.into()),
        };
        self.allows(address).then_some(address)
    }

    fn excluded(&self) -> Vec<IpAddr> {
        let mut excluded = self.reserved.clone();
        excluded.push(self.gateway);
        // In a network of one or two addresses there is neither.
        if self.subnet.prefix_len() + 1 < self.subnet.max_prefix_len() {
            excluded.extend([self.subnet.network(), self.subnet.broadcast()]);
        }
        excluded
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// A place for a guest. Only [`Places`] makes one: its id is in the range, its address in the subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestPlace {
    id: u32,
    address: Option<IpAddr>,
}

impl GuestPlace {
    /// The id.
    pub fn id(self) -> u32 {
        self.id
    }

    /// The address; `None` where the network gives one out.
    pub fn address(self) -> Option<IpAddr> {
        self.address
    }
}

/// All places of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Ids that guests may have.
    pub ids: RangeInclusive<u32>,
    /// How many units there are.
    pub units: u32,
    /// Their addresses; given out by the network where absent.
    pub addresses: Option<Addresses>,
}

impl Places {
    /// The place with this id.
    pub fn at(&self, id: u32) -> Option<GuestPlace> {
        if !self.ids.contains(&id) {
            return None;
        }
        let address = match &self.addresses {
            Some(addresses) => Some(addresses.nth(id - self.ids.start())?),
            None => None,
        };
        Some(GuestPlace { id, address })
    }

    /// Where the guest of this unit (counted from 0) and slot may stand, first choice first. No other
    /// unit or slot has any of them.
    pub fn candidates(&self, unit: u32, slot: Slot) -> impl Iterator<Item = GuestPlace> + '_ {
        let second = match slot {
            Slot::Blue => 0,
            Slot::Green => 1,
        };
        let stride = u64::from(self.units.max(1)) * 2;
        let first = u64::from(*self.ids.start()) + u64::from(unit) * 2 + second;
        let known = unit < self.units;
        (0..)
            .map(move |turn| first + turn * stride)
            .take_while(move |id| known && *id <= u64::from(*self.ids.end()))
            .filter_map(|id| self.at(u32::try_from(id).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn addresses(subnet: &str, gateway: &str) -> Addresses {
        Addresses {
            subnet: subnet.parse().unwrap(),
            gateway: gateway.parse().unwrap(),
            range: None,
            reserved: Vec::new(),
        }
    }

    fn places(ids: RangeInclusive<u32>, units: u32) -> Places {
        Places {
            ids,
            units,
            addresses: Some(addresses("10.0.0.0/24", "10.0.0.1")),
        }
    }

    fn shown(places: &Places, unit: u32, slot: Slot) -> Vec<String> {
        let candidates = places.candidates(unit, slot);
        candidates
            .map(|place| format!("{} {}", place.id(), place.address().unwrap()))
            .collect()
    }

    #[test]
    fn each_unit_and_slot_has_its_own_places() {
        let places = places(2000..=2009, 2);
        assert_eq!(
            shown(&places, 0, Slot::Blue),
            ["2000 10.0.0.2", "2004 10.0.0.6", "2008 10.0.0.10"]
        );
        assert_eq!(shown(&places, 1, Slot::Green), ["2003 10.0.0.5", "2007 10.0.0.9"]);
        assert!(shown(&places, 2, Slot::Blue).is_empty(), "there is no third unit");
    }

    #[test]
    fn addresses_of_others_are_passed_over() {
        let mut addresses = addresses("10.0.0.0/29", "10.0.0.3");
        addresses.reserved = vec!["10.0.0.5".parse().unwrap()];
        let all: Vec<String> = (0..)
            .map_while(|nth| addresses.nth(nth))
            .map(|a| a.to_string())
            .collect();
        assert_eq!(all, ["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.6"]);
        addresses.range = Some(("10.0.0.2".parse().unwrap(), "10.0.0.4".parse().unwrap()));
        let all: Vec<String> = (0..)
            .map_while(|nth| addresses.nth(nth))
            .map(|a| a.to_string())
            .collect();
        assert_eq!(all, ["10.0.0.2", "10.0.0.4"]);
    }

    #[test]
    fn without_a_network_there_are_only_ids() {
        let places = Places {
            addresses: None,
            ..places(100..=101, 1)
        };
        let found: Vec<_> = places
            .candidates(0, Slot::Green)
            .map(|p| (p.id(), p.address()))
            .collect();
        assert_eq!(found, [(101, None)]);
    }

    proptest! {
        #[test]
        fn no_two_places_share_an_id_or_an_address(
            start in 100..9000_u32, room in 0..300_u32, units in 1..40_u32, prefix in 20..31_u8,
            gateway in 0..64_u32, reserved in proptest::collection::vec(0..64_u32, 0..4), window in proptest::option::of((0..40_u32, 0..200_u32)),
        ) {
            let subnet: IpNet = format!("10.1.0.0/{prefix}").parse().unwrap();
            let host = |n: u32| IpAddr::V4((0x0A01_0000 + n).into());
            let addresses = Addresses {
                subnet,
                gateway: host(gateway),
                range: window.map(|(first, more)| (host(first), host(first + more))),
                reserved: reserved.into_iter().map(host).collect(),
            };
            let places = Places { ids: start..=start + room, units, addresses: Some(addresses.clone()) };
            let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
            for unit in 0..units {
                for slot in Slot::BOTH {
                    for place in places.candidates(unit, slot) {
                        let address = place.address().unwrap();
                        prop_assert!(places.ids.contains(&place.id()) && ids.insert(place.id()));
                        prop_assert!(addresses.allows(address) && taken.insert(address));
                        prop_assert!(subnet.contains(&address) && address != addresses.gateway);
                        prop_assert!(address != subnet.network() && address != subnet.broadcast());
                        prop_assert!(!addresses.reserved.contains(&address));
                    }
                }
            }
        }
    }
}
