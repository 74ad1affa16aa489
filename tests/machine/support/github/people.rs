//! Environments with their rules, what people said about runs, and teams.

use super::act::{Asking, Outcome};
use super::description::Description;
use super::state::{Environment, State};
use serde_json::{Value, json};

pub(super) fn done(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    match asking.operation {
        "repos/get-all-environments" => {
            let all = state.repository.environments.iter();
            let shown: Vec<Value> = all.map(|one| environment(description, one)).collect();
            let total = shown.len();
            asking.page(shown, |page| json!({"total_count": total, "environments": page}))
        }
        "repos/get-environment" => {
            let name = asking.names["environment_name"].to_lowercase();
            let mut all = state.repository.environments.iter();
            match all.find(|one| one.name.to_lowercase() == name) {
                Some(one) => Outcome::of(200, environment(description, one)),
                None => Outcome::refusal(404, "Not Found"),
            }
        }
        "actions/get-reviews-for-run" => {
            let all = state.repository.approvals.get(&asking.number("run_id"));
            let shown = all.into_iter().flatten().map(|approval| {
                let about = approval.environments.iter();
                let about: Vec<Value> = about.map(|name| json!({"id": 1, "name": name})).collect();
                let user = description.sample("simple-user", json!({"login": approval.user}));
                json!({
                    "state": approval.state,
                    "user": user,
                    "environments": about,
                    "comment": approval.comment,
                })
            });
            Outcome::of(200, shown.collect())
        }
        _ => team(description, state, asking),
    }
}

fn team(description: &Description, state: &State, asking: &Asking<'_>) -> Outcome {
    let owner = state.repository.name.split('/').next().unwrap_or_default();
    let mut teams = state.repository.teams.iter();
    let found = teams.find(|team| asking.names["org"] == owner && team.slug == asking.names["team_slug"]);
    let Some(team) = found else {
        return Outcome::refusal(404, "Not Found");
    };
    if asking.operation == "teams/get-by-name" {
        let known = json!({"slug": team.slug, "name": team.slug});
        return Outcome::of(200, description.sample("team-full", known));
    }
    let login = asking.names["username"].to_lowercase();
    match team
        .members
        .iter()
        .find(|(member, _)| member.to_lowercase() == login)
    {
        Some((_, state)) => Outcome::of(
            200,
            description.sample("team-membership", json!({ "state": state })),
        ),
        None => Outcome::refusal(404, "Not Found"),
    }
}

fn environment(description: &Description, one: &Environment) -> Value {
    let rule = |kind: &str, known: Value| {
        let mut rule = json!({"id": 1, "node_id": "x", "type": kind});
        super::description::merge(&mut rule, known);
        rule
    };
    let mut rules = Vec::new();
    if let Some(minutes) = one.wait_timer {
        rules.push(rule("wait_timer", json!({ "wait_timer": minutes })));
    }
    if !one.reviewers.is_empty() || !one.teams.is_empty() {
        let users = one.reviewers.iter().map(|login| {
            let user = description.sample("simple-user", json!({ "login": login }));
            json!({"type": "User", "reviewer": user})
        });
        let teams = one.teams.iter().map(|slug| {
            let team = description.sample("team", json!({ "slug": slug }));
            json!({"type": "Team", "reviewer": team})
        });
        let reviewers: Vec<Value> = users.chain(teams).collect();
        let known = json!({"prevent_self_review": one.prevent_self_review, "reviewers": reviewers});
        rules.push(rule("required_reviewers", known));
    }
    let policy = one.protected_branches.then(|| {
        rules.push(rule("branch_policy", json!({})));
        json!({"protected_branches": true, "custom_branch_policies": false})
    });
    description.sample(
        "environment",
        json!({"name": one.name, "protection_rules": rules, "deployment_branch_policy": policy}),
    )
}
