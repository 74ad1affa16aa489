//! Who may agree to what, and who did. What cannot be read is an error, never "nobody".

use super::GitHub;
use super::calls::people as calls;
use super::fault::not_shown;
use crate::domain::model::PortError;
use crate::ports::{EnvironmentRules, RunReview};
use octocrab::models::memberships::{State, TeamMembership};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Approval {
    state: String,
    comment: String,
    user: User,
    environments: Vec<Named>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Environment {
    #[serde(default)]
    protection_rules: Vec<Rule>,
    #[serde(default)]
    deployment_branch_policy: Option<Value>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    prevent_self_review: bool,
    #[serde(default)]
    reviewers: Vec<Reviewer>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "reviewer")]
enum Reviewer {
    User { login: String },
    Team { slug: String },
}

/// See [`crate::ports::Reviews::of_run`].
pub(super) fn of_run(github: &GitHub, run: u64) -> Result<Vec<RunReview>, PortError> {
    let talk = github.talk(&format!("asking who agreed to run {run}"));
    let approvals: Vec<Approval> = talk.ask(&calls::approvals(run))?;
    let decided = approvals.into_iter().filter_map(|approval| {
        let approved = match approval.state.as_str() {
            "approved" => true,
            "rejected" => false,
            // A remark without a decision.
            _ => return None,
        };
        Some(RunReview {
            who: approval.user.login,
            approved,
            environments: approval
                .environments
                .into_iter()
                .map(|named| named.name)
                .collect(),
            comment: approval.comment,
        })
    });
    Ok(decided.collect())
}

/// See [`crate::ports::Reviews::environment_rules`].
pub(super) fn environment_rules(
    github: &GitHub,
    environment: &str,
) -> Result<Option<EnvironmentRules>, PortError> {
    let talk = github.talk(&format!("reading the rules of the environment {environment}"));
    let Some(found) = talk.find::<Environment>(&calls::environment(environment))? else {
        // The same words mean that it may not be seen: then none may.
        talk.send(&calls::environments())?;
        return Ok(None);
    };
    let mut rules = EnvironmentRules {
        restricted_branches: found
            .deployment_branch_policy
            .is_some_and(|policy| !policy.is_null()),
        ..EnvironmentRules::default()
    };
    for rule in found.protection_rules {
        if rule.kind != "required_reviewers" {
            continue;
        }
        rules.no_self_review |= rule.prevent_self_review;
        for reviewer in rule.reviewers {
            match reviewer {
                Reviewer::User { login } => rules.reviewers.push(login),
                Reviewer::Team { slug } => rules.teams.push(slug),
            }
        }
    }
    Ok(Some(rules))
}

/// See [`crate::ports::Reviews::is_member`]. A team of another organization than the repository's is written
/// with it: `acme/ops`.
pub(super) fn is_member(github: &GitHub, team: &str, login: &str) -> Result<bool, PortError> {
    let talk = github.talk(&format!("asking whether {login} belongs to {team}"));
    let (organization, slug) = team.split_once('/').unwrap_or((github.owner(), team));
    let membership: Option<TeamMembership> = talk.find(&calls::membership(organization, slug, login))?;
    if membership.is_none() {
        // The same words mean that the team may not be seen.
        talk.send(&calls::team(organization, slug)).map_err(not_shown)?;
    }
    Ok(membership.is_some_and(|membership| membership.state == State::Active))
}
