//! The ports of a forge, each verb in the file of its group.

use super::{GitHub, checks, code_scanning, comments, deployments, pulls, reviews, statuses};
use crate::domain::model::{
    CheckReport, CommitStatus, DeploymentDraft, DeploymentUpdate, EnvironmentName, PortError, PullComment,
    PullState,
};
use crate::ports::{CodeScanning, EnvironmentRules, Forge, PullRequests, Reviews, RunReview, SarifUpload};

impl Forge for GitHub {
    fn name(&self) -> &str {
        &self.name
    }

    fn open_deployment(&self, draft: &DeploymentDraft) -> Result<u64, PortError> {
        deployments::open(self, draft)
    }

    fn update_deployment(&self, number: u64, update: &DeploymentUpdate) -> Result<(), PortError> {
        deployments::update(self, number, update)
    }

    fn retire_environment(&self, environment: &EnvironmentName, description: &str) -> Result<(), PortError> {
        deployments::retire_environment(self, environment, description)
    }

    fn publish_check(&self, check: &CheckReport) -> Result<(), PortError> {
        checks::publish(self, check)
    }

    fn upsert_comment(&self, comment: &PullComment) -> Result<(), PortError> {
        comments::upsert(self, comment)
    }

    fn set_commit_status(&self, status: &CommitStatus) -> Result<(), PortError> {
        statuses::set(self, status)
    }
}

impl CodeScanning for GitHub {
    fn upload_sarif(&self, upload: &SarifUpload) -> Result<String, PortError> {
        code_scanning::upload(self, upload)
    }
}

impl Reviews for GitHub {
    fn of_run(&self, run: u64) -> Result<Vec<RunReview>, PortError> {
        reviews::of_run(self, run)
    }

    fn environment_rules(&self, environment: &str) -> Result<Option<EnvironmentRules>, PortError> {
        reviews::environment_rules(self, environment)
    }

    fn is_member(&self, team: &str, login: &str) -> Result<bool, PortError> {
        reviews::is_member(self, team, login)
    }
}

impl PullRequests for GitHub {
    fn state(&self, number: u64) -> Result<PullState, PortError> {
        pulls::state(self, number)
    }

    fn remove_label(&self, number: u64, label: &str) -> Result<(), PortError> {
        pulls::remove_label(self, number, label)
    }
}
