//! Events held against rules.

use super::decision::{Decision, No, ReasonCode};
use super::{Inputs, PullRequest, Rule, TriggerEvent, When};
use crate::domain::model::{CommitId, EnvironmentName};

/// A decision to deploy, or why not.
type Answer = Result<Decision, No>;

/// Decides by the first rule that applies. `environments` are the names of all that are configured;
/// `changed` are the files that changed in the event's [span](TriggerEvent::span), where that is known.
pub fn decide(
    event: &TriggerEvent,
    rules: &[Rule],
    environments: &[EnvironmentName],
    changed: Option<&[String]>,
) -> Decision {
    let known = Known {
        rules,
        environments,
        changed,
    };
    let answer = match event {
        TriggerEvent::Absent => Err(No(
            ReasonCode::NoEvent,
            "there is no event here, so nothing says where to deploy; name the environment with -e"
                .to_owned(),
        )),
        TriggerEvent::Other { name } => Err(No(
            ReasonCode::UnsupportedEvent,
            format!("the event {name:?} never deploys; push, workflow_dispatch and pull_request do"),
        )),
        TriggerEvent::Push {
            reference,
            after,
            deleted,
            ..
        } => known.push(reference, after.as_ref(), *deleted),
        TriggerEvent::Dispatch {
            reference,
            commit,
            inputs,
        } => known.dispatch(inputs).map(|decision| {
            let on = reference.as_deref();
            match inputs.reference() {
                Some((asked, id)) if !is_same_ref(asked, on) => decision.of(Some(asked), id.as_ref()),
                _ => decision.of(on, commit.as_ref()),
            }
        }),
        TriggerEvent::PullRequest(pull) => known.pull_request(pull),
    };
    answer.unwrap_or_else(Decision::from)
}

/// Why nothing of this event is deployed, not even where a person names the environment: it is about a
/// change that comes from elsewhere.
pub fn foreign(event: &TriggerEvent) -> Option<Decision> {
    let TriggerEvent::PullRequest(pull) = event else {
        return None;
    };
    from_here(&called(pull), pull).err().map(Decision::from)
}

/// Whether `asked` (`main` or `refs/heads/main`) is the ref that the run belongs to.
fn is_same_ref(asked: &str, on: Option<&str>) -> bool {
    on.is_some_and(|full| {
        full == asked
            || full.strip_prefix("refs/heads/") == Some(asked)
            || full.strip_prefix("refs/tags/") == Some(asked)
    })
}

/// What an event is held against.
struct Known<'a> {
    rules: &'a [Rule],
    environments: &'a [EnvironmentName],
    changed: Option<&'a [String]>,
}

impl Known<'_> {
    fn push(&self, reference: &str, after: Option<&CommitId>, deleted: bool) -> Answer {
        if let Some(tag) = reference.strip_prefix("refs/tags/") {
            let reason = format!("a push of the tag {tag:?} deploys nothing; push rules are about branches");
            return Err(No(ReasonCode::TagPushed, reason));
        }
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
        if deleted {
            let reason = format!("the branch {branch:?} was deleted, so there is nothing to deploy");
            return Err(No(ReasonCode::BranchDeleted, reason));
        }
        let (environment, note) = self.arrived_on(branch)?;
        let why = format!("a commit was pushed to {branch:?}{note}");
        Ok(Decision::yes(ReasonCode::Push, environment, why).of(Some(reference), after))
    }

    /// Where a commit that came to `branch`, by a push or a merge, goes; and what is worth noting.
    fn arrived_on(&self, branch: &str) -> Result<(EnvironmentName, &'static str), No> {
        if branch.is_empty() {
            let reason = "the event does not say which branch it is about";
            return Err(No(ReasonCode::IncompleteEvent, reason.to_owned()));
        }
        let mut nearest = No(ReasonCode::NoRule, "no rule deploys on a push".to_owned());
        for rule in self.rules {
            let When::Push { branches, paths } = &rule.when else {
                continue;
            };
            if !branches.accepts(branch) {
                let reason = format!("no push rule is about the branch {branch:?}");
                nearest.instead_of(ReasonCode::NoRule, No(ReasonCode::OtherBranch, reason));
                continue;
            }
            let note = match self.changed {
                _ if paths.is_empty() => "",
                None => " (which files changed is not known, so the paths of the rule were not applied)",
                Some(files) if files.iter().any(|file| paths.accepts(file)) => "",
                Some(_) => {
                    let reason = format!("nothing changed on {branch:?} among {paths}");
                    nearest = No(ReasonCode::OtherPaths, reason);
                    continue;
                }
            };
            return Ok((self.destination(rule)?, note));
        }
        Err(nearest)
    }

    /// A person started the workflow.
    fn dispatch(&self, inputs: &Inputs) -> Answer {
        let invalid = |problem| No(ReasonCode::InvalidInput, problem);
        let asked = inputs.environment().map_err(invalid)?;
        let version = inputs.version().map_err(invalid)?;
        let skip_tests = inputs.skip_tests().map_err(invalid)?;
        let mut rules = self
            .rules
            .iter()
            .filter(|rule| rule.when == When::Dispatch)
            .peekable();
        let Some(first) = rules.peek() else {
            let reason = "no rule deploys on workflow_dispatch".to_owned();
            return Err(No(ReasonCode::NoRule, reason));
        };
        let environment = match asked {
            None => self.destination(first)?,
            Some(asked) => {
                let asked = self.existing(&asked)?;
                if !rules.any(|rule| rule.environment.as_ref().is_none_or(|allowed| *allowed == asked)) {
                    let reason = format!("no dispatch rule deploys to {asked}");
                    return Err(No(ReasonCode::UnknownEnvironment, reason));
                }
                asked
            }
        };
        Ok(Decision {
            version,
            skip_tests,
            inputs: inputs.own(),
            ..Decision::yes(
                ReasonCode::Dispatch,
                environment,
                "the workflow was started by hand",
            )
        })
    }

    fn pull_request(&self, pull: &PullRequest) -> Answer {
        let name = called(pull);
        match (pull.action.as_str(), pull.merged) {
            ("labeled", _) => self.labeled(&name, pull),
            ("closed", true) => self.merged(&name, pull),
            ("closed", false) => Err(No(
                ReasonCode::ClosedUnmerged,
                format!("{name} was closed without being merged"),
            )),
            (action, _) => Err(No(
                ReasonCode::UnsupportedEvent,
                format!("the action {action:?} on {name} never deploys; labeled and closed do"),
            )),
        }
    }

    fn merged(&self, name: &str, pull: &PullRequest) -> Answer {
        let base = pull.base_ref.as_deref().unwrap_or_default();
        let (environment, note) = self.arrived_on(base)?;
        from_here(name, pull)?;
        let commit = pull.merge_commit.as_ref().ok_or_else(|| incomplete(name))?;
        let why = format!("{name} was merged into {base:?}{note}");
        let branch = format!("refs/heads/{base}");
        Ok(Decision::yes(ReasonCode::Merged, environment, why).of(Some(&branch), Some(commit)))
    }

    fn labeled(&self, name: &str, pull: &PullRequest) -> Answer {
        let mut labels: Vec<&str> = pull
            .label
            .iter()
            .chain(&pull.labels)
            .map(String::as_str)
            .collect();
        if labels.is_empty() {
            labels.push("");
        }
        let base = pull.base_ref.as_deref().unwrap_or_default();
        let mut nearest = No(ReasonCode::NoRule, "no rule deploys on a label".to_owned());
        for rule in self.rules {
            let When::Label {
                name: wanted,
                base: bases,
            } = &rule.when
            else {
                continue;
            };
            let same = |label: &&&str| label.to_lowercase() == wanted.to_lowercase();
            let Some(label) = labels.iter().find(same) else {
                let reason = match labels.as_slice() {
                    [label] => format!("no label rule is about {label:?}"),
                    labels => format!("no label rule is about any of {labels:?}"),
                };
                nearest.instead_of(ReasonCode::NoRule, No(ReasonCode::OtherLabel, reason));
                continue;
            };
            if !bases.accepts(base) {
                let reason =
                    format!("{label:?} deploys pull requests to {bases} only, and {name} goes to {base:?}");
                nearest = No(ReasonCode::OtherBranch, reason);
                continue;
            }
            from_here(name, pull)?;
            let commit = pull.head_sha.as_ref().ok_or_else(|| incomplete(name))?;
            let why = match pull.label {
                Some(_) => format!("the label {label:?} was added to {name}"),
                None => format!("{name} has the label {label:?}"),
            };
            let decision = Decision::yes(ReasonCode::Label, self.destination(rule)?, why);
            return Ok(decision.of(pull.head_ref.as_deref(), Some(commit)));
        }
        Err(nearest)
    }

    /// The environment that a rule names, or the only one there is.
    fn destination(&self, rule: &Rule) -> Result<EnvironmentName, No> {
        match (&rule.environment, self.environments) {
            (Some(named), _) => self.existing(named),
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(No(
                ReasonCode::NoEnvironment,
                format!("nothing says which environment; name one of {}", self.list()),
            )),
        }
    }

    fn existing(&self, name: &EnvironmentName) -> Result<EnvironmentName, No> {
        if self.environments.contains(name) {
            return Ok(name.clone());
        }
        let reason = format!("there is no environment {name}; there is {}", self.list());
        Err(No(ReasonCode::UnknownEnvironment, reason))
    }

    fn list(&self) -> String {
        if self.environments.is_empty() {
            return "none".to_owned();
        }
        let names: Vec<&str> = self.environments.iter().map(EnvironmentName::as_str).collect();
        names.join(", ")
    }
}

/// `pull request #7`.
fn called(pull: &PullRequest) -> String {
    pull.number.map_or("the pull request".to_owned(), |number| {
        format!("pull request #{number}")
    })
}

/// A fork is recognised by repository ids: `head.repo.fork` is also true within a repository that is
/// itself a fork, names can be taken over, and `head.repo` is null when the fork was deleted.
fn from_here(name: &str, pull: &PullRequest) -> Result<(), No> {
    let reason = match (pull.head_repository, pull.repository) {
        (Some(head), Some(here)) if head == here => return Ok(()),
        (Some(_), Some(_)) => {
            format!("{name} comes from a fork, and runs for forks get neither secrets nor environments")
        }
        (None, _) => {
            format!("{name} comes from a repository that is gone or not named, so it counts as a fork")
        }
        (Some(_), None) => format!("the event does not name this repository, so {name} may come from a fork"),
    };
    Err(No(ReasonCode::Fork, reason))
}

fn incomplete(name: &str) -> No {
    let reason = format!("the event does not say which commit of {name} to deploy");
    No(ReasonCode::IncompleteEvent, reason)
}

impl No {
    /// Becomes `better` while it still is no more than `code`.
    fn instead_of(&mut self, code: ReasonCode, better: Self) {
        if self.0 == code {
            *self = better;
        }
    }
}
