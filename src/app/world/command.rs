//! Whatever commands of the user's deploy to.

use super::{Ground, Parts};
use crate::adapters::targets::command::{CommandSettings, CommandTarget};
use crate::app::error::AppError;
use crate::config::target::CommandConfig;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Ground<'_> {
    pub(super) fn command(&self, command: &CommandConfig) -> Result<Parts, AppError> {
        let facts = self.facts.clone();
        let secrets = self.environment.secrets.iter();
        let settings = CommandSettings {
            service: self.workspace.project.service.clone(),
            environment: self.environment.name.value.clone(),
            deploy: command.deploy.clone(),
            status: command.status.clone(),
            remove: command.remove.clone(),
            rollback: command.rollback.clone(),
            variables: BTreeMap::new(),
            secrets: secrets
                .map(|(name, source)| (name.clone(), source.value.clone()))
                .collect(),
            timeout: command.timeout,
            directory: None,
            url: self.environment.url.clone(),
            state_directory: self
                .workspace
                .state("command")
                .join(self.environment.name.value.as_str()),
            take_over: self.environment.protection.allow_overwrite,
            parallelism: command.parallelism as usize,
        };
        let target = CommandTarget::new(
            settings,
            self.runner(),
            Arc::clone(&self.workspace.context.clock),
            self.workspace.secret_sources().clone(),
            Arc::new(move |text, more| facts.render(text, more)),
        );
        Ok(Parts {
            target: Arc::new(target),
            router: None,
            routed: None,
            counted: false,
            units: command.units.clone(),
            url: self.environment.url.clone(),
            parallelism: command.parallelism,
            lookouts: command.parallelism as usize,
            stop: None,
            backup: None,
        })
    }
}
