//! Ten thousand random runs: two deployers, people who make, destroy and use ids again at any moment, and
//! whatever else can go wrong. No guest of others is ever touched, and what is said to be there is there.

use super::stage::{Stage, container, unit, vm};
use greenroom::adapters::proxmox::GuestRef;
use greenroom::adapters::proxmox::guest::Marker;
use greenroom::adapters::targets::proxmox::{ContainerSource, GuestSettings, GuestWorkload, ProxmoxTarget};
use greenroom::domain::model::{Release, ReleaseId, Slot, UnitId};
use greenroom::parallel::each;
use greenroom::ports::{Clock as _, Stop, Target};
use greenroom::testing::proxmox::{FakeCluster, FakeGuest, FaultTiming, TaskFault, USER, What};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many runs.
const RUNS: u64 = 10_000;
/// Whose token the second deployer has, where it has one of its own.
const OTHER: &str = "cd@pve!other";
/// Ids that everybody fights for.
const IDS: std::ops::RangeInclusive<u32> = 2000..=2011;

/// `SplitMix64`: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn id(&mut self) -> u32 {
        IDS.start() + u32::try_from(self.roll(12)).unwrap()
    }

    fn slot(&mut self) -> Slot {
        Slot::BOTH[usize::from(self.one_in(2))]
    }

    fn unit(&mut self) -> UnitId {
        unit(usize::from(self.one_in(2)))
    }
}

/// Guests of people, by serial number, as they were made.
type Foreign = Arc<Mutex<BTreeMap<u64, FakeGuest>>>;

struct Run {
    stage: Stage,
    dice: Dice,
    settings: [GuestSettings; 2],
    users: [&'static str; 2],
    targets: Vec<ProxmoxTarget>,
    releases: [Release; 2],
    foreign: Foreign,
}

/// People make a guest with this id, perhaps in place of another.
fn intrude(cluster: &FakeCluster, dice: &mut Dice, id: u32, foreign: &Foreign) {
    let at = match dice.roll(3) {
        0 => GuestRef::container("pve1", id),
        _ => GuestRef::vm("pve1", id),
    };
    // Sometimes it is a copy of one of ours, with everything that can be copied. Who writes the marker of a
    // half-made guest into a guest of their own with that very id has given it away.
    let before = cluster.guest(id).filter(is_made);
    let model = cluster
        .guests()
        .into_iter()
        .filter(|guest| guest.maker.is_some() && guest.at.kind == at.kind)
        .filter(is_made)
        .min_by_key(FakeGuest::id);
    let serial = cluster.add_guest(at, "nextcloud");
    let (is_copy, runs) = (dice.one_in(2), dice.one_in(2));
    cluster.edit(id, |guest| {
        guest.running = runs;
        if let (true, Some(model)) = (is_copy, before.or(model)) {
            for (name, value) in model.config {
                let identity = matches!(name.as_str(), "smbios1" | "vmgenid" | "net0");
                if !identity && model.at.kind == guest.at.kind {
                    guest.config.insert(name, value);
                }
            }
            guest.pool = model.pool;
        }
    });
    foreign.lock().unwrap().insert(serial, cluster.guest(id).unwrap());
}

/// Whether it is one of ours that is made in full.
fn is_made(guest: &FakeGuest) -> bool {
    let marker = guest.config.get("description").map(|text| Marker::read(text));
    matches!(marker, Some(Ok(marker)) if marker.identity.is_some())
}

/// What goes wrong with one of the next requests.
fn fault(dice: &mut Dice) -> What {
    let task = |exit: &str, done| {
        What::Task(TaskFault {
            exit: exit.to_owned(),
            done,
        })
    };
    match dice.roll(12) {
        0 => What::Refuse(500, "something went wrong".to_owned()),
        1 => What::Refuse(
            500,
            "unable to create VM 2000: config file already exists".to_owned(),
        ),
        2 => What::Refuse(500, "can't lock file '/var/lock/x' - got timeout".to_owned()),
        3 => What::DoneBut(596, String::new()),
        4 => What::Cut,
        5 => What::DoneButCut,
        6 => What::Unreachable,
        7 => What::Nonsense("{}".to_owned()),
        8 => task("unexpected status", false),
        9 => task("unexpected status", true),
        10 => task("WARNINGS: 2", true),
        _ => task("clone failed: out of space", false),
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let stage = Stage::new();
        let _docker = stage.docker();
        let plan = match dice.roll(3) {
            0 => vm(None),
            1 => vm(Some(GuestWorkload::Docker(8080))),
            _ => container(ContainerSource::Clone(9100)),
        };
        for kind in [
            "qmclone",
            "vzclone",
            "qmstart",
            "vzstart",
            "qmshutdown",
            "qmdestroy",
            "resize",
        ] {
            let seconds = dice.roll(3);
            stage.cluster.takes(kind, Duration::from_secs(seconds));
        }
        let first = GuestSettings {
            ids: IDS,
            timeout: Duration::from_secs(60),
            protect: dice.one_in(4),
            pool: (!dice.one_in(3)).then(|| "staging".to_owned()),
            ..stage.settings(plan, 2)
        };
        // The same deployment started twice, or another environment that was given the same range.
        let (second, other) = if dice.one_in(2) {
            (first.clone(), USER)
        } else {
            let second = GuestSettings {
                environment: "production".parse().unwrap(),
                ..first.clone()
            };
            (second, OTHER)
        };
        let releases = [stage.release("1.0.0"), stage.release("2.0.0")];
        let mut run = Self {
            stage,
            dice,
            settings: [first, second],
            users: [USER, other],
            targets: Vec::new(),
            releases,
            foreign: Foreign::default(),
        };
        run.targets = vec![run.target(0), run.target(1)];
        run
    }

    /// A deployer that knows nothing.
    fn target(&self, which: usize) -> ProxmoxTarget {
        let session = Arc::new(self.stage.cluster.session(self.users[which]));
        self.stage.target_over(self.settings[which].clone(), session)
    }

    /// People act between the requests, but not between the last look at a guest and what is done to it
    /// next: nobody can see that.
    fn let_people_in(&mut self) {
        let foreign = self.foreign.clone();
        let mut dice = Dice(self.dice.roll(u64::MAX));
        self.stage.cluster.between(move |cluster, request| {
            if !request.writes() && dice.one_in(40) {
                let id = dice.id();
                match dice.roll(4) {
                    _ if is_left(cluster, id) => {}
                    0 => cluster.remove(id),
                    _ => intrude(cluster, &mut dice, id, &foreign),
                }
            }
        });
    }

    fn act(&mut self) {
        let passes = Duration::from_millis(250 * self.dice.roll(8));
        self.stage.clock.advance(passes);
        let which = usize::from(self.dice.one_in(2));
        let (unit, slot) = (self.dice.unit(), self.dice.slot());
        // What they are told may be an error: what counts is what is there.
        match self.dice.roll(16) {
            0..=5 => {
                let release = &self.releases[usize::from(self.dice.one_in(2))];
                let _ = self.targets[which].put(&unit, slot, release);
            }
            6..=9 => {
                let stop = [Stop::Graceful, Stop::Force][usize::from(self.dice.one_in(2))];
                let _ = self.targets[which].remove(&unit, slot, stop);
            }
            10 => drop(self.targets[which].inspect(&unit)),
            11 => self.targets[which] = self.target(which),
            12 => {
                let id = self.dice.id();
                self.stage.cluster.edit(id, |guest| {
                    if guest.maker.is_some() {
                        guest.running = false;
                    }
                });
            }
            13 => {
                let id = self.dice.id();
                if !is_left(&self.stage.cluster, id) {
                    intrude(&self.stage.cluster, &mut self.dice, id, &self.foreign);
                }
            }
            14 => {
                let nth = usize::try_from(self.dice.roll(8)).unwrap() + 1;
                let fault = fault(&mut self.dice);
                self.stage.cluster.fault(FaultTiming::Nth(nth), fault);
            }
            _ => self.stage.clock.advance(Duration::from_secs(self.dice.roll(80))),
        }
    }

    /// What must hold at any moment, and is looked at in the end.
    fn check(&self) {
        for user in self.users {
            assert_eq!(self.stage.cluster.foreign_touched(user), []);
        }
        for (serial, made) in self.foreign.lock().unwrap().iter() {
            let now = self.stage.cluster.guest(made.id());
            let now = now.unwrap_or_else(|| panic!("{} of people is gone", made.id()));
            assert_eq!(
                (now.serial, &now.config, now.running),
                (*serial, &made.config, made.running)
            );
        }
        self.stage.cluster.between(|_, _| {});
        for which in 0..2 {
            self.check_truth(which);
        }
    }

    /// What a new process says is there is there, and nothing of ours is passed over.
    fn check_truth(&self, which: usize) {
        let settings = &self.settings[which];
        let mut held: BTreeMap<(UnitId, Slot), BTreeSet<(ReleaseId, bool)>> = BTreeMap::new();
        for guest in self.stage.cluster.guests() {
            let making = matches!(guest.lock.as_deref(), Some("clone" | "create"));
            let marker = guest
                .config
                .get("description")
                .and_then(|text| Marker::read(text).ok());
            let Some(marker) = marker.filter(|_| !making && guest.maker.is_some()) else {
                continue;
            };
            if marker.environment != settings.environment {
                continue;
            }
            let worked = settings.guest_runs_by_itself() || marker.workload;
            let runs = guest.running && marker.identity.is_some() && worked;
            let place = held.entry((marker.unit, marker.slot)).or_default();
            place.insert((marker.release, runs));
        }
        let target = self.target(which);
        for number in 0..2 {
            let mut seen = None;
            for _ in 0..20 {
                // Faults that are still to come.
                seen = seen.or_else(|| target.inspect(&unit(number)).ok());
            }
            let seen = seen.unwrap().slots;
            for slot in Slot::BOTH {
                let there = held.get(&(unit(number), slot));
                let said = seen
                    .get(&slot)
                    .map(|instance| (instance.release.clone(), instance.running));
                match (there, said) {
                    (None, None) => {}
                    (Some(there), Some(said)) => assert!(there.contains(&said), "{there:?} {said:?}"),
                    (there, said) => {
                        let guests = self.stage.cluster.guests();
                        panic!("web-{number} {slot}: {there:?}, said: {said:?}\n{guests:#?}")
                    }
                }
            }
        }
    }
}

/// Whether people leave this id alone: it is theirs, or a task holds it, which keeps them out as well.
fn is_left(cluster: &FakeCluster, id: u32) -> bool {
    cluster.is_held(id) || cluster.guest(id).is_some_and(|guest| guest.maker.is_none())
}

trait RunsByItself {
    fn guest_runs_by_itself(&self) -> bool;
}

impl RunsByItself for GuestSettings {
    fn guest_runs_by_itself(&self) -> bool {
        match &self.guest {
            greenroom::adapters::targets::proxmox::GuestPlan::Vm(vm) => vm.workload.is_none(),
            greenroom::adapters::targets::proxmox::GuestPlan::Container(_) => true,
        }
    }
}

#[test]
fn ten_thousand_random_runs_touch_no_guest_of_others() {
    let seeds: Vec<u64> = (0..RUNS).collect();
    let began = std::time::Instant::now();
    let made = each(&seeds, 2, |seed| {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(*seed);
            run.let_people_in();
            for _ in 0..20 {
                run.act();
            }
            run.check();
            let writes = run.stage.cluster.touches().len();
            (
                writes,
                run.foreign.lock().unwrap().len(),
                run.stage.clock.monotonic(),
            )
        });
        outcome.unwrap_or_else(|_| panic!("seed {seed}"))
    });
    let writes: usize = made.iter().map(|(writes, ..)| writes).sum();
    let foreign: usize = made.iter().map(|(_, foreign, _)| foreign).sum();
    println!("{writes} {foreign} {:?}", began.elapsed());
    // They did something, and were in each other's way.
    assert!(
        writes > 50_000 && foreign > 10_000,
        "{writes} writes, {foreign} foreign"
    );
}
