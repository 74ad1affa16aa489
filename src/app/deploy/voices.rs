//! What the forge says about who agreed: reviews of the CI run, and who belongs to which team.

use crate::domain::model::{ApprovedBy, Approver, ErrorKind, PortError};
use crate::domain::policy::{Membership, Said, Voice};
use crate::ports::Reviews;
use std::collections::BTreeMap;

/// What the forge is asked about.
pub(super) struct Question<'a> {
    /// The environment, as greenroom spells it.
    pub(super) environment: &'a str,
    /// Only members of these teams count, `slug` or `organization/slug`; anyone where empty.
    pub(super) teams: &'a [String],
    /// Number of the CI run that asks; `None` outside of one.
    pub(super) run: Option<u64>,
    /// Whose the repository is, by which a team of its organization is told from another one's.
    pub(super) owner: Option<&'a str>,
}

/// Adds to `said` what the run's reviewers and the people of the ledger (`recorded`) say, each with what is
/// known of their teams.
///
/// # Errors
/// When the forge cannot be read: what it would have said is never guessed.
pub(super) fn hear(
    question: &Question<'_>,
    forge: Option<&dyn Reviews>,
    recorded: Vec<Approver>,
    said: &mut Said,
) -> Result<(), PortError> {
    let mut approvers = reviews(question, forge, said)?;
    approvers.extend(recorded);
    let mut known: BTreeMap<String, Membership> = BTreeMap::new();
    let mut only_teams = None;
    for approver in approvers {
        let login = approver.name.to_lowercase();
        let found = match known.get(&login) {
            Some(found) => found.clone(),
            None => membership(forge, question.teams, &approver.name)?,
        };
        known.insert(login, found.clone());
        let review = matches!(approver.by, ApprovedBy::Review { .. });
        let membership = match (found, forge) {
            (Membership::Unknown(why), Some(forge)) if review => {
                let told = match only_teams {
                    Some(told) => told,
                    None => only_wanted_teams_review(question, forge)?,
                };
                only_teams = Some(told);
                if told {
                    Membership::Member
                } else {
                    Membership::Unknown(why)
                }
            }
            (found, _) => found,
        };
        said.agreed.push(Voice { approver, membership });
    }
    Ok(())
}

/// Who agreed to this CI run for this environment. Who rejected it, and that it could not be read, goes into
/// `said`.
fn reviews(
    question: &Question<'_>,
    forge: Option<&dyn Reviews>,
    said: &mut Said,
) -> Result<Vec<Approver>, PortError> {
    let Some(run) = question.run else {
        return Ok(Vec::new());
    };
    let Some(forge) = forge else {
        said.unread.push(format!(
            "the reviews of run {run} were not read, and one may be a rejection: set GITHUB_REPOSITORY and \
             GITHUB_TOKEN (in a workflow: `env: {{ GITHUB_TOKEN: ${{{{ github.token }}}} }}`)"
        ));
        return Ok(Vec::new());
    };
    let mut approvers = Vec::new();
    for review in forge.of_run(run)? {
        let mut named = review.environments.iter();
        // GitHub takes names of environments without regard to case: two that differ in it are one.
        if !named.any(|name| name.eq_ignore_ascii_case(question.environment)) {
            continue;
        }
        if review.approved {
            approvers.push(Approver {
                name: review.who,
                by: ApprovedBy::Review { run },
            });
        } else {
            said.rejected.push(review.who);
        }
    }
    Ok(approvers)
}

/// Whether the forge's own rules let only members of wanted teams review the environment.
fn only_wanted_teams_review(question: &Question<'_>, forge: &dyn Reviews) -> Result<bool, PortError> {
    let rules = forge.environment_rules(question.environment)?.unwrap_or_default();
    let mut reviewing = rules.teams.iter();
    let wanted = |slug: &String| {
        let mut teams = question.teams.iter();
        teams.any(|team| is_own_team(question.owner, team, slug))
    };
    Ok(rules.reviewers.is_empty() && !rules.teams.is_empty() && reviewing.all(wanted))
}

/// Whether a configured team is the team `slug` of the organization that the repository belongs to: the only
/// ones that GitHub lets review its environments.
fn is_own_team(owner: Option<&str>, configured: &str, slug: &str) -> bool {
    match configured.split_once('/') {
        None => configured.eq_ignore_ascii_case(slug),
        Some((organization, team)) => {
            owner.is_some_and(|owner| organization.eq_ignore_ascii_case(owner))
                && team.eq_ignore_ascii_case(slug)
        }
    }
}

fn membership(forge: Option<&dyn Reviews>, teams: &[String], login: &str) -> Result<Membership, PortError> {
    if teams.is_empty() {
        return Ok(Membership::Member);
    }
    let Some(forge) = forge else {
        return Ok(Membership::Unknown(
            "there is no forge to ask for teams: set GITHUB_REPOSITORY and GITHUB_TOKEN".to_owned(),
        ));
    };
    let mut denied = None;
    for team in teams {
        match forge.is_member(team, login) {
            Ok(true) => return Ok(Membership::Member),
            Ok(false) => {}
            Err(error) if error.kind == ErrorKind::Denied => {
                denied = Some(format!(
                    "the token may not see team {team}: use one that may read the organization's members, or let \
                     only teams review the environment"
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(denied.map_or(Membership::Stranger, Membership::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{Wanted, approved};
    use crate::testing::MemoryReviews;

    const RUN: u64 = 7;

    type Names = &'static [&'static str];

    fn teams(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn record(name: &str) -> Approver {
        let by = ApprovedBy::Record {
            seq: 3,
            via: "local".to_owned(),
        };
        let name = name.to_owned();
        Approver { name, by }
    }

    fn heard(forge: Option<&MemoryReviews>, teams: &[String], recorded: &[&str]) -> Result<Said, PortError> {
        let question = Question {
            environment: "production",
            teams,
            run: Some(RUN),
            owner: Some("acme"),
        };
        let mut said = Said {
            asked: vec!["ana".to_owned()],
            ..Said::default()
        };
        let recorded = recorded.iter().copied().map(record).collect();
        hear(
            &question,
            forge.map(|forge| forge as &dyn Reviews),
            recorded,
            &mut said,
        )?;
        Ok(said)
    }

    /// What the gate says, in words.
    fn told(count: u32, forge: Option<&MemoryReviews>, names: &[&str], recorded: &[&str]) -> String {
        let teams = teams(names);
        let said = match heard(forge, &teams, recorded) {
            Ok(said) => said,
            Err(error) => return format!("error: {error}"),
        };
        let wanted = Wanted {
            count,
            teams,
            allow_self: false,
        };
        match approved(&wanted, &said) {
            Ok(approvers) => {
                let all: Vec<String> = approvers.iter().map(ToString::to_string).collect();
                all.join(", ")
            }
            Err(reasons) => reasons.join("; "),
        }
    }

    #[test]
    fn only_reviews_that_name_this_environment_count_whatever_its_case() {
        let forge = MemoryReviews::default();
        forge.review(RUN, "bo", true, &["staging"]);
        forge.review(RUN, "di", false, &["staging"]);
        forge.review(8, "ed", true, &["production"]);
        assert_eq!(told(1, Some(&forge), &[], &[]), "0 of 1 approvals");
        forge.review(RUN, "cy", true, &["staging", "Production"]);
        assert_eq!(told(1, Some(&forge), &[], &[]), "cy (review of run 7)");
    }

    #[test]
    fn a_rejection_refuses_names_the_person_and_outweighs_everybody() {
        let forge = MemoryReviews::default();
        forge.review(RUN, "bo", true, &["production"]);
        forge.review(RUN, "cy", false, &["PRODUCTION"]);
        assert_eq!(told(1, Some(&forge), &[], &["di"]), "\"cy\" rejected this run");
    }

    #[test]
    fn whoever_started_the_run_does_not_count_and_two_sources_make_one_person_once() {
        let forge = MemoryReviews::default();
        forge.review(RUN, "Ana", true, &["production"]);
        assert_eq!(
            told(1, Some(&forge), &[], &[]),
            "0 of 1 approvals; \"Ana\" asked for this deployment and does not count"
        );
        forge.review(RUN, "bo", true, &["production"]);
        assert!(told(2, Some(&forge), &[], &["BO"]).starts_with("1 of 2 approvals"));
        assert_eq!(
            told(2, Some(&forge), &[], &["cy"]),
            "bo (review of run 7), cy (local, record 3)"
        );
    }

    #[test]
    fn members_of_a_wanted_team_count_and_others_do_not() {
        let forge = MemoryReviews::default();
        forge.team("acme/leads", &["bo"]);
        forge.team("other/ops", &["di"]);
        forge.review(RUN, "cy", true, &["production"]);
        assert_eq!(
            told(1, Some(&forge), &["leads"], &[]),
            "0 of 1 approvals; \"cy\" is in none of the teams (leads) and does not count"
        );
        let both = ["leads", "other/ops"];
        assert_eq!(
            told(2, Some(&forge), &both, &["di", "Bo"]),
            "di (local, record 3), Bo (local, record 3)"
        );
    }

    #[test]
    fn a_token_that_sees_members_is_believed_more_than_the_rules() {
        let forge = MemoryReviews::default();
        forge.team("acme/leads", &["bo"]);
        forge.rules("production", &[], &["leads"]);
        // An administrator may pass a run by that the rules would not let them review.
        forge.review(RUN, "cy", true, &["production"]);
        assert!(told(1, Some(&forge), &["leads"], &[]).contains("\"cy\" is in none of the teams"));
        assert_eq!(forge.calls(), ["of_run 7", "is_member leads cy"]);
    }

    #[test]
    fn where_members_cannot_be_seen_rules_that_let_only_wanted_teams_review_stand_for_them() {
        let denied = "0 of 1 approvals; \"bo\" does not count: the token may not see team";
        // Who may review on GitHub, which teams are wanted here, and whether a review counts.
        let table: [(Names, Names, Names, bool); 8] = [
            (&[], &["leads"], &["leads"], true),
            (&[], &["Leads"], &["ACME/leads"], true),
            (&[], &["leads", "ops"], &["ops", "leads"], true),
            (&[], &["leads"], &["other/leads"], false),
            (&[], &["leads", "all"], &["leads"], false),
            (&["cy"], &["leads"], &["leads"], false),
            (&[], &["ent:leads"], &["leads"], false),
            (&[], &[], &["leads"], false),
        ];
        for (reviewers, reviewing, wanted, counts) in table {
            let forge = MemoryReviews::default();
            forge.refuse("is_member");
            forge.rules("production", reviewers, reviewing);
            forge.review(RUN, "bo", true, &["production"]);
            let told = told(1, Some(&forge), wanted, &[]);
            if counts {
                assert_eq!(told, "bo (review of run 7)", "{reviewing:?} {wanted:?}");
            } else {
                assert!(told.starts_with(denied), "{reviewing:?} {wanted:?}: {told}");
            }
        }
        // The rules say nothing about somebody who is only in the ledger, nor without an environment there.
        let forge = MemoryReviews::default();
        forge.refuse("is_member");
        forge.review(RUN, "bo", true, &["production"]);
        assert!(told(1, Some(&forge), &["leads"], &[]).starts_with(denied));
        forge.rules("production", &[], &["leads"]);
        let told = told(2, Some(&forge), &["leads"], &["cy"]);
        assert!(
            told.starts_with("1 of 2 approvals; \"cy\" does not count: the token"),
            "{told}"
        );
    }

    #[test]
    fn a_forge_that_does_not_answer_is_an_error_at_every_question() {
        let forge = MemoryReviews::default();
        forge.team("acme/leads", &["bo"]);
        forge.review(RUN, "bo", true, &["production"]);
        for verb in ["of_run", "is_member"] {
            forge.lose(verb);
            let told = told(1, Some(&forge), &["leads"], &["cy"]);
            assert!(
                told.starts_with("error: ") && told.contains("no answer"),
                "{told}"
            );
            forge.recover();
        }
        forge.refuse("is_member");
        forge.lose("environment_rules");
        assert!(told(1, Some(&forge), &["leads"], &[]).starts_with("error: "));
        forge.recover();
        // Reviews that may not be read are not taken for none.
        forge.refuse("of_run");
        assert!(told(1, Some(&forge), &[], &["cy"]).starts_with("error: "));
        forge.recover();
        assert_eq!(told(1, Some(&forge), &["leads"], &[]), "bo (review of run 7)");
    }

    #[test]
    fn reviews_that_nobody_could_read_refuse_however_many_are_in_the_ledger() {
        let told = told(1, None, &[], &["bo", "cy"]);
        assert!(told.starts_with("the reviews of run 7 were not read"), "{told}");
        assert!(told.contains("GITHUB_TOKEN: ${{ github.token }}"), "{told}");
    }

    #[test]
    fn outside_of_a_run_the_ledger_alone_speaks_and_each_person_is_looked_up_once() {
        let forge = MemoryReviews::default();
        forge.team("acme/leads", &["bo"]);
        let teams = teams(&["leads"]);
        let question = Question {
            environment: "production",
            teams: &teams,
            run: None,
            owner: Some("acme"),
        };
        let mut said = Said::default();
        let recorded = ["bo", "BO"].map(record).to_vec();
        hear(&question, Some(&forge), recorded, &mut said).unwrap();
        assert_eq!((said.agreed.len(), said.unread.len()), (2, 0));
        assert_eq!(forge.calls(), ["is_member leads bo"]);
    }
}
