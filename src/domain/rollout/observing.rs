//! Observing: what target and router report, and the record → which slot of each unit serves.

use super::planning::{Observed, Occupancy};
use crate::domain::model::{Release, ReleaseId, Slot, UnitId};
use std::collections::BTreeMap;

/// One slot as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSlot {
    /// The unit.
    pub unit: UnitId,
    /// The slot.
    pub slot: Slot,
    /// The release in it.
    pub release: ReleaseId,
    /// Whether it runs.
    pub running: bool,
    /// Its weight in the router, where it has a route.
    pub weight: u16,
}

/// Tells serving slots from leftovers.
///
/// The router's word comes first: the slot with most traffic serves. Without traffic, the slot that
/// runs the release on record serves. Whatever else stands there was left by a rollout that failed.
pub fn observe(found: &[FoundSlot], live: Option<&Release>) -> Observed {
    let live_id = live.map(Release::id);
    let mut units: BTreeMap<UnitId, Vec<&FoundSlot>> = BTreeMap::new();
    for slot in found {
        units.entry(slot.unit.clone()).or_default().push(slot);
    }
    let units = units
        .into_iter()
        .map(|(unit, slots)| {
            let serving = slots
                .iter()
                .filter(|slot| slot.weight > 0 && slot.running)
                .max_by_key(|slot| slot.weight)
                .or_else(|| slots.iter().find(|slot| Some(&slot.release) == live_id.as_ref()))
                .map(|slot| slot.slot);
            let leftover = slots
                .iter()
                .map(|slot| slot.slot)
                .find(|slot| Some(*slot) != serving);
            (unit, Occupancy { serving, leftover })
        })
        .collect();
    Observed {
        live: live.cloned(),
        units,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str) -> Release {
        Release {
            version: version.parse().unwrap(),
            artifact: None,
            commit: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    fn found(slot: Slot, release: &Release, running: bool, weight: u16) -> FoundSlot {
        FoundSlot {
            unit: "web-1".parse().unwrap(),
            slot,
            release: release.id(),
            running,
            weight,
        }
    }

    #[test]
    fn traffic_decides_which_slot_serves_and_the_record_where_there_is_none() {
        let (one, two) = (release("1"), release("2"));
        let occupancy = |found: &[FoundSlot], live: Option<&Release>| {
            observe(found, live)
                .units
                .into_values()
                .next()
                .unwrap_or_default()
        };
        let both = [
            found(Slot::Blue, &one, true, 0),
            found(Slot::Green, &two, true, 100),
        ];
        assert_eq!(
            occupancy(&both, Some(&one)),
            Occupancy {
                serving: Some(Slot::Green),
                leftover: Some(Slot::Blue)
            },
            "the router's word comes first"
        );
        let quiet = [
            found(Slot::Blue, &one, true, 0),
            found(Slot::Green, &two, true, 0),
        ];
        assert_eq!(
            occupancy(&quiet, Some(&two)),
            Occupancy {
                serving: Some(Slot::Green),
                leftover: Some(Slot::Blue)
            }
        );
        assert_eq!(
            occupancy(&quiet[..1], None),
            Occupancy {
                serving: None,
                leftover: Some(Slot::Blue)
            },
            "what nobody recorded and nobody reaches is a leftover"
        );
        let dead = [found(Slot::Blue, &one, false, 100)];
        assert_eq!(
            occupancy(&dead, Some(&one)).serving,
            Some(Slot::Blue),
            "a stopped instance of the live release still holds its slot"
        );
    }
}
