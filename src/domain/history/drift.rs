//! Drift: what the ledger says about an environment, against what is found there.

use crate::domain::model::{ReleaseId, Route, Slot, UnitId, UnitState};

use crate::domain::rollout::Plan;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deviation {
    /// A unit cannot be looked at.
    Unknown,
    /// What should run is not there.
    Missing,
    /// It is there and does not run.
    Stopped,
    /// Something else runs in its place.
    OtherRelease,
    /// Something runs that nobody should miss.
    Leftover,
    /// Something is in the way that greenroom did not make.
    Foreign,
    /// The router leads nobody to it, or somewhere else.
    Traffic,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What kind.
    pub kind: Deviation,
    /// The unit; `None` where it is about the environment as a whole.
    pub unit: Option<UnitId>,
    /// The slot, where it is about one.
    pub slot: Option<Slot>,
    /// In one sentence.
    pub message: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Every unit that is on record or wanted; the error where one could not be looked at.
    pub units: BTreeMap<UnitId, Result<UnitState, String>>,
    /// The router's routes, or why they cannot be read; `None` where no router is configured.
    pub routes: Option<Result<Vec<Route>, String>>,
}

/// Every difference between the plan that brought what is `live` and what was found, unit by unit.
pub fn drift(live: Option<&Plan>, seen: &Seen) -> Vec<Drift> {
    let mut found = Vec::new();
    for (unit, state) in &seen.units {
        let differs = |kind, slot, message: String| Drift {
            kind,
            unit: Some(unit.clone()),
            slot,
            message,
        };
        match state {
            Err(why) => found.push(differs(
                Deviation::Unknown,
                None,
                format!("{unit} cannot be looked at: {why}"),
            )),
            Ok(state) => {
                let wanted = live.filter(|plan| is_wanted(plan, unit));
                found.extend(
                    instances(wanted, unit, state)
                        .into_iter()
                        .map(|(kind, slot, message)| differs(kind, slot, message)),
                );
                found.extend(state.foreign.iter().map(|what| {
                    let message = format!("{unit} holds what greenroom did not make: {what}");
                    differs(Deviation::Foreign, None, message)
                }));
            }
        }
    }
    found.extend(traffic(live, seen));
    found
}

type Difference = (Deviation, Option<Slot>, String);

fn is_wanted(plan: &Plan, unit: &UnitId) -> bool {
    let mut placements = plan.placements.iter();
    placements.any(|placement| placement.unit == *unit && placement.candidate.is_some())
}

/// What differs in one unit; `wanted` is what should run there.
fn instances(wanted: Option<&Plan>, unit: &UnitId, state: &UnitState) -> Vec<Difference> {
    let id = wanted.map(|plan| plan.candidate.id());
    let own = state
        .slots
        .iter()
        .filter(|(_, instance)| Some(&instance.release) == id.as_ref());
    let mut own = own.collect::<Vec<_>>();
    own.sort_by_key(|(_, instance)| !instance.running);
    let mut found = Vec::new();
    if let (Some(plan), None) = (wanted, own.first()) {
        let version = &plan.candidate.version;
        let others: Vec<String> = state
            .slots
            .iter()
            .map(|(slot, instance)| format!("{} in {slot}", named(wanted, &instance.release)))
            .collect();
        found.push(if others.is_empty() {
            let message = format!("{unit} should run {version}, and nothing stands there");
            (Deviation::Missing, None, message)
        } else {
            let message = format!(
                "{unit} should run {version}, and holds {} instead",
                others.join(" and ")
            );
            (Deviation::OtherRelease, None, message)
        });
        return found;
    }
    if let (Some(plan), Some((slot, instance))) = (wanted, own.first())
        && !instance.running
    {
        let note = instance.note.as_deref().unwrap_or("it does not run");
        let message = format!("{unit} ({slot}) should run {}: {note}", plan.candidate.version);
        found.push((Deviation::Stopped, Some(**slot), message));
    }
    let serving = own.first().map(|(slot, _)| **slot);
    for (slot, instance) in state.slots.iter().filter(|(slot, _)| Some(**slot) != serving) {
        let state = if instance.running { "runs" } else { "is left" };
        let message = format!(
            "{unit} ({slot}): {} {state} and is not on record",
            named(wanted, &instance.release)
        );
        found.push((Deviation::Leftover, Some(*slot), message));
    }
    found
}

/// A release in words.
fn named(plan: Option<&Plan>, id: &ReleaseId) -> String {
    let known = plan.and_then(|plan| {
        let mut releases = [Some(&plan.candidate), plan.previous.as_ref()]
            .into_iter()
            .flatten();
        releases.find(|release| release.id() == *id)
    });
    match known {
        Some(release) => release.version.to_string(),
        None => format!("another release ({id})"),
    }
}

/// Whether the traffic goes to what is live, evenly, and to nobody else.
fn traffic(live: Option<&Plan>, seen: &Seen) -> Vec<Drift> {
    let routes = match &seen.routes {
        Some(Ok(routes)) => routes,
        Some(Err(why)) if live.is_some() => return vec![misled(None, format!("the router: {why}"))],
        Some(Err(_)) | None => return Vec::new(),
    };
    let id = live.map(|plan| plan.candidate.id());
    let (mut found, mut weights) = (Vec::new(), Vec::new());
    for (unit, state) in &seen.units {
        let Ok(state) = state else { continue };
        let wanted = live.is_some_and(|plan| is_wanted(plan, unit));
        let serving = state
            .slots
            .iter()
            .find(|(_, instance)| wanted && instance.running && Some(&instance.release) == id.as_ref());
        let Some((slot, instance)) = serving else { continue };
        let route = routes
            .iter()
            .find(|route| route.unit == *unit && route.slot == *slot);
        let place = Some((unit, *slot));
        let Some(route) = route.filter(|route| route.weight > 0) else {
            found.push(misled(place, format!("{unit} ({slot}) runs and has no traffic")));
            continue;
        };
        weights.push(route.weight);
        let elsewhere = instance.address.as_ref();
        if let Some(address) = elsewhere.filter(|address| **address != route.address) {
            let wrong = &route.address;
            let message = format!("{unit} ({slot}) is at {address}, and the router leads to {wrong}");
            found.push(misled(place, message));
        }
    }
    found.extend(astray(routes, seen, id.as_ref()));
    if weights.iter().any(|weight| Some(weight) != weights.first()) {
        let shown: Vec<String> = weights.iter().map(u16::to_string).collect();
        let shown = shown.join(" : ");
        found.push(misled(
            None,
            format!("the units get unequal shares of the traffic: {shown}"),
        ));
    }
    found
}

fn misled(place: Option<(&UnitId, Slot)>, message: String) -> Drift {
    Drift {
        kind: Deviation::Traffic,
        unit: place.map(|(unit, _)| unit.clone()),
        slot: place.map(|(_, slot)| slot),
        message,
    }
}

/// Routes with traffic to what is not live. Of a unit that could not be looked at nothing is said.
fn astray(routes: &[Route], seen: &Seen, id: Option<&ReleaseId>) -> Vec<Drift> {
    let is_astray = |route: &&Route| {
        let release = match seen.units.get(&route.unit) {
            Some(Err(_)) => return false,
            Some(Ok(state)) => state.slots.get(&route.slot),
            None => None,
        };
        route.weight > 0 && release.is_none_or(|found| Some(&found.release) != id)
    };
    let told = |route: &Route| {
        let Route {
            unit, slot, address, ..
        } = route;
        let message =
            format!("the router leads to {unit} ({slot}) at {address}, where nothing that is live stands");
        misled(Some((unit, *slot)), message)
    };
    routes.iter().filter(is_astray).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Instance, Release, Timestamp};

    use crate::testing::story::plan;

    fn instance(release: &Release, running: bool) -> Instance {
        Instance {
            release: release.id(),
            running,
            address: Some("http://10.0.0.1:80".parse().unwrap()),
            started: Timestamp::from_unix_millis(0),
            note: (!running).then(|| "exited with status 1".to_owned()),
        }
    }

    fn seen(instances: &[(Slot, Instance)], routes: &[(Slot, u16)]) -> Seen {
        let unit: UnitId = "web-1".parse().unwrap();
        let state = UnitState {
            slots: instances.iter().cloned().collect(),
            foreign: None,
        };
        let routes = routes.iter().map(|(slot, weight)| Route {
            unit: unit.clone(),
            slot: *slot,
            address: "http://10.0.0.1:80".parse().unwrap(),
            weight: *weight,
        });
        Seen {
            routes: Some(Ok(routes.collect())),
            units: BTreeMap::from([(unit, Ok(state))]),
        }
    }

    fn told(live: Option<&Plan>, seen: &Seen) -> Vec<String> {
        let found = drift(live, seen);
        let told = found
            .iter()
            .map(|drift| format!("{:?}: {}", drift.kind, drift.message));
        told.collect()
    }

    #[test]
    fn what_is_as_it_should_be_has_no_drift() {
        let plan = plan("d-2", "2.0.0", Some("1.0.0"));
        let now = [(Slot::Green, instance(&plan.candidate, true))];
        assert_eq!(
            told(Some(&plan), &seen(&now, &[(Slot::Green, 100)])),
            Vec::<String>::new()
        );
        assert_eq!(
            told(Some(&plan), &seen(&now, &[(Slot::Green, 7), (Slot::Blue, 0)])),
            Vec::<String>::new()
        );
        assert_eq!(told(None, &seen(&[], &[])), Vec::<String>::new());
    }

    #[test]
    fn each_way_to_differ_is_told() {
        let plan = plan("d-2", "2.0.0", Some("1.0.0"));
        let (new, old) = (&plan.candidate, plan.previous.as_ref().unwrap());
        let live = Some(&plan);
        let cases = [
            told(live, &seen(&[], &[])),
            told(
                live,
                &seen(&[(Slot::Green, instance(new, false))], &[(Slot::Green, 1)]),
            ),
            told(
                live,
                &seen(&[(Slot::Blue, instance(old, true))], &[(Slot::Blue, 1)]),
            ),
            told(
                live,
                &seen(
                    &[
                        (Slot::Green, instance(new, true)),
                        (Slot::Blue, instance(old, true)),
                    ],
                    &[(Slot::Green, 90), (Slot::Blue, 10)],
                ),
            ),
            told(live, &seen(&[(Slot::Green, instance(new, true))], &[])),
            told(
                None,
                &seen(&[(Slot::Green, instance(new, true))], &[(Slot::Green, 1)]),
            ),
        ];
        insta::assert_snapshot!(cases.map(|lines| lines.join("\n")).join("\n---\n"), @r"
        Missing: web-1 should run 2.0.0, and nothing stands there
        ---
        Stopped: web-1 (green) should run 2.0.0: exited with status 1
        ---
        OtherRelease: web-1 should run 2.0.0, and holds 1.0.0 in blue instead
        Traffic: the router leads to web-1 (blue) at http://10.0.0.1:80, where nothing that is live stands
        ---
        Leftover: web-1 (blue): 1.0.0 runs and is not on record
        Traffic: the router leads to web-1 (blue) at http://10.0.0.1:80, where nothing that is live stands
        ---
        Traffic: web-1 (green) runs and has no traffic
        ---
        Leftover: web-1 (green): another release (1d5b1f7174d7c6b2) runs and is not on record
        Traffic: the router leads to web-1 (green) at http://10.0.0.1:80, where nothing that is live stands
        ");
    }

    #[test]
    fn what_cannot_be_seen_is_no_pass() {
        let plan = plan("d-2", "2.0.0", None);
        let unit: UnitId = "web-1".parse().unwrap();
        let mut unseen = seen(
            &[(Slot::Green, instance(&plan.candidate, true))],
            &[(Slot::Green, 1)],
        );
        unseen.routes = Some(Err("it does not run".to_owned()));
        assert_eq!(
            told(Some(&plan), &unseen),
            ["Traffic: the router: it does not run"]
        );
        unseen.units.insert(unit.clone(), Err("no answer".to_owned()));
        let unknown = ["Unknown: web-1 cannot be looked at: no answer"];
        unseen.routes = seen(&[], &[(Slot::Green, 1)]).routes;
        assert_eq!(told(Some(&plan), &unseen), unknown, "it may well be there");
        unseen.routes = None;
        assert_eq!(told(Some(&plan), &unseen), unknown);
        let foreign = UnitState {
            slots: BTreeMap::from([(Slot::Green, instance(&plan.candidate, true))]),
            foreign: Some("VM 2003".to_owned()),
        };
        unseen.units.insert(unit, Ok(foreign));
        assert_eq!(
            told(Some(&plan), &unseen),
            ["Foreign: web-1 holds what greenroom did not make: VM 2003"]
        );
    }

    #[test]
    fn shares_and_addresses_are_compared() {
        let mut plan = plan("d-2", "2.0.0", None);
        let mut placement = plan.placements[0].clone();
        placement.unit = "web-2".parse().unwrap();
        plan.placements.push(placement);
        let one = seen(
            &[(Slot::Green, instance(&plan.candidate, true))],
            &[(Slot::Green, 90)],
        );
        let mut two = one.clone();
        let state = one.units.values().next().unwrap().clone();
        two.units.insert("web-2".parse().unwrap(), state);
        let mut routes = one.routes.unwrap().unwrap();
        let mut more = routes[0].clone();
        more.unit = "web-2".parse().unwrap();
        more.weight = 10;
        more.address = "http://10.0.0.2:80".parse().unwrap();
        routes.push(more);
        two.routes = Some(Ok(routes));
        assert_eq!(
            told(Some(&plan), &two),
            [
                "Traffic: web-2 (green) is at http://10.0.0.1:80, and the router leads to http://10.0.0.2:80",
                "Traffic: the units get unequal shares of the traffic: 90 : 10"
            ]
        );
    }
}
