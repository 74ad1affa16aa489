//! Kills at every record boundary and at random moments, strategy by strategy.

use super::client::version_at;
use super::load::Load;
use super::project::pause;
use super::services;
use super::story::{Candidate, Moment, Story};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// At least this often a greenroom is killed at work, in each strategy's test: 200 times in all.
const KILLS: u32 = 50;
/// Kept-alive client connections.
const CLIENTS: usize = 16;
/// Longer than any of these rollouts takes.
const ROLLOUT: Duration = Duration::from_millis(900);

/// Rounds of the other tests.
const FIRSTS: u64 = 30;
const ROUTERS: u32 = 16;

const STRATEGIES: [&str; 4] = ["direct", "rolling", "blue-green", "canary"];

#[test]
fn fifty_kills_of_direct_rollouts_end_well() {
    println!("{}", kills_end_well("direct", &["ok", "unhealthy"]));
}

#[test]
fn fifty_kills_of_rolling_rollouts_end_well() {
    println!("{}", kills_end_well("rolling", &["ok", "unhealthy"]));
}

#[test]
fn fifty_kills_of_blue_green_rollouts_end_well() {
    println!("{}", kills_end_well("blue-green", &["ok", "unhealthy"]));
}

#[test]
fn fifty_kills_of_canaries_end_well() {
    // Only a canary meets real requests while it can still be taken back.
    println!("{}", kills_end_well("canary", &["ok", "unhealthy", "errors=0.5"]));
}

/// Under load: kills at every record boundary of this strategy with each of these behaviours, then at random
/// moments of rollouts of any strategy. Says what was seen.
fn kills_end_well(strategy: &'static str, behaviours: &[&'static str]) -> String {
    let _alone = alone();
    let begun = Instant::now();
    let mut story = Story::begin();
    let load = Load::start(story.project.listen, CLIENTS);
    let mut boundaries = Vec::new();
    for &behaviour in behaviours {
        let candidate = Candidate { strategy, behaviour };
        boundaries.push((behaviour, kill_at_every_boundary(&mut story, &load, candidate)));
    }
    while story.figures.kills < KILLS {
        kill_at_random(&mut story, &load);
    }
    let seen = load.stop();
    assert_eq!(story.project.run(&["audit", "verify"]), 0);
    let figures = format!(
        "{strategy}: {} kills in {:.0?}: {:?}; {} requests of {CLIENTS} clients ({} answered 500 as meant), {} \
         failed; {} records, whole; boundaries {boundaries:?}",
        story.figures.kills,
        begun.elapsed(),
        story.figures,
        seen.requests(),
        seen.meant,
        seen.failures.len(),
        story.project.records(),
    );
    assert_eq!(seen.failures, Vec::<String>::new());
    assert!(seen.requests() > 2_500, "hardly any load");
    assert!(
        boundaries.iter().all(|(_, number)| *number >= 6),
        "{boundaries:?}"
    );
    figures
}

/// Kills rollouts of this candidate at one record after the other; how many there are.
fn kill_at_every_boundary(story: &mut Story, load: &Load, candidate: Candidate) -> u64 {
    let (mut number, mut exact) = (0, true);
    loop {
        // Every other kill comes a little after the record: in the middle of the act.
        let later = if exact {
            Duration::ZERO
        } else {
            story.chance.below(Duration::from_millis(5))
        };
        let meant = load.seen().meant;
        let killed = story.round(candidate, Moment::Record(number, later));
        assert_none_failed(story, load);
        assert!(
            candidate.behaviour.starts_with("errors") || load.seen().meant == meant,
            "{candidate:?}"
        );
        match (killed, exact) {
            (true, _) => {
                number += 1;
                exact = !exact;
            }
            // The delay may have been what let it end.
            (false, false) => exact = true,
            (false, true) => return number,
        }
    }
}

/// Kills a rollout at any time, or in the middle of an act.
fn kill_at_random(story: &mut Story, load: &Load) {
    let strategy = story.chance.choose(&STRATEGIES);
    let behaviour = story.chance.choose(&["ok", "ok", "unhealthy"]);
    let moment = if story.chance.once_in(2) {
        Moment::After(story.chance.below(ROLLOUT))
    } else {
        Moment::Record(
            story.chance.choose(&[0, 1, 2, 5, 7, 9, 11, 13]),
            story.chance.below(Duration::from_millis(25)),
        )
    };
    story.round(Candidate { strategy, behaviour }, moment);
    assert_none_failed(story, load);
}

fn assert_none_failed(story: &Story, load: &Load) {
    let failures = load.seen().failures;
    assert_eq!(failures, Vec::<String>::new(), "{}", story.project.last_said());
}

#[test]
fn a_first_deployment_that_is_killed_is_taken_up_or_begun_anew() {
    let _alone = alone();
    let (mut open, mut kills) = (0, 0);
    for round in 0..FIRSTS {
        let mut story = Story::fresh();
        let moment = match round % 3 {
            0 => Moment::Record(round / 3, Duration::ZERO),
            1 => Moment::Router(story.chance.below(Duration::from_millis(12))),
            _ => Moment::After(story.chance.below(Duration::from_millis(400))),
        };
        let candidate = Candidate {
            strategy: STRATEGIES[0],
            behaviour: "ok",
        };
        let running = story.deploy(candidate);
        kills += u32::from(story.kill_at(running, moment, 0));
        if story.project.standing().open {
            open += 1;
            story.settle();
            story.check();
        }
        let again = story.deploy(candidate).wait();
        assert!(again.success(), "{moment:?}: {}", story.project.last_said());
        story.check();
        assert_eq!(story.project.run(&["audit", "verify"]), 0);
    }
    println!("{kills} first deployments killed, {open} of them open then");
    assert!(kills > 10);
}

#[test]
fn a_router_that_is_killed_comes_back_with_the_next_command() {
    let _alone = alone();
    let mut story = Story::begin();
    let (mut lost, mut halted) = (0, 0);
    for round in 0..ROUTERS {
        let candidate = Candidate {
            strategy: STRATEGIES[round as usize % STRATEGIES.len()],
            behaviour: "ok",
        };
        let load = Load::start(story.project.listen, 4);
        let base = story.project.records();
        let mut running = story.deploy(candidate);
        story.may_go_back = true;
        let number = u64::from(round / 4) * 4;
        while !story.project.record(base + number).exists() && !running.has_ended() {
            pause(Duration::from_micros(100));
        }
        services::kill_routers(&story.project.router_state());
        // Every other time greenroom goes with it.
        let code = match round % 2 {
            0 => running.wait().code(),
            _ => {
                story.figures.kills += u32::from(running.kill());
                None
            }
        };
        halted += u32::from(code == Some(5));
        assert!(
            matches!(code, None | Some(0 | 4 | 5)),
            "{code:?}: {}",
            story.project.last_said()
        );
        // What fails while no router is there is counted apart.
        lost += load.stop().failures.len();

        let open = story.project.standing().open;
        if open {
            story.settle();
        } else {
            let next = story.deploy(candidate).wait();
            assert!(next.success(), "{}", story.project.last_said());
        }
        let load = Load::start(story.project.listen, 4);
        story.check();
        let next = story.deploy(candidate).wait();
        assert!(next.success(), "{}", story.project.last_said());
        assert_none_failed(&story, &load);
        drop(load);
        story.check();
    }
    assert_eq!(story.project.run(&["audit", "verify"]), 0);
    println!("{ROUTERS} routers killed, {halted} rollouts halted over it, {lost} requests failed meanwhile");
    assert!(version_at(story.project.listen).is_ok());
}

/// One such test at a time: each looks after all children of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
