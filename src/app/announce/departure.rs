//! An environment that went away again: a forge goes on showing what was deployed there as live, because it
//! never makes deployments of transient environments inactive by itself.

use super::audience::Audience;
use super::mailbox::{Gone, Words};
use super::speaker;
use crate::app::workspace::Workspace;
use crate::domain::model::EnvironmentName;
use std::sync::Arc;

/// Tells that nothing is left in the environment, and waits a bounded time until that was heard. What the forge
/// does not take is a warning.
pub(in crate::app) fn departure(workspace: &Workspace, environment: &EnvironmentName, audience: &Audience) {
    if !workspace.project.github.deployments {
        return;
    }
    let announcer = audience.announcer(workspace);
    let Some(forges) = announcer.forges(environment, &audience.watchers) else {
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
    announcer.settle(&mailbox, environment, &audience.watchers);
}
