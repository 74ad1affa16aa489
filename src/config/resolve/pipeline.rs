//! The root file.

use super::super::diagnostic::Diagnostic;
use super::super::environment::Environment;
use super::super::freeze::Freeze;
use super::super::place::{Located, Span};
use super::super::project::{
    Channel, CommandPolicy, Escalation, GitHubConfig, LedgerConfig, Notify, Project, Retention, Trigger,
    ValidateCommand, VersionSource,
};
use super::super::raw::{
    RawChannel, RawCommandPolicy, RawFreeze, RawGitHub, RawHook, RawHooks, RawLedger, RawNotify, RawPipeline,
    RawRetention, RawTrigger, RawValidate, RawVersion,
};
use super::super::unsupported::{Part, Unsupported};
use super::cross::Names;
use super::suite::Known;
use super::{command, image, scan};
use crate::domain::model::EnvironmentName;

/// What the root file comes to, with the environments that it names.
pub(super) fn resolve(
    mut raw: RawPipeline,
    mut environments: Vec<Environment>,
    known: Known,
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Project {
    check_service(&raw.service, problems);
    check_names(&raw, &environments, names, problems);
    let commands = raw.commands.take().map(|policy| self::policy(policy.value));
    if let Some(policy) = &commands {
        check_hooks(policy, &raw.hooks, problems);
        for hooks in names.hooks {
            check_hooks(policy, hooks, problems);
        }
    }
    let mut unsupported = Vec::new();
    let image = raw.image.take().map(|image| image::resolve(image, problems));
    let ledger = ledger(raw.ledger.take(), &mut unsupported, problems);
    let scan = raw
        .scan
        .take()
        .and_then(|scan| scan::resolve(scan, image.is_some(), problems));
    let triggers = triggers(raw.triggers.take(), problems);
    let notify = raw
        .notify
        .drain(..)
        .filter_map(|notify| self::notify(notify, &mut unsupported, problems))
        .collect();
    let retention = raw.retention.take().map(|raw| retention(&raw));
    let github = github(&raw.github);
    for environment in &mut environments {
        follow(environment, &raw.promotion);
    }
    freeze(&raw.freeze, &mut environments, problems);
    Project {
        service: raw.service.value,
        version: version(raw.version),
        image,
        triggers,
        validate: validate(raw.validate),
        scan,
        suites: known.suites,
        environments: environments
            .into_iter()
            .map(|environment| (environment.name.value.clone(), environment))
            .collect(),
        promotion: raw.promotion.into_iter().map(|name| name.value).collect(),
        commands,
        notify,
        retention,
        ledger,
        github,
        unsupported,
        notes: Vec::new(),
    }
}

/// Something that this version cannot perform.
pub(super) fn later(part: Part, what: impl Into<String>, place: Span) -> Unsupported {
    Unsupported {
        part,
        what: what.into(),
        place,
    }
}

fn check_service(service: &Located<String>, problems: &mut Vec<Diagnostic>) {
    let valid = (1..=63).contains(&service.len())
        && service.starts_with(|c: char| c.is_ascii_alphanumeric())
        && service
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !valid {
        problems.push(
            Diagnostic::error(service.place, "this cannot be the name of a service")
                .help("use 1 to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or digit"),
        );
    }
}

fn check_names(
    raw: &RawPipeline,
    environments: &[Environment],
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) {
    let triggered = raw
        .triggers
        .iter()
        .flatten()
        .filter_map(|trigger| trigger.environment.as_ref());
    let elsewhere = raw.notify.iter().flat_map(|notify| &notify.environments);
    let frozen = raw.freeze.iter().flat_map(|freeze| &freeze.environments);
    let before = environments
        .iter()
        .filter_map(|environment| environment.protection.from.as_ref());
    let alike = environments
        .iter()
        .filter_map(|environment| environment.acceptance.configuration.as_ref());
    let all = triggered
        .chain(&raw.promotion)
        .chain(elsewhere)
        .chain(frozen)
        .chain(before)
        .chain(alike);
    for name in all {
        names.check(name, problems);
    }
    for (at, name) in raw.promotion.iter().enumerate() {
        if let Some(first) = raw.promotion[..at].iter().find(|first| first.value == name.value) {
            problems.push(
                Diagnostic::error(
                    name.place,
                    format!("`{}` is in the promotion order twice", name.value),
                )
                .related(first.place, "first here")
                .help("take one out"),
            );
        }
    }
}

fn policy(raw: RawCommandPolicy) -> CommandPolicy {
    CommandPolicy {
        directory: raw.directory,
        allow: raw.allow,
        max_length: raw.max_length,
        timeout: raw.timeout,
    }
}

fn check_hooks(policy: &CommandPolicy, hooks: &RawHooks, problems: &mut Vec<Diagnostic>) {
    for RawHook { run, timeout, .. } in hooks.before_deploy.iter().chain(&hooks.after_deploy) {
        command::check(run, *timeout, policy, problems);
    }
}

fn version(raw: Option<RawVersion>) -> VersionSource {
    match raw {
        None => VersionSource::Detect,
        Some(RawVersion::File(path)) => VersionSource::File(path),
        Some(RawVersion::Tag(glob)) => VersionSource::Tag(glob),
        Some(RawVersion::Value(version)) => VersionSource::Value(version),
    }
}

fn validate(raw: Vec<RawValidate>) -> Vec<ValidateCommand> {
    raw.into_iter()
        .map(|command| ValidateCommand {
            name: command.name,
            run: command.run.value.0,
            timeout: command.timeout,
        })
        .collect()
}

fn retention(raw: &Located<RawRetention>) -> Retention {
    Retention {
        keep_last: raw.keep_last,
        keep_for: raw.keep_for,
        grace: raw.grace,
    }
}

fn github(raw: &RawGitHub) -> GitHubConfig {
    GitHubConfig {
        deployments: raw.deployments,
        checks: raw.checks,
        comment: raw.comment,
        status: raw.status,
    }
}

fn triggers(raw: Option<Vec<Located<RawTrigger>>>, problems: &mut Vec<Diagnostic>) -> Vec<Trigger> {
    let Some(raw) = raw else {
        return vec![Trigger::Dispatch { environment: None }];
    };
    raw.into_iter()
        .filter_map(|trigger| self::trigger(trigger, problems))
        .collect()
}

fn trigger(raw: Located<RawTrigger>, problems: &mut Vec<Diagnostic>) -> Option<Trigger> {
    let Located { value: raw, place } = raw;
    let environment = raw.environment.map(|environment| environment.value);
    let needed = |problems: &mut Vec<Diagnostic>| {
        if environment.is_none() {
            problems.push(
                Diagnostic::error(place, "the trigger does not say where it deploys")
                    .help("add `environment: NAME`"),
            );
        }
        environment.clone()
    };
    match (raw.push, raw.dispatch, raw.label) {
        (Some(push), None, None) => {
            if push.branches.is_empty() {
                problems.push(
                    Diagnostic::error(place, "a push to no branch never happens")
                        .help("write `branches: [main]`"),
                );
            }
            Some(Trigger::Push {
                branches: push.branches,
                paths: push.paths,
                environment: needed(problems)?,
            })
        }
        (None, Some(_), None) => Some(Trigger::Dispatch { environment }),
        (None, None, Some(label)) => Some(Trigger::Label {
            name: label.name,
            base: label.base,
            environment: needed(problems)?,
        }),
        _ => {
            problems.push(
                Diagnostic::error(
                    place,
                    "a trigger is exactly one of `push`, `dispatch` and `label`",
                )
                .help("write `dispatch: {}` for a dispatch; write several triggers as several items"),
            );
            None
        }
    }
}

fn notify(
    raw: Located<RawNotify>,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Notify> {
    let Located { value: raw, place } = raw;
    unsupported.push(later(Part::Notify, "`notify`", place));
    let mut channels: Vec<RawChannel> = [
        raw.slack.map(RawChannel::Slack),
        raw.discord.map(RawChannel::Discord),
        raw.teams.map(RawChannel::Teams),
        raw.webhook.map(RawChannel::Webhook),
        raw.email.map(RawChannel::Email),
    ]
    .into_iter()
    .flatten()
    .collect();
    if channels.len() != 1 {
        problems.push(
            Diagnostic::error(place, "a notification goes to exactly one channel")
                .help("give one of `slack`, `discord`, `teams`, `webhook` and `email`"),
        );
    }
    Some(Notify {
        channel: channel(channels.pop()?),
        on: raw.on,
        environments: raw.environments.into_iter().map(|name| name.value).collect(),
        escalate: raw.escalate.map(|escalate| Escalation {
            after: escalate.after,
            to: escalate.to.into_iter().map(channel).collect(),
        }),
        place,
    })
}

fn channel(raw: RawChannel) -> Channel {
    match raw {
        RawChannel::Slack(hook) => Channel::Slack(hook.webhook),
        RawChannel::Discord(hook) => Channel::Discord(hook.webhook),
        RawChannel::Teams(hook) => Channel::Teams(hook.webhook),
        RawChannel::Webhook(hook) => Channel::Webhook(hook.webhook),
        RawChannel::Email(email) => Channel::Email {
            smtp: email.smtp,
            from: email.from,
            to: email.to,
        },
    }
}

fn ledger(
    raw: Option<Located<RawLedger>>,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> LedgerConfig {
    let Some(Located { value, place }) = raw else {
        return LedgerConfig::Automatic;
    };
    match value {
        RawLedger::Directory(path) => LedgerConfig::Directory(path),
        RawLedger::GitBranch(branch) => {
            if !is_branch(&branch) {
                problems.push(
                    Diagnostic::error(place, format!("{branch:?} cannot be the name of a branch"))
                        .help("letters, digits, '-', '_', '.' and '/', as in greenroom-ledger"),
                );
            }
            LedgerConfig::GitBranch(branch)
        }
        RawLedger::ObjectStore(url) => {
            unsupported.push(later(Part::Ledger, "a ledger in an object store", place));
            LedgerConfig::ObjectStore(url)
        }
    }
}

/// Whether a branch can have this name, by rules that are stricter than git's (git-check-ref-format(1)).
fn is_branch(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !part.ends_with('.')
            && !part.to_ascii_lowercase().ends_with(".lock")
            && !part.contains("..")
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    name.len() <= 200 && name.split('/').all(part)
}

/// The environment before is the one before in the promotion order, where nothing else is written.
fn follow(environment: &mut Environment, promotion: &[Located<EnvironmentName>]) {
    if environment.protection.from.is_some() {
        return;
    }
    environment.protection.from = promotion
        .windows(2)
        .find(|pair| pair[1].value == environment.name.value)
        .map(|pair| pair[0].clone());
}

fn freeze(raw: &[Located<RawFreeze>], environments: &mut [Environment], problems: &mut Vec<Diagnostic>) {
    for window in raw {
        if window.until <= window.from {
            problems.push(
                Diagnostic::error(window.place, "the freeze ends before it begins")
                    .help("`until` is the first instant after it"),
            );
        }
        for environment in environments.iter_mut() {
            let named = window
                .environments
                .iter()
                .any(|name| name.value == environment.name.value);
            if window.environments.is_empty() || named {
                environment.freeze.push(Freeze {
                    from: window.from,
                    until: window.until,
                    reason: window.reason.clone(),
                });
            }
        }
    }
}
