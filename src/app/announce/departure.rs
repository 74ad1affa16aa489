//! An environment that went away again: a forge goes on showing what was deployed there as live, because it
//! never makes deployments of transient environments inactive by itself.

use super::mailbox::{Gone, Words};
use super::speaker;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use crate::model::EnvironmentName;
use std::sync::Arc;

/// Tells that nothing is left in the environment, and waits a bounded time until that was heard. What the forge
/// does not take is a warning.
pub(in crate::app) fn departure(workspace: &Workspace, environment: &EnvironmentName, watchers: &Watchers) {
    if !workspace.project.github.deployments {
        return;
    }
    let announcer = workspace.announcer();
    let Some(forges) = announcer.forges(environment, watchers) else {
        return;
    };
    let mailbox = speaker::start(Arc::clone(&forges.forge), None);
    mailbox.end(Words {
        gone: Some(Gone {
            environment: environment.clone(),
            why: format!("{environment} was removed: nothing of it is left"),
        }),
        ..Words::default()
    });
    announcer.settle(&mailbox, environment, watchers);
}
