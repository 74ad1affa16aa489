//! The words of a run at each of a forge's places: deployments, checks, statuses, comments.

use crate::domain::model::{
    CheckReport, CommitId, CommitStatus, Conclusion, DeploymentDraft, DeploymentState, DeploymentUpdate,
    Digest, EnvironmentName, PullComment, Remark, Timestamp,
};

use crate::domain::rollout::{Event, Kind, Outcome, Phase, Plan, Step};
use crate::report::markdown::{self, Count, Unmet};
use crate::report::{RunReport, describe_step, foreign};

/// The most characters of a deployment's description that GitHub keeps.
pub(super) const DESCRIPTION: usize = 140;
/// The most characters of a check's title that are shown in one line.
const TITLE: usize = 255;

/// What is known of the run beside its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunContext {
    /// Number of the CI run.
    pub run: Option<u64>,
    /// The commit that the CI run belongs to.
    pub run_commit: Option<CommitId>,
    /// Web address of the CI run.
    pub url: Option<String>,
    /// Number of the pull request that the run is about.
    pub pull: Option<u64>,
    /// Whether the environment's users are real.
    pub production: bool,
    /// Whether the environment goes away again.
    pub transient: bool,
}

/// A run that was refused before anything was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRun {
    /// The service.
    pub service: String,
    /// Where it was to go.
    pub environment: EnvironmentName,
    /// What was to go there.
    pub version: String,
    /// Its commit.
    pub commit: CommitId,
    /// Every condition that is not met.
    pub unmet: Vec<Unmet>,
    /// Whether one of them is that a person has to agree.
    pub waits_for_person: bool,
    /// Lines of files that are to be changed.
    pub remarks: Vec<Remark>,
    /// When.
    pub at: Timestamp,
}

/// The deployment of `plan`; `None` where it comes from no commit, which a forge cannot show.
pub fn draft(plan: &Plan, around: &RunContext) -> Option<DeploymentDraft> {
    let commit = plan.candidate.commit.clone()?;
    Some(DeploymentDraft {
        id: plan.deployment.clone(),
        environment: plan.environment.clone(),
        run_commit: around.run_commit.clone().filter(|run| *run != commit),
        commit,
        run: around.run,
        service: foreign::line(&plan.service),
        version: foreign::line(plan.candidate.version.as_str()),
        task: match plan.kind {
            Kind::Deploy => "deploy",
            Kind::Rollback => "rollback",
        },
        description: on_its_way(plan),
        production: around.production,
        transient: around.transient,
    })
}

/// `1.3.0 is on its way to production`.
pub fn on_its_way(plan: &Plan) -> String {
    let version = foreign::line(plan.candidate.version.as_str());
    foreign::clip(
        &format!("{version} is on its way to {}", plan.environment),
        DESCRIPTION,
    )
}

/// What is worth telling while a rollout goes on: traffic that moves, and the way back.
pub fn progress(plan: &Plan, event: &Event) -> Option<String> {
    let Event::Began { step } = event else {
        return None;
    };
    let text = match (step.phase, step.index) {
        (Phase::Forward, index) => {
            let step = plan.steps.get(usize::try_from(index).ok()?)?;
            matches!(step, Step::Shift { .. }).then(|| describe_step(plan, step))?
        }
        (Phase::Recovery, 0) => format!("{} is taken back", plan.candidate.version),
        (Phase::Recovery | Phase::Detour | Phase::Completion, _) => return None,
    };
    Some(foreign::clip(&foreign::line(&text), DESCRIPTION))
}

/// That the deployment is under way, with how far it is.
pub fn underway(plan: &Plan, around: &RunContext, description: String) -> DeploymentUpdate {
    DeploymentUpdate {
        state: DeploymentState::InProgress,
        environment: plan.environment.clone(),
        description,
        url: plan.url.as_ref().map(ToString::to_string),
        log: around.url.clone(),
    }
}

/// How the deployment ended. Nothing serves after a first one that was removed, so that no address is shown.
pub fn ended(report: &RunReport, around: &RunContext, interrupted: bool) -> DeploymentUpdate {
    let state = match report.outcome {
        Some(Outcome::Succeeded) => DeploymentState::Success,
        Some(Outcome::RolledBack) => DeploymentState::Failure,
        Some(Outcome::Halted) | None => DeploymentState::Error,
    };
    let gone = report.outcome == Some(Outcome::RolledBack) && report.previous_version().is_none();
    DeploymentUpdate {
        state,
        environment: report.environment.clone(),
        description: described(&stands(report, interrupted), report.history.head.as_ref()),
        url: report.url.clone().filter(|_| !gone),
        log: around.url.clone(),
    }
}

/// How it stands, in one clause without the service and the environment, which a forge shows beside it.
fn stands(report: &RunReport, interrupted: bool) -> String {
    let version = report.version();
    let taken = if interrupted {
        "was interrupted"
    } else {
        "was taken back"
    };
    match (report.outcome, report.previous_version()) {
        (Some(Outcome::Succeeded), _) => {
            let units = match report.units {
                1 => "1 unit".to_owned(),
                units => format!("{units} units"),
            };
            format!("{version} is live on {units}")
        }
        (Some(Outcome::RolledBack), Some(previous)) => format!("{version} {taken}: {previous} is serving"),
        (Some(Outcome::RolledBack), None) => format!("{version} {taken}: nothing is serving"),
        (Some(Outcome::Halted), _) => format!("{version} halted: a person is needed"),
        (None, _) => format!("{version} was left half-way: a person is needed"),
    }
}

/// The clause with the ledger's head at its end, whole: what is too long is cut off the clause.
pub(super) fn described(clause: &str, head: Option<&Digest>) -> String {
    let tail = head.map_or_else(String::new, |head| format!(" · ledger {head}"));
    let room = DESCRIPTION.saturating_sub(tail.chars().count());
    format!("{}{tail}", foreign::clip(clause, room))
}

/// The check of a rollout that has begun; `None` without a commit.
pub fn check_underway(plan: &Plan, around: &RunContext, started: Timestamp) -> Option<CheckReport> {
    Some(CheckReport {
        key: plan.deployment.to_string(),
        name: check_name(&plan.environment),
        commit: plan.candidate.commit.clone()?,
        conclusion: None,
        title: foreign::clip(
            &foreign::line(&format!("{} {}", plan.service, on_its_way(plan))),
            TITLE,
        ),
        summary: markdown::underway(plan),
        text: None,
        details: around.url.clone(),
        remarks: Vec::new(),
        started,
        completed: None,
    })
}

/// The same check when it has ended.
pub fn check_ended(
    report: &RunReport,
    commit: CommitId,
    around: &RunContext,
    interrupted: bool,
) -> CheckReport {
    let head = report.history.head.as_ref();
    CheckReport {
        key: report.deployment.to_string(),
        name: check_name(&report.environment),
        commit,
        conclusion: Some(conclusion(report, interrupted)),
        title: foreign::clip(&report.headline(), TITLE),
        summary: markdown::render(report, &[], markdown::LEAST_BYTES),
        text: head.map(|head| markdown::evidence(&report.environment, head)),
        details: around.url.clone(),
        remarks: Vec::new(),
        started: report.started,
        completed: Some(report.ended),
    }
}

/// The check of a run that was refused. It belongs to no deployment, so that the run is what it is found by.
pub fn check_refused(refused: &RefusedRun, around: &RunContext) -> CheckReport {
    let environment = &refused.environment;
    let run = around
        .run
        .map_or_else(|| refused.commit.to_string(), |run| format!("run-{run}"));
    let conditions = match refused.unmet.len() {
        1 => "1 condition is not met".to_owned(),
        count => format!("{count} conditions are not met"),
    };
    CheckReport {
        key: format!("refused-{run}-{environment}"),
        name: check_name(environment),
        commit: refused.commit.clone(),
        conclusion: Some(if refused.waits_for_person {
            Conclusion::ActionRequired
        } else {
            Conclusion::Failure
        }),
        title: foreign::clip(
            &foreign::line(&format!(
                "{} {} may not go to {environment}: {conditions}",
                refused.service, refused.version
            )),
            TITLE,
        ),
        summary: markdown::refused(&refused.unmet),
        text: None,
        details: around.url.clone(),
        remarks: refused.remarks.clone(),
        started: refused.at,
        completed: Some(refused.at),
    }
}

/// Unique among the checks of a commit: each environment has one.
fn check_name(environment: &EnvironmentName) -> String {
    format!("greenroom / {environment}")
}

fn conclusion(report: &RunReport, interrupted: bool) -> Conclusion {
    match report.outcome {
        Some(Outcome::Succeeded) => Conclusion::Success,
        Some(Outcome::RolledBack) if interrupted => Conclusion::Cancelled,
        Some(Outcome::RolledBack) => Conclusion::Failure,
        Some(Outcome::Halted) | None => Conclusion::ActionRequired,
    }
}

/// The commit's status while the rollout goes on; `None` without a commit.
pub fn status_underway(plan: &Plan, around: &RunContext) -> Option<CommitStatus> {
    Some(CommitStatus {
        commit: plan.candidate.commit.clone()?,
        context: status_name(&plan.environment),
        conclusion: None,
        description: on_its_way(plan),
        details: around.url.clone(),
    })
}

/// The same when it has ended.
pub fn status_ended(
    report: &RunReport,
    commit: CommitId,
    around: &RunContext,
    interrupted: bool,
) -> CommitStatus {
    CommitStatus {
        commit,
        context: status_name(&report.environment),
        conclusion: Some(conclusion(report, interrupted)),
        description: foreign::clip(&stands(report, interrupted), DESCRIPTION),
        details: around.url.clone(),
    }
}

fn status_name(environment: &EnvironmentName) -> String {
    format!("greenroom/{environment}")
}

/// The comment on the pull request that the run is about; `None` where it is about none. Services that share
/// a repository have one each for every environment.
pub fn comment(report: &RunReport, around: &RunContext, count: Option<Count>) -> Option<PullComment> {
    Some(PullComment {
        pull: around.pull?,
        key: format!("{}/{}", report.service, report.environment),
        body: markdown::comment(report, around.url.as_deref(), count),
    })
}
