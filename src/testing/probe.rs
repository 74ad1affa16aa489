//! A probe that answers from a script, and the contract of the port.

use crate::domain::model::{
    Check, CheckKind, Endpoint, ErrorKind, HttpExpectation, HttpProbe, Observation, Period, PortError,
    ProbeSpec, Sample,
};
use crate::ports::{Clock, Probe};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One scripted sample.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What the sample sees, or why it cannot be taken.
    pub seen: Result<Observation, PortError>,
    /// How long it claims to have taken; the clock is not moved.
    pub took: Period,
}

impl Reply {
    /// An HTTP answer.
    pub fn answer(status: u16, body: &str) -> Self {
        Self::seen(Observation::Answer {
            status,
            headers: BTreeMap::new(),
            body: body.into(),
        })
    }

    /// Nothing listens.
    pub fn refused() -> Self {
        Self::seen(Observation::Unanswered("connection refused".to_owned()))
    }

    /// This observation.
    pub fn seen(seen: Observation) -> Self {
        Self {
            seen: Ok(seen),
            took: Period::from_millis(1),
        }
    }

    /// No sample can be taken.
    pub fn error(kind: ErrorKind) -> Self {
        Self {
            seen: Err(PortError::new(kind, "sampling", "scripted")),
            took: Period::ZERO,
        }
    }
}

/// Answers from a script, per check and, where that matters, per endpoint. Stricter than the real
/// one: a sample that the script does not foresee is an `Invalid` error and remembered, and
/// [`FakeProbe::finish`] tells of it and of every reply that was not fetched.
pub struct FakeProbe {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scripts: Vec<Script>,
    taken: Vec<(String, Endpoint)>,
    unforeseen: Vec<String>,
}

struct Script {
    check: String,
    endpoint: Option<Endpoint>,
    replies: VecDeque<Reply>,
    /// What follows when the replies are used up.
    ever_after: Option<Reply>,
}

impl FakeProbe {
    /// A probe without a script, whose samples are taken at the time of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// Samples of `check` (at `endpoint`, or wherever no script names the endpoint) get these replies,
    /// one after the other, each exactly once.
    pub fn script(
        &self,
        check: &str,
        endpoint: Option<&Endpoint>,
        replies: impl IntoIterator<Item = Reply>,
    ) -> &Self {
        let mut state = self.state();
        let script = state.script_of(check, endpoint);
        script.replies.extend(replies);
        drop(state);
        self
    }

    /// When the script of `check` is used up, samples get this reply any number of times, also none.
    pub fn ever_after(&self, check: &str, endpoint: Option<&Endpoint>, reply: Reply) -> &Self {
        let mut state = self.state();
        state.script_of(check, endpoint).ever_after = Some(reply);
        drop(state);
        self
    }

    /// Every sample that was asked for: the check's name and the endpoint.
    pub fn taken(&self) -> Vec<(String, Endpoint)> {
        self.state().taken.clone()
    }

    /// Whether everything went as scripted.
    ///
    /// # Errors
    /// Samples that were not foreseen, and replies that nobody fetched, one per line.
    pub fn finish(&self) -> Result<(), String> {
        let state = self.state();
        let mut problems = state.unforeseen.clone();
        problems.extend(
            state
                .scripts
                .iter()
                .filter(|script| !script.replies.is_empty())
                .map(|script| {
                    format!(
                        "{} replies for check {} were not fetched",
                        script.replies.len(),
                        script.check
                    )
                }),
        );
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.join("\n"))
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn script_of(&mut self, check: &str, endpoint: Option<&Endpoint>) -> &mut Script {
        let place = self.place_of(check, endpoint).unwrap_or_else(|| {
            self.scripts.push(Script {
                check: check.to_owned(),
                endpoint: endpoint.cloned(),
                replies: VecDeque::new(),
                ever_after: None,
            });
            self.scripts.len() - 1
        });
        &mut self.scripts[place]
    }

    fn place_of(&self, check: &str, endpoint: Option<&Endpoint>) -> Option<usize> {
        self.scripts
            .iter()
            .position(|script| script.check == check && script.endpoint.as_ref() == endpoint)
    }

    fn next(&mut self, check: &str, endpoint: &Endpoint) -> Option<Reply> {
        let place = self
            .place_of(check, Some(endpoint))
            .or_else(|| self.place_of(check, None))?;
        let script = &mut self.scripts[place];
        script.replies.pop_front().or_else(|| script.ever_after.clone())
    }
}

impl Probe for FakeProbe {
    fn sample(&self, check: &Check, endpoint: &Endpoint) -> Result<Sample, PortError> {
        let mut state = self.state();
        state.taken.push((check.name.clone(), endpoint.clone()));
        let Some(reply) = state.next(&check.name, endpoint) else {
            let problem = format!("no reply is scripted for check {} at {endpoint}", check.name);
            state.unforeseen.push(problem.clone());
            return Err(PortError::new(ErrorKind::Invalid, "sampling", problem));
        };
        drop(state);
        Ok(Sample {
            at: self.clock.now(),
            took: reply.took,
            seen: reply.seen?,
        })
    }
}

/// What every probe must do, tried on a service that answers `GET /` with 200 at `up` and an address
/// at `down` where nothing listens.
///
/// # Errors
/// The first breach, in words.
pub fn contract(probe: &dyn Probe, up: &Endpoint, down: &Endpoint) -> Result<(), String> {
    let http = check(ProbeSpec::Http(HttpProbe {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        expect: HttpExpectation::default(),
    }));
    match probe.sample(&http, up).map(|sample| sample.seen) {
        Ok(Observation::Answer { status: 200, .. }) => {}
        other => {
            return Err(format!(
                "a service that answers must be seen answering: {other:?}"
            ));
        }
    }
    let tcp = check(ProbeSpec::Tcp(None));
    match probe.sample(&tcp, up).map(|sample| sample.seen) {
        Ok(Observation::Connected) => {}
        other => return Err(format!("a service that listens must be connected to: {other:?}")),
    }
    for check in [&http, &tcp] {
        match probe.sample(check, down).map(|sample| sample.seen) {
            Ok(Observation::Unanswered(reason)) if !reason.is_empty() => {}
            other => {
                return Err(format!(
                    "a service that is down is a finding, no error: {other:?}"
                ));
            }
        }
    }
    match probe.sample(&check(ProbeSpec::Startup(Period::from_secs(1))), up) {
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(()),
        other => Err(format!("the startup time is not sampled: {other:?}")),
    }
}

/// The checks of the contract are named by their kind.
fn check(probe: ProbeSpec) -> Check {
    let name = match probe {
        ProbeSpec::Http(_) => "http",
        ProbeSpec::Tcp(_) => "tcp",
        ProbeSpec::Command(_) => "command",
        ProbeSpec::Startup(_) => "startup",
    };
    Check {
        name: name.to_owned(),
        kind: CheckKind::Health,
        probe,
        timeout: Period::from_secs(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::clock::SystemClock;

    fn fake() -> (FakeProbe, Endpoint, Endpoint) {
        (
            FakeProbe::new(Arc::new(SystemClock::new())),
            "http://up.test".parse().unwrap(),
            "http://down.test".parse().unwrap(),
        )
    }

    #[test]
    fn the_fake_keeps_the_contract_when_it_is_scripted_to() {
        let (probe, up, down) = fake();
        probe
            .script("http", Some(&up), [Reply::answer(200, "")])
            .script("tcp", Some(&up), [Reply::seen(Observation::Connected)])
            .ever_after("http", Some(&down), Reply::refused())
            .ever_after("tcp", Some(&down), Reply::refused())
            .script("startup", None, [Reply::error(ErrorKind::Unsupported)]);
        contract(&probe, &up, &down).unwrap();
        probe.finish().unwrap();
        assert_eq!(probe.taken().len(), 5);
    }

    #[test]
    fn the_contract_notices_each_breach() {
        let (probe, up, down) = fake();
        probe.ever_after("http", None, Reply::answer(200, ""));
        probe.ever_after("tcp", None, Reply::seen(Observation::Connected));
        let breach = contract(&probe, &up, &down).unwrap_err();
        assert!(breach.contains("is a finding"), "{breach}");
    }

    #[test]
    fn samples_that_were_not_foreseen_and_replies_not_fetched_are_told() {
        let (probe, up, _) = fake();
        probe.script("tcp", None, [Reply::refused(), Reply::refused()]);
        probe.sample(&check(ProbeSpec::Tcp(None)), &up).unwrap();
        let startup = check(ProbeSpec::Startup(Period::ZERO));
        assert_eq!(probe.sample(&startup, &up).unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(
            probe.finish().unwrap_err(),
            "no reply is scripted for check startup at http://up.test\n\
             1 replies for check tcp were not fetched"
        );
    }
}
