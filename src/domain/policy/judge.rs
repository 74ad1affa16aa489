//! The gates.

use super::{
    AdmissionRequest, Consent, Facts, Gate, Lineage, ProtectionRules, Refusal, Ruling, Signatures, Way,
    approved,
};

/// Holds a request against every gate.
pub fn judge(request: &AdmissionRequest, protection: &ProtectionRules, facts: &Facts) -> Ruling {
    let mut findings = Findings::default();
    findings.unfinished(request, facts);
    findings.freeze(request, protection);
    findings.locks(request, facts);
    findings.stale(request, facts);
    findings.overwrite(protection, facts);
    if protection.enabled {
        findings.approval(request, protection, facts);
        findings.signatures(request, facts);
        if request.way == Way::Deploy {
            findings.tests(request, protection, facts);
            findings.promotion(request, facts);
        }
    } else {
        let environment = &request.environment;
        findings.note(format!(
            "the protection of {environment} is off: neither approval, tests, promotion nor signatures are asked for"
        ));
    }
    if request.options.skip_tests {
        findings.note("the checks before the build are skipped, as asked".to_owned());
    }
    if findings.refusals.is_empty() {
        Ruling::Allowed {
            notes: findings.notes,
        }
    } else {
        Ruling::Refused(findings.refusals)
    }
}

#[derive(Default)]
struct Findings {
    refusals: Vec<Refusal>,
    notes: Vec<String>,
}

impl Findings {
    fn refuse(&mut self, gate: Gate, reason: String, fix: impl Into<String>) {
        self.refusals.push(Refusal {
            gate,
            reason,
            fix: fix.into(),
        });
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn unfinished(&mut self, request: &AdmissionRequest, facts: &Facts) {
        let environment = &request.environment;
        if let Some(open) = &facts.unfinished {
            let reason = format!(
                "{} to {environment} ({}), started by {:?} at {}, has not ended",
                open.version,
                open.deployment,
                open.who,
                open.since.human()
            );
            let fix = format!(
                "finish it with `greenroom resume {environment}` or take it back with `greenroom abort {environment}`"
            );
            self.refuse(Gate::Unfinished, reason, fix);
        }
    }

    fn freeze(&mut self, request: &AdmissionRequest, protection: &ProtectionRules) {
        let environment = &request.environment;
        for freeze in &protection.freezes {
            let concerns = freeze.environments.is_empty() || freeze.environments.contains(environment);
            if !concerns || !(freeze.from..freeze.until).contains(&request.at) {
                continue;
            }
            let until = freeze.until.human();
            let by = freeze
                .who
                .as_ref()
                .map_or(String::new(), |who| format!(" by {who:?}"));
            let reason = format!("{environment} is frozen{by} until {until} ({})", freeze.reason);
            let fix = match freeze.who {
                Some(_) => format!(
                    "wait until then, or take it off with `greenroom freeze --lift -e {environment} --reason …`"
                ),
                None => "wait until then, or change `freeze` in the configuration".to_owned(),
            };
            match request.way {
                Way::Rollback => self.note(format!("{reason}; going back is allowed all the same")),
                Way::Deploy => self.refuse(Gate::Freeze, reason, fix),
            }
        }
    }

    /// Hands off: neither forward nor back.
    fn locks(&mut self, request: &AdmissionRequest, facts: &Facts) {
        let environment = &request.environment;
        for lock in &facts.locks {
            if lock.until.is_some_and(|until| until <= request.at) {
                continue;
            }
            let until = lock.until.map_or("until it is taken off".to_owned(), |until| {
                format!("until {}", until.human())
            });
            let reason = format!(
                "{environment} is locked by {:?} since {}, {until} ({})",
                lock.who,
                lock.since.human(),
                lock.reason
            );
            let fix = format!("ask them, or take it off with `greenroom unlock {environment} --reason …`");
            self.refuse(Gate::Lock, reason, fix);
        }
    }

    /// Only a commit that is an ancestor of the live one is stale: a queued or repeated run that a
    /// newer one has overtaken. Another branch is a choice that somebody made.
    fn stale(&mut self, request: &AdmissionRequest, facts: &Facts) {
        if request.way == Way::Rollback {
            return;
        }
        let environment = &request.environment;
        let (reason, fix) = match facts.lineage {
            Lineage::First | Lineage::Newer => return,
            Lineage::Same => {
                return self.note(format!("this commit is live in {environment} already"));
            }
            Lineage::Diverged => {
                return self.note(format!("the commit live in {environment} is not an ancestor of this one: another branch, or rewritten history"));
            }
            Lineage::Unknown => {
                return self.note(format!("whether this is older than what is live in {environment} cannot be told: one of the two commits is not known"));
            }
            Lineage::Older => (
                format!("this commit is older than the one live in {environment}: a newer run was faster"),
                format!(
                    "deploy the newest commit; to go back use `greenroom rollback {environment}`, or pass --allow-stale"
                ),
            ),
            Lineage::Shallow => (
                format!(
                    "whether this commit is older than the one live in {environment} cannot be told: the clone is shallow"
                ),
                "check out with `fetch-depth: 0` (git fetch --unshallow), or pass --allow-stale".to_owned(),
            ),
        };
        if request.options.allow_stale {
            self.note(format!("{reason}; --allow-stale lets it through"));
        } else {
            self.refuse(Gate::Stale, reason, fix);
        }
    }

    fn overwrite(&mut self, protection: &ProtectionRules, facts: &Facts) {
        for foreign in &facts.foreign {
            let reason = format!(
                "{} holds what greenroom did not make: {}",
                foreign.unit, foreign.what
            );
            if protection.allow_overwrite {
                self.note(format!(
                    "{reason}; protection.allowOverwrite lets it be overwritten"
                ));
            } else {
                let fix = "remove it or name another place; `protection: { allowOverwrite: true }` lets greenroom overwrite it";
                self.refuse(Gate::Overwrite, reason, fix);
            }
        }
    }

    /// Without facts about it an approval that is asked for is not there.
    fn approval(&mut self, request: &AdmissionRequest, protection: &ProtectionRules, facts: &Facts) {
        let Some(wanted) = &protection.approval else {
            return;
        };
        let (environment, version) = (&request.environment, &request.version);
        let said = match &facts.consent {
            Some(Consent::LiveBefore) => {
                return self.note(format!(
                    "{version} was live in {environment} before: going back to it needs no new approval"
                ));
            }
            Some(Consent::Asked(said)) => said.clone(),
            None => super::Said::default(),
        };
        match approved(wanted, &said) {
            Ok(approvers) => {
                let by: Vec<String> = approvers.iter().map(ToString::to_string).collect();
                self.note(format!("approved by {}", by.join(" and ")));
            }
            Err(reasons) => {
                let reason = format!(
                    "{environment} requires approval of {version}: {}",
                    reasons.join("; ")
                );
                let command = &said.command;
                let fix = if !said.rejected.is_empty() {
                    "talk to them, and start a new run".to_owned()
                } else if said.unread.is_empty() {
                    format!("let somebody else approve it: `{command}`, then run this again")
                } else {
                    format!(
                        "let greenroom read the reviews, and let somebody else approve it where nobody has: \
                         `{command}`, then run this again"
                    )
                };
                self.refuse(Gate::Approval, reason, fix);
            }
        }
    }

    fn tests(&mut self, request: &AdmissionRequest, protection: &ProtectionRules, facts: &Facts) {
        if !protection.require_tests || facts.suites > 0 {
            return;
        }
        let environment = &request.environment;
        if facts.health_check {
            self.note(format!(
                "no suite is configured for {environment}: only the health check speaks for {}",
                request.version
            ));
        } else {
            self.refuse(
                Gate::Tests,
                format!("{environment} requires tests, and neither a suite nor a health check is configured"),
                "name a suite under `suites`, or set `requireTests: false`",
            );
        }
    }

    fn promotion(&mut self, request: &AdmissionRequest, facts: &Facts) {
        let Some(promotion) = &facts.promotion else {
            return;
        };
        let (environment, from, version) = (&request.environment, &promotion.from, &request.version);
        for piece in &promotion.missing {
            let reason =
                format!("{environment} takes only what succeeded in {from}, and of {version} {piece}");
            let fix = format!(
                "deploy it to {from} first, then `greenroom promote --from {from} --to {environment}`"
            );
            self.refuse(Gate::Promotion, reason, fix);
        }
    }

    fn signatures(&mut self, request: &AdmissionRequest, facts: &Facts) {
        let (environment, version) = (&request.environment, &request.version);
        let reasons = match &facts.signatures {
            None => return,
            Some(Signatures::Searched(Ok(signed))) => {
                let by: Vec<String> = signed.iter().map(ToString::to_string).collect();
                return self.note(format!("the image is signed by {}", by.join(" and ")));
            }
            Some(Signatures::Recorded(signed)) => {
                let by: Vec<String> = signed.iter().map(ToString::to_string).collect();
                return self.note(format!(
                    "the image was verified when it was deployed here before: signed by {}",
                    by.join(" and ")
                ));
            }
            Some(Signatures::Pending(policy)) => {
                let wanted: Vec<String> = policy.accepted().map(ToString::to_string).collect();
                return self.note(format!(
                    "{environment} takes only signed images, and this one is not built yet: what counts is {}",
                    wanted.join(", ")
                ));
            }
            Some(Signatures::Searched(Err(reasons))) => reasons.join("; "),
            Some(Signatures::NoImage) => "it is no image by digest, so nothing can be signed".to_owned(),
        };
        let reason =
            format!("{environment} takes only signed images, and {version} is not accepted: {reasons}");
        let fix = "sign the image, or name who signs it under `protection.signatures`; `greenroom signature verify` \
                   shows what is attached";
        self.refuse(Gate::Signature, reason, fix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{DeployOptions, SignaturePolicy};
    use crate::domain::policy::{Foreign, FreezeWindow, Lock, Promotion, Said, Unfinished, Wanted};

    fn request() -> AdmissionRequest {
        AdmissionRequest {
            environment: "production".parse().unwrap(),
            version: "1.2.3".parse().unwrap(),
            way: Way::Deploy,
            at: "2026-12-24T18:00:00Z".parse().unwrap(),
            options: DeployOptions::default(),
        }
    }

    fn facts() -> Facts {
        Facts {
            lineage: Lineage::Newer,
            foreign: Vec::new(),
            unfinished: None,
            suites: 1,
            health_check: true,
            promotion: None,
            signatures: None,
            locks: Vec::new(),
            consent: None,
        }
    }

    fn freeze(environments: &[&str], from: &str, until: &str) -> FreezeWindow {
        FreezeWindow {
            environments: environments.iter().map(|name| name.parse().unwrap()).collect(),
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            reason: "holidays".into(),
            who: None,
        }
    }

    /// Everything that can be wrong at once.
    fn worst() -> (ProtectionRules, Facts) {
        let protection = ProtectionRules {
            approval: Some(Wanted {
                count: 1,
                teams: Vec::new(),
                allow_self: false,
            }),
            freezes: vec![freeze(
                &["production"],
                "2026-12-20T00:00:00Z",
                "2027-01-02T00:00:00Z",
            )],
            ..ProtectionRules::default()
        };
        let facts = Facts {
            lineage: Lineage::Older,
            foreign: vec![Foreign {
                unit: "web-1".parse().unwrap(),
                what: "a process listening on port 8080".into(),
            }],
            unfinished: Some(Unfinished {
                deployment: "20261120-235019-1f0c9a2e".parse().unwrap(),
                version: "1.2.2".parse().unwrap(),
                who: "ada\n::error::".into(),
                since: "2026-11-20T23:50:19Z".parse().unwrap(),
            }),
            suites: 0,
            health_check: false,
            promotion: Some(Promotion {
                from: "staging".parse().unwrap(),
                missing: vec!["this image was never deployed to staging".into()],
            }),
            signatures: None,
            locks: vec![Lock {
                who: "bo".into(),
                since: "2026-12-24T17:00:00Z".parse().unwrap(),
                until: None,
                reason: "counting things".into(),
            }],
            consent: Some(Consent::Asked(Said {
                command: "greenroom approve production --image sha256:ab".into(),
                ..Said::default()
            })),
        };
        (protection, facts)
    }

    fn told(ruling: &Ruling) -> String {
        match ruling {
            Ruling::Allowed { notes } if notes.is_empty() => "allowed".to_owned(),
            Ruling::Allowed { notes } => format!("allowed\n{}", notes.join("\n")),
            Ruling::Refused(refusals) => {
                let lines: Vec<String> = refusals
                    .iter()
                    .map(|refusal| format!("{}: {refusal}", refusal.gate))
                    .collect();
                lines.join("\n")
            }
        }
    }

    fn gates(ruling: &Ruling) -> Vec<Gate> {
        match ruling {
            Ruling::Allowed { .. } => Vec::new(),
            Ruling::Refused(refusals) => refusals.iter().map(|refusal| refusal.gate).collect(),
        }
    }

    #[test]
    fn what_meets_every_gate_goes_through_without_a_word() {
        assert_eq!(
            told(&judge(&request(), &ProtectionRules::default(), &facts())),
            "allowed"
        );
    }

    #[test]
    fn every_gate_that_is_not_met_is_named_at_once_with_its_way_out() {
        let (protection, facts) = worst();
        let text = told(&judge(&request(), &protection, &facts));
        insta::assert_snapshot!(text, @r##"
        unfinished: 1.2.2 to production (20261120-235019-1f0c9a2e), started by "ada\n::error::" at 2026-11-20 23:50:19 UTC, has not ended; finish it with `greenroom resume production` or take it back with `greenroom abort production`
        freeze: production is frozen until 2027-01-02 00:00:00 UTC (holidays); wait until then, or change `freeze` in the configuration
        lock: production is locked by "bo" since 2026-12-24 17:00:00 UTC, until it is taken off (counting things); ask them, or take it off with `greenroom unlock production --reason …`
        stale: this commit is older than the one live in production: a newer run was faster; deploy the newest commit; to go back use `greenroom rollback production`, or pass --allow-stale
        overwrite: web-1 holds what greenroom did not make: a process listening on port 8080; remove it or name another place; `protection: { allowOverwrite: true }` lets greenroom overwrite it
        approval: production requires approval of 1.2.3: 0 of 1 approvals; let somebody else approve it: `greenroom approve production --image sha256:ab`, then run this again
        tests: production requires tests, and neither a suite nor a health check is configured; name a suite under `suites`, or set `requireTests: false`
        promotion: production takes only what succeeded in staging, and of 1.2.3 this image was never deployed to staging; deploy it to staging first, then `greenroom promote --from staging --to production`
        "##);
    }

    #[test]
    fn a_rollback_needs_no_new_proof_but_touches_nothing_foreign() {
        let (protection, facts) = worst();
        let request = AdmissionRequest {
            way: Way::Rollback,
            ..request()
        };
        let ruling = judge(&request, &protection, &facts);
        assert_eq!(
            gates(&ruling),
            [Gate::Unfinished, Gate::Lock, Gate::Overwrite, Gate::Approval]
        );
    }

    #[test]
    fn what_is_switched_off_is_not_asked_for_but_what_belongs_to_others_stays_safe() {
        let (protection, facts) = worst();
        let protection = ProtectionRules {
            enabled: false,
            ..protection
        };
        let ruling = judge(&request(), &protection, &facts);
        assert_eq!(
            gates(&ruling),
            [
                Gate::Unfinished,
                Gate::Freeze,
                Gate::Lock,
                Gate::Stale,
                Gate::Overwrite
            ]
        );
    }

    #[test]
    fn what_is_let_through_is_said() {
        let (_, worst) = worst();
        let request = AdmissionRequest {
            options: DeployOptions {
                allow_stale: true,
                skip_tests: true,
                ..DeployOptions::default()
            },
            ..request()
        };
        let protection = ProtectionRules {
            allow_overwrite: true,
            ..ProtectionRules::default()
        };
        let facts = Facts {
            unfinished: None,
            promotion: None,
            locks: Vec::new(),
            health_check: true,
            ..worst
        };
        insta::assert_snapshot!(told(&judge(&request, &protection, &facts)), @r##"
        allowed
        this commit is older than the one live in production: a newer run was faster; --allow-stale lets it through
        web-1 holds what greenroom did not make: a process listening on port 8080; protection.allowOverwrite lets it be overwritten
        no suite is configured for production: only the health check speaks for 1.2.3
        the checks before the build are skipped, as asked
        "##);
    }

    #[test]
    fn a_freeze_holds_from_its_first_instant_to_the_one_before_its_last() {
        let table = [
            (
                &["production"][..],
                "2026-12-24T18:00:00Z",
                "2026-12-24T18:00:01Z",
                true,
            ),
            (
                &["production"],
                "2026-12-24T17:00:00Z",
                "2026-12-24T18:00:00Z",
                false,
            ),
            (
                &["production"],
                "2026-12-24T18:00:01Z",
                "2026-12-25T00:00:00Z",
                false,
            ),
            (
                &["staging"],
                "2026-12-01T00:00:00Z",
                "2026-12-31T00:00:00Z",
                false,
            ),
            (
                &["staging", "production"],
                "2026-12-01T00:00:00Z",
                "2026-12-31T00:00:00Z",
                true,
            ),
            (&[], "2026-12-01T00:00:00Z", "2026-12-31T00:00:00Z", true),
        ];
        for (environments, from, until, frozen) in table {
            let protection = ProtectionRules {
                freezes: vec![freeze(environments, from, until)],
                ..ProtectionRules::default()
            };
            let expected: &[Gate] = if frozen { &[Gate::Freeze] } else { &[] };
            assert_eq!(
                gates(&judge(&request(), &protection, &facts())),
                expected,
                "{environments:?} {from}"
            );
        }
    }

    #[test]
    fn only_commits_older_than_the_live_one_and_unknowable_ones_are_stale() {
        for (lineage, refused) in [
            (Lineage::First, false),
            (Lineage::Same, false),
            (Lineage::Newer, false),
            (Lineage::Diverged, false),
            (Lineage::Unknown, false),
            (Lineage::Older, true),
            (Lineage::Shallow, true),
        ] {
            let facts = Facts { lineage, ..facts() };
            let expected: &[Gate] = if refused { &[Gate::Stale] } else { &[] };
            assert_eq!(
                gates(&judge(&request(), &ProtectionRules::default(), &facts)),
                expected,
                "{lineage:?}"
            );
        }
    }

    #[test]
    fn promotion_wants_proof_for_this_very_image() {
        for missing in [
            &[][..],
            &["one".to_owned()],
            &["one".to_owned(), "two".to_owned()],
        ] {
            let facts = Facts {
                promotion: Some(Promotion {
                    from: "staging".parse().unwrap(),
                    missing: missing.to_vec(),
                }),
                ..facts()
            };
            assert_eq!(
                gates(&judge(&request(), &ProtectionRules::default(), &facts)),
                vec![Gate::Promotion; missing.len()]
            );
        }
    }

    #[test]
    fn an_image_that_is_not_signed_is_refused_either_way() {
        let lacking = Signatures::Searched(Err(vec!["no Sigstore bundle is attached to it".to_owned()]));
        for way in [Way::Deploy, Way::Rollback] {
            let request = AdmissionRequest { way, ..request() };
            for (found, refused) in [
                (lacking.clone(), true),
                (Signatures::NoImage, true),
                (Signatures::Pending(SignaturePolicy::default()), false),
                (Signatures::Searched(Ok(Vec::new())), false),
                (Signatures::Recorded(Vec::new()), false),
            ] {
                let facts = Facts {
                    signatures: Some(found),
                    ..facts()
                };
                let ruling = judge(&request, &ProtectionRules::default(), &facts);
                assert_eq!(gates(&ruling) == [Gate::Signature], refused, "{ruling:?}");
                let open = ProtectionRules {
                    enabled: false,
                    ..ProtectionRules::default()
                };
                assert_eq!(gates(&judge(&request, &open, &facts)), []);
            }
        }
    }
}
