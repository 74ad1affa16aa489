//! The gate: an image is scanned once, and judged for every environment it is meant for.

use super::record::{append, earlier};
use super::subject::subject;
use super::tools;
use crate::app::attended::Attended;
use crate::app::error::AppError;
use crate::app::record::EnvironmentRecord;
use crate::app::workspace::Workspace;
use crate::config::{Environment, ScanLevel, ScanSource};
use crate::domain::model::{Artifact, EnvironmentName, Explanation, Origin, Timestamp};
use crate::domain::policy;
use crate::domain::policy::Refusal;
use crate::domain::scan::{
    Allowance, Assessment, Input, Judged, Level, Policy, ScanReport, ScanResult, ScanSubject, judge, read,
};
use crate::host::runner::LocalRunner;
use crate::ports::Runner;
use crate::report::foreign;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Most findings that a refusal names.
const NAMED: usize = 10;

/// Scans one image when it is first asked, and judges it for each environment.
pub struct ScanGate<'a> {
    workspace: &'a Workspace,
    image: Option<Artifact>,
    scanned: Option<(ScanSubject, ScanReport)>,
    judged: BTreeMap<EnvironmentName, Assessment>,
}

/// What findings that count do in `environment`; `None` where nothing is scanned.
pub fn level(workspace: &Workspace, environment: &Environment) -> Option<Level> {
    let scan = workspace.project.scan.as_ref()?;
    match scan.levels.get(&environment.kind).copied() {
        Some(ScanLevel::Warn) => Some(Level::Warn),
        Some(ScanLevel::Block) => Some(Level::Block),
        Some(ScanLevel::Off) | None => None,
    }
}

/// The gate of `environment` in words, for a plan; `None` where there is none.
pub fn describe(workspace: &Workspace, environment: &Environment) -> Option<String> {
    let scan = workspace.project.scan.as_ref()?;
    let level = level(workspace, environment)?;
    let by = match &scan.source {
        ScanSource::Command { argv, .. } => argv.first().map_or("", String::as_str).to_owned(),
        ScanSource::Report(file) => format!("the report {}", file.display()),
    };
    let does = match level {
        Level::Block => "stop it",
        Level::Warn => "are shown and do not stop it",
    };
    let new = if scan.only_new {
        ", where the live image does not have them,"
    } else {
        ""
    };
    Some(format!(
        "the image is scanned before anything is touched ({by}): findings of severity {}{new} {does}",
        policy_of(workspace).blocking()
    ))
}

impl<'a> ScanGate<'a> {
    /// The gate of `image`; without an image there is nothing to judge.
    pub fn of(workspace: &'a Workspace, image: Option<Artifact>) -> Self {
        Self {
            workspace,
            image,
            scanned: None,
            judged: BTreeMap::new(),
        }
    }

    /// Judges the image for `environment` and records the result, unless that was done before or
    /// nothing is scanned there. Returns the assessment where it is new.
    ///
    /// # Errors
    /// [`AppError::Scan`] when the scan says nothing about the image.
    pub fn judge(
        &mut self,
        environment: &Environment,
        origin: Origin,
    ) -> Result<Option<&Assessment>, AppError> {
        let name = &environment.name.value;
        let Some(level) = level(self.workspace, environment) else {
            return Ok(None);
        };
        if self.image.is_none() || self.judged.contains_key(name) {
            return Ok(None);
        }
        let assessment = self.assess(environment, level, None, origin)?;
        if assessment.judgment.result == ScanResult::Error {
            return Err(says_nothing(&assessment));
        }
        Ok(Some(self.judged.entry(name.clone()).or_insert(assessment)))
    }

    /// Whether the image may go to the environment, which was judged before.
    ///
    /// # Errors
    /// [`AppError::Refused`] when something counts against it and that blocks there.
    pub fn pass(&self, environment: &EnvironmentName) -> Result<(), AppError> {
        match self.judged.get(environment) {
            Some(assessment) if !assessment.lets_pass() => Err(AppError::Refused(vec![refusal(assessment)])),
            _ => Ok(()),
        }
    }

    /// Judges the image for `environment`, whatever the result, and records it. The report in `file`
    /// takes the scanner's place.
    ///
    /// # Errors
    /// [`AppError::Scan`] when there is no report that can be read.
    pub(super) fn assess(
        &mut self,
        environment: &Environment,
        level: Level,
        file: Option<&Path>,
        origin: Origin,
    ) -> Result<Assessment, AppError> {
        let workspace = self.workspace;
        let name = &environment.name.value;
        let image = self
            .image
            .clone()
            .ok_or_else(|| AppError::usage("there is no image to scan"))?;
        let (subject, report) = self.scanned(&image, file)?;
        let ledger = workspace.ledger()?;
        let standing = EnvironmentRecord::read(ledger.as_ref(), name)?;
        let of_live = standing
            .live
            .as_ref()
            .and_then(|plan| plan.candidate.artifact.as_ref())
            .map(|image| &image.digest);
        let live = of_live == Some(&image.digest);
        let before = match of_live {
            Some(digest) => earlier(ledger.as_ref(), &standing, digest)?,
            None => None,
        };
        let baseline = before.map(|scan| if live { scan.accepted() } else { scan.baseline() });
        let at: Timestamp = workspace.context.clock.now();
        let judgment = judge(&Input {
            policy: &policy_of(workspace),
            report: &report,
            subject: &subject,
            now: at,
            baseline: baseline.as_ref(),
        });
        let assessment = Assessment {
            image,
            environment: name.clone(),
            level,
            at,
            live,
            report,
            judgment,
        };
        append(workspace, &assessment, &standing, origin)?;
        Ok(assessment)
    }

    /// The report about the image; the scanner runs once.
    fn scanned(
        &mut self,
        image: &Artifact,
        file: Option<&Path>,
    ) -> Result<(ScanSubject, ScanReport), AppError> {
        if let Some(scanned) = &self.scanned {
            return Ok(scanned.clone());
        }
        let context = &self.workspace.context;
        let variables = context.environment.variables();
        let runner = Arc::new(LocalRunner::new(variables, self.workspace.root.clone()));
        let attended = Arc::new(Attended::new(runner, Arc::clone(&context.clock)));
        let runner = Arc::clone(&attended) as Arc<dyn Runner>;
        let scanner = tools::scanner(self.workspace, file, runner)?;
        let failed = |why: Explanation| {
            let redactor = self.workspace.redactor();
            let why = why.map(|text| foreign::block(&redactor.redact(text)));
            AppError::scan(why.while_doing("the image was not scanned, which is no pass"))
        };
        let bytes = scanner.scan(image);
        // Whatever it wrote until then is no report.
        if let Some(signal) = attended.interrupted() {
            return Err(AppError::cut_off(format!(
                "{signal}: nothing was touched; the scanner was ended before its end, which is no pass"
            )));
        }
        // It came when the scanner had ended by itself: nothing follows it then.
        if let Some(signal) = context.clock.interruption() {
            return Err(signal.into());
        }
        let bytes = bytes.map_err(|error| failed((&error).into()))?;
        let report = read(&bytes).map_err(|error| failed(Explanation::of(&error).fix(error.fix())))?;
        let scanned = (subject(self.workspace, image), report);
        self.scanned = Some(scanned.clone());
        Ok(scanned)
    }
}

/// The configured policy; the default where a report is judged without any.
fn policy_of(workspace: &Workspace) -> Policy {
    let Some(scan) = &workspace.project.scan else {
        return Policy::default();
    };
    Policy {
        block: scan.block.clone(),
        severities: scan.severities.clone(),
        ignore_unfixed: scan.ignore_unfixed,
        allow: scan
            .allow
            .iter()
            .map(|allowance| Allowance {
                id: allowance.id.value.clone(),
                package: allowance.package.clone(),
                reason: allowance.reason.clone(),
                until: allowance.until,
            })
            .collect(),
        only_new: scan.only_new,
        max_database_age: scan.max_database_age,
    }
}

/// The error for a scan that says nothing about its image.
pub(super) fn says_nothing(assessment: &Assessment) -> AppError {
    let reasons: Vec<String> = assessment
        .judgment
        .reasons
        .iter()
        .map(|reason| format!("\n  {}", foreign::line(reason)))
        .collect();
    AppError::scan(format!(
        "{}, which is no pass:{}",
        assessment.headline(),
        reasons.concat()
    ))
}

fn refusal(assessment: &Assessment) -> Refusal {
    let mut named: Vec<String> = assessment.counting().take(NAMED).map(named).collect();
    let more = assessment.judgment.counts.total() - named.len();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    Refusal {
        gate: policy::Gate::Scan,
        reason: format!("{}: {}", assessment.headline(), named.join(", ")),
        fix: format!(
            "take in the fixed versions, or put up with one for a time under `scan: allow` with a reason; see them all with `greenroom scan -e {} --image {}`",
            assessment.environment, assessment.image.digest
        ),
    }
}

fn named(judged: &Judged) -> String {
    let finding = &judged.finding;
    foreign::line(&format!(
        "{} ({}) in {} {}",
        finding.id, finding.severity, finding.package.name, finding.package.version
    ))
}
