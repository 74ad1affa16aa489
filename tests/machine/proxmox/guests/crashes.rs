//! A process that dies at any moment is followed by one that knows nothing and goes on.

use super::stage::{Stage, kinds, unit};
use greenroom::adapters::proxmox::{ApiRequest, ApiResponse, NoAnswer, Transport};
use greenroom::domain::model::Slot;
use greenroom::ports::Stop;
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::{FakeCluster, USER};
use greenroom::testing::target::{PutNow as _, gone};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

struct Death;

/// Lets the process die at one request, before or after it was answered.
struct Mortal {
    cluster: Arc<FakeCluster>,
    clock: Arc<FakeClock>,
    left: AtomicUsize,
    after: bool,
}

impl Transport for Mortal {
    fn send(&self, request: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        self.clock.advance(Duration::from_millis(250));
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        if left == 0 {
            if self.after {
                let _ = self.cluster.send(request);
            }
            resume_unwind(Box::new(Death));
        }
        self.cluster.send(request)
    }

    fn peer(&self) -> String {
        self.cluster.peer()
    }
}

#[test]
fn a_death_at_any_request_is_survived() {
    let mut deaths = 0;
    for (name, plan) in kinds() {
        for after in [false, true] {
            for at in 0.. {
                let stage = Stage::new();
                let _docker = stage.docker();
                let settings = || stage.settings(plan.clone(), 1);
                let (first, second) = (stage.release("1.0.0"), stage.release("2.0.0"));
                // Tasks take time, so that they are met under way.
                for kind in [
                    "qmclone",
                    "vzclone",
                    "vzcreate",
                    "qmstart",
                    "vzstart",
                    "qmdestroy",
                    "imgcopy",
                ] {
                    stage.cluster.takes(kind, Duration::from_millis(900));
                }
                let mortal = |left, after| {
                    Arc::new(Mortal {
                        cluster: stage.cluster.clone(),
                        clock: stage.clock.clone(),
                        left: AtomicUsize::new(left),
                        after,
                    })
                };
                let target = stage.target_over(settings(), mortal(at, after));
                let life = catch_unwind(AssertUnwindSafe(|| {
                    target.put_now(&unit(0), Slot::Blue, &first).unwrap();
                    target.put_now(&unit(0), Slot::Green, &second).unwrap();
                    gone(&target, &unit(0), Slot::Blue, Stop::Graceful).unwrap();
                }));
                let died = match life {
                    Ok(()) => false,
                    Err(panic) if panic.is::<Death>() => true,
                    Err(panic) => resume_unwind(panic),
                };
                let heir = stage.target_over(settings(), mortal(usize::MAX, false));
                let put = heir.put_now(&unit(0), Slot::Green, &second).unwrap();
                gone(&heir, &unit(0), Slot::Blue, Stop::Graceful).unwrap();
                let guests = stage.cluster.guests();
                let ours: Vec<(u32, bool)> = guests
                    .iter()
                    .filter(|guest| guest.id() < 9000)
                    .map(|guest| (guest.id(), guest.running))
                    .collect();
                assert_eq!(ours, [(2001, true)], "{name}: request {at}, after: {after}");
                assert_eq!(put.release, second.id());
                assert_eq!(stage.cluster.foreign_touched(USER), []);
                if !died {
                    break;
                }
                deaths += 1;
            }
        }
    }
    assert!(deaths > 300, "only {deaths}");
}
