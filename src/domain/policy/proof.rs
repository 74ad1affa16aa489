//! The proof that an image succeeded in the environment before.

use crate::domain::model::{Digest, EnvironmentName, Proof, Verdict};
use std::collections::BTreeSet;

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is live, or was.
    Succeeded,
    /// What was live before came back.
    RolledBack,
    /// It waits for a person.
    Halted,
}

/// A check of a suite in a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckTrial {
    /// Its suite.
    pub suite: String,
    /// Its name.
    pub check: String,
    /// Its last verdict; `None` where it was never judged.
    pub verdict: Option<Verdict>,
}

/// A deployment in the environment before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorDeployment {
    /// The image that it brought.
    pub image: Option<Digest>,
    /// The image that a person went back from by it.
    pub left: Option<Digest>,
    /// The record by which it ended, and its hash; `None` while it is open.
    pub finished: Option<(u64, Digest)>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Whether the checks before the build were skipped.
    pub checks_skipped: bool,
    /// Every check of every suite that it planned or ran.
    pub checks: Vec<CheckTrial>,
}

/// The proof that `image` succeeded in `from`, whose deployments are `trials`, oldest first: a deployment
/// of this very digest that succeeded, skipped nothing, and in which every check of every suite passed,
/// those of `required` among them; and since then nothing that speaks against it.
///
/// # Errors
/// Every piece that is missing, as a fragment.
pub fn prove(
    from: &EnvironmentName,
    image: &Digest,
    required: &[String],
    trials: &[PriorDeployment],
) -> Result<Proof, Vec<String>> {
    let (mut missing, mut proof) = (vec![format!("this image was never deployed to {from}")], None);
    for trial in trials {
        if trial.left.as_ref() == Some(image) {
            proof = None;
            missing = vec![format!("{from} was rolled back from this image")];
        } else if trial.image.as_ref() == Some(image) {
            let lacks = lacking(from, trial, required);
            match (&trial.finished, lacks.is_empty()) {
                (Some((seq, hash)), true) => {
                    proof = Some(Proof {
                        environment: from.clone(),
                        image: image.clone(),
                        seq: *seq,
                        hash: hash.clone(),
                    });
                }
                // To bring an image back that has its proof, nothing is tested again.
                _ if proof.is_some() && trial.ended == Some(Ended::Succeeded) && !has_failed(trial) => {}
                _ => {
                    proof = None;
                    missing = lacks;
                }
            }
        }
    }
    proof.ok_or(missing)
}

fn has_failed(trial: &PriorDeployment) -> bool {
    trial
        .checks
        .iter()
        .any(|check| check.verdict == Some(Verdict::Fail))
}

fn lacking(from: &EnvironmentName, trial: &PriorDeployment, required: &[String]) -> Vec<String> {
    let mut lacks = Vec::new();
    match trial.ended {
        Some(Ended::Succeeded) => {}
        Some(Ended::RolledBack) => lacks.push(format!("its deployment to {from} was rolled back")),
        Some(Ended::Halted) => lacks.push(format!("its deployment to {from} halted")),
        None => lacks.push(format!("its deployment to {from} has not finished")),
    }
    if trial.checks_skipped {
        lacks.push(format!(
            "the checks before the build were skipped when it went to {from}"
        ));
    }
    let ran: BTreeSet<&str> = trial.checks.iter().map(|check| check.suite.as_str()).collect();
    for suite in required.iter().filter(|suite| !ran.contains(suite.as_str())) {
        lacks.push(format!("suite {suite} was not run on it in {from}"));
    }
    for check in &trial.checks {
        let (suite, name) = (&check.suite, &check.check);
        match check.verdict {
            Some(Verdict::Pass) => {}
            Some(Verdict::Fail) => lacks.push(format!("check {name} of suite {suite} failed in {from}")),
            Some(Verdict::Inconclusive) => {
                lacks.push(format!("check {name} of suite {suite} said nothing in {from}"));
            }
            None => lacks.push(format!("check {name} of suite {suite} was not judged in {from}")),
        }
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Digest {
        Digest::of(b"image")
    }

    fn trial() -> PriorDeployment {
        PriorDeployment {
            image: Some(image()),
            left: None,
            finished: Some((7, Digest::of(b"record"))),
            ended: Some(Ended::Succeeded),
            checks_skipped: false,
            checks: vec![check("smoke", "health", Some(Verdict::Pass))],
        }
    }

    fn check(suite: &str, check: &str, verdict: Option<Verdict>) -> CheckTrial {
        CheckTrial {
            suite: suite.into(),
            check: check.into(),
            verdict,
        }
    }

    fn judge(trials: &[PriorDeployment]) -> Result<u64, Vec<String>> {
        let proof = prove(&"staging".parse().unwrap(), &image(), &["smoke".into()], trials);
        proof.map(|proof| proof.seq)
    }

    #[test]
    fn a_deployment_that_passed_everything_is_the_proof() {
        assert_eq!(judge(&[trial()]), Ok(7));
        let other = PriorDeployment {
            image: Some(Digest::of(b"other")),
            finished: Some((9, Digest::of(b"later"))),
            ..trial()
        };
        assert_eq!(
            judge(&[trial(), other.clone()]),
            Ok(7),
            "another image says nothing about it"
        );
        assert_eq!(
            judge(&[other]).unwrap_err(),
            ["this image was never deployed to staging"]
        );
    }

    #[test]
    fn each_missing_piece_is_a_reason() {
        let poor = PriorDeployment {
            finished: None,
            ended: None,
            checks_skipped: true,
            checks: vec![
                check("load", "p95", Some(Verdict::Fail)),
                check("load", "errors", Some(Verdict::Inconclusive)),
                check("load", "memory", None),
            ],
            ..trial()
        };
        assert_eq!(
            judge(&[poor]).unwrap_err(),
            [
                "its deployment to staging has not finished",
                "the checks before the build were skipped when it went to staging",
                "suite smoke was not run on it in staging",
                "check p95 of suite load failed in staging",
                "check errors of suite load said nothing in staging",
                "check memory of suite load was not judged in staging",
            ]
        );
        for (ended, reason) in [
            (Ended::RolledBack, "its deployment to staging was rolled back"),
            (Ended::Halted, "its deployment to staging halted"),
        ] {
            let ended = PriorDeployment {
                ended: Some(ended),
                ..trial()
            };
            assert_eq!(
                judge(&[trial(), ended.clone()]).unwrap_err(),
                [reason],
                "also after a success"
            );
            assert_eq!(judge(&[ended, trial()]), Ok(7), "a later success counts");
        }
    }

    #[test]
    fn going_back_to_it_keeps_the_proof_and_going_back_from_it_takes_it() {
        let back = PriorDeployment {
            finished: Some((20, Digest::of(b"rollback"))),
            checks: Vec::new(),
            ..trial()
        };
        assert_eq!(judge(&[trial(), back.clone()]), Ok(7));
        assert!(judge(std::slice::from_ref(&back)).is_err());
        let from = PriorDeployment {
            image: Some(Digest::of(b"older")),
            left: Some(image()),
            ..back
        };
        assert_eq!(
            judge(&[trial(), from.clone()]).unwrap_err(),
            ["staging was rolled back from this image"]
        );
        assert_eq!(judge(&[trial(), from, trial()]), Ok(7));
    }
}
