//! The gate of approvals: who agreed, who counts, and whether that is enough.

use crate::domain::model::Approver;
use std::collections::BTreeSet;

/// Which approvals are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How many different people; none is asked for by none.
    pub count: u32,
    /// Only members of these teams count; anyone where empty.
    pub teams: Vec<String>,
    /// Whether the people who asked for the deployment count.
    pub allow_self: bool,
}

/// Whether an approver belongs to one of the wanted teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// Yes, or no team is wanted.
    Member,
    /// No.
    Stranger,
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// One person who agreed, from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Who, and by which way it is known.
    pub approver: Approver,
    /// Whether the person belongs to a wanted team.
    pub membership: Membership,
}

/// Everything that people said about what is to be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Who asked for the deployment: names in any case.
    pub asked: Vec<String>,
    /// Who agreed. Approvals of another environment or another image, and those that have expired or were
    /// withdrawn, are not among them.
    pub agreed: Vec<Voice>,
    /// Who rejected the CI run.
    pub rejected: Vec<String>,
    /// Sources that may hold a rejection and could not be read, as fragments: they refuse as one does.
    pub unread: Vec<String>,
    /// The command by which a person approves just this.
    pub command: String,
}

/// What speaks for a release where approval is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// It goes back to a release that was live here, and was approved when it was deployed.
    LiveBefore,
    /// People were asked.
    Asked(Said),
}

/// Whose approvals count, or the reasons why they are not enough. A name counts once, whatever its case and
/// wherever it comes from.
///
/// # Errors
/// Fragments: first who rejected and what could not be read, then what is missing and why somebody who agreed does not count.
pub fn approved(wanted: &Wanted, said: &Said) -> Result<Vec<Approver>, Vec<String>> {
    let mut reasons: Vec<String> = said
        .rejected
        .iter()
        .map(|who| format!("{who:?} rejected this run"))
        .chain(said.unread.iter().cloned())
        .collect();
    let asked: BTreeSet<String> = said.asked.iter().map(|who| who.to_lowercase()).collect();
    let mut counted: BTreeSet<String> = BTreeSet::new();
    let (mut approvers, mut ignored) = (Vec::new(), Vec::new());
    for voice in &said.agreed {
        let who = &voice.approver.name;
        let name = who.to_lowercase();
        if asked.contains(&name) && !wanted.allow_self {
            ignored.push(format!("{who:?} asked for this deployment and does not count"));
            continue;
        }
        match &voice.membership {
            Membership::Member => {
                if counted.insert(name) {
                    approvers.push(voice.approver.clone());
                }
            }
            Membership::Stranger => ignored.push(format!(
                "{who:?} is in none of the teams ({}) and does not count",
                wanted.teams.join(", ")
            )),
            Membership::Unknown(why) => {
                ignored.push(format!("{who:?} does not count: {why}"));
            }
        }
    }
    let enough = approvers.len() >= wanted.count as usize;
    if enough && reasons.is_empty() {
        return Ok(approvers);
    }
    if !enough {
        reasons.push(format!("{} of {} approvals", approvers.len(), wanted.count));
        ignored.dedup();
        reasons.extend(ignored);
    }
    Err(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::ApprovedBy;

    fn voice(name: &str, by: ApprovedBy, membership: Membership) -> Voice {
        Voice {
            approver: Approver {
                name: name.to_owned(),
                by,
            },
            membership,
        }
    }

    fn record(name: &str) -> Voice {
        let by = ApprovedBy::Record {
            seq: 3,
            via: "local".to_owned(),
        };
        voice(name, by, Membership::Member)
    }

    fn review(name: &str) -> Voice {
        voice(name, ApprovedBy::Review { run: 7 }, Membership::Member)
    }

    fn told(wanted: &Wanted, said: &Said) -> String {
        match approved(wanted, said) {
            Ok(approvers) => {
                let names: Vec<String> = approvers.iter().map(ToString::to_string).collect();
                format!("approved by {}", names.join(", "))
            }
            Err(reasons) => reasons.join("; "),
        }
    }

    fn wanted(count: u32) -> Wanted {
        Wanted {
            count,
            teams: Vec::new(),
            allow_self: false,
        }
    }

    fn said(agreed: Vec<Voice>) -> Said {
        Said {
            asked: vec!["Ana".to_owned()],
            agreed,
            ..Said::default()
        }
    }

    #[test]
    fn who_counts_and_who_does_not() {
        let table = [
            (1, vec![], "0 of 1 approvals"),
            (1, vec![record("bo")], "approved by bo (local, record 3)"),
            (1, vec![review("bo")], "approved by bo (review of run 7)"),
            (
                1,
                vec![record("aNA")],
                "0 of 1 approvals; \"aNA\" asked for this deployment and does not count",
            ),
            (2, vec![review("bo"), record("BO")], "1 of 2 approvals"),
            (
                2,
                vec![review("bo"), record("cy")],
                "approved by bo (review of run 7), cy (local, record 3)",
            ),
        ];
        for (count, agreed, expected) in table {
            assert_eq!(
                told(&wanted(count), &said(agreed.clone())),
                expected,
                "{agreed:?}"
            );
        }
    }

    #[test]
    fn the_person_who_asked_counts_where_that_is_allowed() {
        let wanted = Wanted {
            allow_self: true,
            ..wanted(1)
        };
        assert_eq!(
            told(&wanted, &said(vec![record("ana")])),
            "approved by ana (local, record 3)"
        );
    }

    #[test]
    fn one_rejection_stands_above_any_number_of_approvals() {
        let said = Said {
            rejected: vec!["cy\n".to_owned()],
            ..said(vec![record("bo"), review("di")])
        };
        assert_eq!(told(&wanted(1), &said), "\"cy\\n\" rejected this run");
    }

    #[test]
    fn a_person_whose_team_is_another_or_unknown_does_not_count() {
        let wanted = Wanted {
            teams: vec!["leads".to_owned(), "ops".to_owned()],
            ..wanted(1)
        };
        let by = || ApprovedBy::Review { run: 7 };
        let stranger = voice("bo", by(), Membership::Stranger);
        let unknown = voice(
            "cy",
            by(),
            Membership::Unknown("the token sees no teams".to_owned()),
        );
        assert_eq!(
            told(&wanted, &said(vec![stranger.clone(), unknown.clone()])),
            "0 of 1 approvals; \"bo\" is in none of the teams (leads, ops) and does not count; \"cy\" does not \
             count: the token sees no teams"
        );
        // The same person is known by another way.
        assert_eq!(
            told(&wanted, &said(vec![unknown, record("cy")])),
            "approved by cy (local, record 3)"
        );
    }

    #[test]
    fn a_source_that_could_not_be_read_refuses_however_many_approved() {
        let mut said = said(Vec::new());
        said.unread = vec!["no GITHUB_TOKEN".to_owned()];
        assert_eq!(told(&wanted(1), &said), "no GITHUB_TOKEN; 0 of 1 approvals");
        said.agreed = vec![record("bo"), record("cy")];
        assert_eq!(told(&wanted(1), &said), "no GITHUB_TOKEN");
    }
}
