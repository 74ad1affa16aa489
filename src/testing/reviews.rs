//! Reviews in memory: what people said about CI runs, rules of environments, teams; refused or lost on demand.

use crate::domain::model::{ErrorKind, PortError};
use crate::ports::{EnvironmentRules, Reviews, RunReview};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The organization that the repository belongs to: a team without one is its own.
const OWNER: &str = "acme";
/// What can be asked.
const VERBS: [&str; 3] = ["of_run", "environment_rules", "is_member"];

#[derive(Default)]
struct State {
    calls: Vec<String>,
    runs: BTreeMap<u64, Vec<RunReview>>,
    rules: BTreeMap<String, EnvironmentRules>,
    teams: BTreeMap<String, BTreeSet<String>>,
    refused: BTreeSet<String>,
    lost: BTreeSet<String>,
}

/// The forge of people. Names are kept and asked for without regard to case, as GitHub does; every call is
/// noted when it begins, also one that fails.
#[derive(Default)]
pub struct MemoryReviews {
    state: Mutex<State>,
}

impl MemoryReviews {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `who` say something about a run: as on GitHub about one environment or more.
    pub fn review(&self, run: u64, who: &str, approved: bool, environments: &[&str]) {
        assert!(!environments.is_empty(), "a review is about an environment");
        let review = RunReview {
            who: who.to_owned(),
            approved,
            environments: environments.iter().map(|name| (*name).to_owned()).collect(),
            comment: "::warning::\u{1b}[2J".to_owned(),
        };
        self.state().runs.entry(run).or_default().push(review);
    }

    /// Sets who may review an environment: logins, and slugs of teams.
    pub fn rules(&self, environment: &str, reviewers: &[&str], teams: &[&str]) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rules = EnvironmentRules {
            reviewers: owned(reviewers),
            teams: owned(teams),
            ..EnvironmentRules::default()
        };
        self.state().rules.insert(environment.to_lowercase(), rules);
    }

    /// Makes a team, `organization/slug`, with these members.
    pub fn team(&self, team: &str, members: &[&str]) {
        assert!(team.contains('/'), "{team} has no organization");
        let members = members.iter().map(|name| name.to_lowercase()).collect();
        self.state().teams.insert(team.to_lowercase(), members);
    }

    /// Lets every call of `verb` be refused for a missing permission from now on.
    pub fn refuse(&self, verb: &str) {
        assert!(VERBS.contains(&verb), "there is no {verb}");
        self.state().refused.insert(verb.to_owned());
    }

    /// Lets every call of `verb` go without an answer from now on.
    pub fn lose(&self, verb: &str) {
        assert!(VERBS.contains(&verb), "there is no {verb}");
        self.state().lost.insert(verb.to_owned());
    }

    /// Lets every call work again.
    pub fn recover(&self) {
        let mut state = self.state();
        state.refused.clear();
        state.lost.clear();
    }

    /// Every call so far: the verb and what it was about.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Notes a call, and fails as it was told to.
    fn call(&self, verb: &str, about: &str) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.state();
        state.calls.push(format!("{verb} {about}"));
        let failed = |kind, why: &str| Err(PortError::new(kind, format!("{verb} {about}"), why.to_owned()));
        if state.lost.contains(verb) {
            return failed(ErrorKind::Transient, "no answer");
        }
        if state.refused.contains(verb) {
            return failed(ErrorKind::Denied, "GitHub answered 403");
        }
        Ok(state)
    }
}

impl Reviews for MemoryReviews {
    /// A run that nobody spoke about is one all the same.
    fn of_run(&self, run: u64) -> Result<Vec<RunReview>, PortError> {
        let state = self.call("of_run", &run.to_string())?;
        Ok(state.runs.get(&run).cloned().unwrap_or_default())
    }

    fn environment_rules(&self, environment: &str) -> Result<Option<EnvironmentRules>, PortError> {
        let state = self.call("environment_rules", environment)?;
        Ok(state.rules.get(&environment.to_lowercase()).cloned())
    }

    /// A team that is not there looks like one that may not be seen, as on GitHub.
    fn is_member(&self, team: &str, login: &str) -> Result<bool, PortError> {
        let state = self.call("is_member", &format!("{team} {login}"))?;
        let (organization, slug) = team.split_once('/').unwrap_or((OWNER, team));
        let name = format!("{organization}/{slug}").to_lowercase();
        let found = state.teams.get(&name).ok_or_else(|| {
            PortError::new(
                ErrorKind::Denied,
                format!("is_member {team}"),
                "it is not there, or may not be seen".to_owned(),
            )
        })?;
        Ok(found.contains(&login.to_lowercase()))
    }
}
