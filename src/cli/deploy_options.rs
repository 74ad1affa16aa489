//! What is deployed, and how: options of every command that deploys, or shows what would be deployed.

use crate::app::Workspace;
use crate::app::pipeline::RunOptions;
use crate::domain::model::{Canary, DeployOptions, Rolling, Strategy, Version};
use clap::ValueEnum;

/// What is deployed.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ImageArgs {
    /// Branch, tag or commit; what is checked out where none is given
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// The version; found in the project where none is given
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// An image that exists, by tag or digest, instead of a build
    #[arg(long, value_name = "TAG|DIGEST")]
    image: Option<String>,
}

impl ImageArgs {
    /// The wish, with every other term as it is by default.
    pub(super) fn wish(&self) -> RunOptions {
        RunOptions {
            git_ref: self.git_ref.clone(),
            version: self.version.clone(),
            image: self.image.clone(),
            ..RunOptions::default()
        }
    }
}

/// What is deployed, and under which terms.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WhatArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Another strategy than the configured one
    #[arg(long, value_enum)]
    strategy: Option<StrategyArg>,
    /// Deploy a commit that is older than the live one
    #[arg(long)]
    allow_stale: bool,
    /// Pass over the checks before the build; the report says so
    #[arg(long)]
    skip_tests: bool,
    /// Deploy even what is live already
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyArg {
    Direct,
    Rolling,
    BlueGreen,
    Canary,
}

impl WhatArgs {
    /// The wish.
    pub(super) fn wish(&self, workspace: &Workspace) -> RunOptions {
        RunOptions {
            options: DeployOptions {
                strategy: self.strategy.map(|strategy| strategy.resolve(workspace)),
                allow_stale: self.allow_stale,
                skip_tests: self.skip_tests,
                force: self.force,
            },
            ..self.image.wish()
        }
    }
}

impl StrategyArg {
    /// The strategy with the settings that some environment gives it, else its defaults.
    fn resolve(self, workspace: &Workspace) -> Strategy {
        let wanted = match self {
            Self::Direct => Strategy::Direct,
            Self::Rolling => Strategy::Rolling(Rolling::default()),
            Self::BlueGreen => Strategy::BlueGreen,
            Self::Canary => Strategy::Canary(Canary::default()),
        };
        let configured = workspace
            .project
            .environments
            .values()
            .map(|found| &found.deployment.strategy);
        configured
            .into_iter()
            .find(|found| found.as_str() == wanted.as_str())
            .cloned()
            .unwrap_or(wanted)
    }
}
