//! The documents for programs, each with every field: `docs/json.md` shows them as they are here.

use crate::report::{events, report};
use greenroom::domain::history::{
    Approval, ApprovalChange, ApprovalRecord, Audit, AuditFinding, DeploymentEntry, Deviation, Drift, Guard,
    GuardChange, Guards, Live, OpenRollout, Problem, Promoted, PromotionRecord, ProtectionRecord, Scanned,
    Status, Switched, Told,
};
use greenroom::domain::model::{
    Artifact, ConfigurationProblem, Digest, Endpoint, EnvironmentName, Holder, LabelledPosition, Origin,
    Period, Proof, Release, Signed, Strategy, Tag, Tenure, TextPosition, Timestamp, Verdict, Version,
};

use greenroom::domain::rollout::{Ahead, Event, Outcome, Phase, Plan, Step, StepId};
use greenroom::domain::scan::{Assessment, Input, Level, Policy, ScanRecord, ScanSubject, judge, read};
use greenroom::domain::trigger::manual;
use greenroom::report::document::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A document on the page: the commands that write it, what it is, and the example.
struct Entry {
    commands: &'static str,
    about: &'static str,
    example: Value,
}

fn entry(commands: &'static str, about: &'static str, document: &impl Serialize) -> Entry {
    Entry {
        commands,
        about,
        example: serde_json::to_value(document).unwrap(),
    }
}

impl Entry {
    /// The name of its form; of a document without one, the command.
    fn name(&self) -> String {
        match self.example["schema"].as_str() {
            Some(schema) => format!("`{schema}`"),
            None => format!("`{}`", self.commands),
        }
    }

    /// The commands, each in backquotes.
    fn written_by(&self) -> String {
        match self.commands {
            "every command" => self.commands.to_owned(),
            named => format!("`{}`", named.replace(", ", "`, `")),
        }
    }

    fn anchor(&self) -> String {
        let name = self.name().to_lowercase();
        let kept = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || " -".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    }
}

fn parsed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn environment(name: &str) -> EnvironmentName {
    name.parse().unwrap()
}

fn version() -> Version {
    "1.2.3".parse().unwrap()
}

fn digest(byte: &str) -> Digest {
    format!("sha256:{}", byte.repeat(32)).parse().unwrap()
}

fn tags() -> Vec<Tag> {
    ["1.2.3", "latest"].map(|tag| tag.parse().unwrap()).into()
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}Z").parse().unwrap()
}

fn origin() -> Origin {
    parsed(
        json!({ "actor": { "name": "ana", "via": "github" }, "reason": "release 1.2.3",
        "run": "https://github.com/acme/shop/actions/runs/42" }),
    )
}

fn artifact() -> Artifact {
    parsed(json!({ "repository": "ghcr.io/acme/shop", "digest": digest("ab") }))
}

fn proof() -> Proof {
    Proof {
        environment: environment("staging"),
        image: digest("ab"),
        seq: 17,
        hash: digest("cd"),
    }
}

fn release() -> Release {
    parsed(
        json!({ "version": "1.2.3", "artifact": artifact(), "commit": "abc123d".repeat(5) + "abc12",
        "variables": { "LOG_LEVEL": "info" }, "secrets": { "DB_PASSWORD": { "env": "STAGING_DB" } } }),
    )
}

fn plan() -> Plan {
    match events().remove(0).event {
        Event::Planned(plan) => *plan,
        other => panic!("a run begins with its plan, and not with {other:?}"),
    }
}

fn approvals() -> Vec<Approval> {
    vec![parsed(
        json!({ "subject": { "image": digest("ab") }, "origin": origin(), "at": at("23:50:19"),
        "expires": "2026-11-27T23:50:19Z" }),
    )]
}

fn guard(kind: &str) -> Guard {
    parsed(
        json!({ "kind": kind, "from": at("23:50:19"), "until": "2026-11-22T00:00:00Z", "origin": origin() }),
    )
}

fn switched() -> Switched {
    Told {
        at: at("23:50:19"),
        seq: 4,
        body: ProtectionRecord {
            enabled: false,
            origin: origin(),
        },
    }
}

fn assessment() -> Assessment {
    let digest = digest("00");
    let report = read(include_bytes!("../fixtures/scan/grype.json")).unwrap();
    let judgment = judge(&Input {
        policy: &Policy::default(),
        report: &report,
        subject: &ScanSubject::of(digest.clone()),
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
        baseline: None,
    });
    Assessment {
        image: Artifact {
            repository: "ghcr.io/acme/hello".to_owned(),
            digest,
        },
        environment: environment("production"),
        level: Level::Block,
        at: "2026-11-21T12:00:00Z".parse().unwrap(),
        live: false,
        report,
        judgment,
    }
}

fn problem() -> ConfigurationProblem {
    let position = |line| TextPosition {
        file: Some("greenroom.yaml".to_owned()),
        line,
        column: 1,
        length: 7,
    };
    ConfigurationProblem {
        severity: "error",
        message: "unknown key `trigers`".to_owned(),
        position: Some(position(2)),
        related: vec![LabelledPosition {
            position: position(1),
            label: "in this file".to_owned(),
        }],
        help: Some("did you mean `triggers`?".to_owned()),
    }
}

/// What is decided, built and checked before anything is deployed.
fn before() -> Vec<Entry> {
    let (tags, image, version) = (tags(), artifact(), version());
    let sha = "abc123dabc123dabc123dabc123dabc123dabc12".parse().unwrap();
    vec![
        entry(
            "trigger",
            "Whether the event at hand deploys, what, where, and why. Has no `schema`.",
            &manual(environment("staging"), Some("main")),
        ),
        entry(
            "check",
            "A valid configuration, and what is worth knowing about it. One with errors is a `greenroom.error/1`.",
            &CheckDocument {
                valid: true,
                notes: vec![ConfigurationProblem {
                    severity: "note",
                    related: Vec::new(),
                    ..problem()
                }],
            },
        ),
        entry(
            "doctor",
            "Every look at what has to be reached. `standing` is `ok`, `warning`, `failed` or `notApplicable`; \
             `cause`, where it failed, is `setup` or `access`.",
            &DoctorDocument {
                exit: 6,
                checks: vec![DoctorRow {
                    area: "staging",
                    what: "storage local-zfs",
                    standing: DoctorResult::Failed,
                    found: "the token may not use it",
                    cause: Some(DoctorCause::Access),
                    fix: &["pveum acl modify /storage/local-zfs -role Greenroom".to_owned()],
                }],
            },
        ),
        entry(
            "validate",
            "The checks before the build that passed.",
            &ValidationDocument {
                passed: vec![ValidationRow {
                    name: "unit tests".to_owned(),
                    took: Period::from_millis(1500),
                }],
            },
        ),
        entry(
            "tag",
            "The tags that an image of this commit gets. `sha` is null outside a repository, `image` where the \
             project has no image.",
            &TagsDocument {
                tags: &tags,
                version: &version,
                sha: Some(&sha),
                time: at("23:50:19"),
                image: Some("ghcr.io/acme/shop"),
                withheld: Some("latest stays at 2.0.0, which is newer"),
            },
        ),
        entry(
            "build",
            "The image that was built. `made` is null where it was there already, `made.builder` where greenroom \
             packed it itself; `startup` and `note` are left out where there is nothing to say.",
            &BuildDocument {
                image: &image,
                tags: &tags,
                version: &version,
                made: Some(BuildRow {
                    builder: Some("docker buildx"),
                    took: Period::from_millis(42_000),
                    startup: Some(Period::from_millis(800)),
                    note: Some("podman does not answer"),
                }),
            },
        ),
        entry(
            "scan",
            "A scan that was judged for an environment, with every finding, worst first.",
            &ScanDocument::of(&assessment()),
        ),
        entry(
            "signature verify",
            "Who signed an image. `reasons` is null where it is accepted, `signatures` where it is not.",
            &SignaturesDocument::of(
                image.to_string(),
                Ok(&[parsed::<Signed>(json!({
                    "bundle": digest("ef"),
                    "signer": "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main",
                    "issuer": "https://token.actions.githubusercontent.com",
                    "logIndex": 99,
                    "at": at("23:40:00"),
                }))]),
            ),
        ),
    ]
}

/// What deploys, or would.
fn rollouts() -> Vec<Entry> {
    let (plan, events) = (plan(), events());
    let (from, to, version, proof) = (
        environment("staging"),
        environment("production"),
        version(),
        proof(),
    );
    let (digest, tags) = (digest("ab"), tags());
    let transfer = transfer(&digest, &tags);
    let id = environment("accept-7f3a");
    let ahead = Ahead {
        steps: vec![(
            StepId {
                phase: Phase::Recovery,
                index: 0,
            },
            Step::Promote,
        )],
        outcome: Outcome::RolledBack,
    };
    vec![
        entry(
            "plan, deploy --dry-run, run --dry-run, rollback --dry-run, acceptance create --dry-run",
            "What would be done in each environment: a `plan` with `notes`, or `live` (the version) where nothing \
             is to be done, or `error` as in `greenroom.error/1`.",
            &PlansDocument {
                plans: vec![
                    PlanRow::Ready {
                        environment: &from,
                        plan: &plan,
                        notes: &["the image was not scanned".to_owned()],
                    },
                    PlanRow::AlreadyLive {
                        environment: &to,
                        live: &version,
                    },
                    PlanRow::Failed {
                        environment: &id,
                        error: refused(),
                    },
                ],
            },
        ),
        entry(
            "run, deploy, promote, rollback, resume, abort, verify, acceptance run",
            "One rollout, or the checks of one environment, from the ledger's events.",
            &report(&events),
        ),
        entry(
            "run, deploy, promote, rollback",
            "An environment in which this release is live already, so that nothing was done.",
            &UnchangedDocument::of(&from, &plan),
        ),
        entry(
            "run, deploy, scan, acceptance",
            "Where a command reports on no environment or on several: the document of each, rollouts first.",
            &RunsDocument {
                runs: &[serde_json::to_value(UnchangedDocument::of(&from, &plan)).unwrap()],
            },
        ),
        entry(
            "promote --image-only",
            "An image that was promoted and not deployed. `proof` is null where the environment asks for no tests.",
            &PromotionDocument {
                from: &from,
                to: &to,
                version: &version,
                proof: Some(&proof),
                transfer: transfer.clone(),
            },
        ),
        entry(
            "promote --dry-run",
            "What a promotion would do. `plan` is null where nothing would be deployed.",
            &PromotionPreviewDocument {
                from: &from,
                to: &to,
                version: &version,
                proof: Some(&proof),
                withheld: Some("latest stays at 2.0.0, which is newer"),
                image: image_preview(&digest, &tags),
                plan: None,
                notes: &[],
            },
        ),
        entry(
            "resume --dry-run, abort --dry-run",
            "What would be done with the rollout that is open; everything about it is null where none is.",
            &ResumeDocument {
                cause: Some("web-2 was not ready within 1m"),
                notes: &["ana holds staging".to_owned()],
                ..ResumeDocument::of("abort", &plan, &ahead)
            },
        ),
        entry(
            "acceptance create, acceptance run",
            "An acceptance deployment that was made or tested. `verdict` is null where the suite was not begun, \
             `removed` where it was to stay.",
            &AcceptanceDocument {
                id: &id,
                environment: &from,
                suite: Some("smoke"),
                expires: at("23:59:00"),
                url: Some(&"http://127.0.0.1:8080".parse::<Endpoint>().unwrap()),
                verdict: Some(Verdict::Pass),
                interrupted: false,
                removed: Some(true),
                exit: 0,
            },
        ),
        entry(
            "acceptance list",
            "Acceptance deployments that are there. `environment` and `by` are null where the ledger does not know \
             one.",
            &AcceptancesDocument {
                acceptances: vec![acceptance(&id, &from, &origin())],
            },
        ),
        entry(
            "acceptance cleanup, prune guests",
            "Acceptance deployments that were meant to go, and what became of each.",
            &PruneGuestsDocument {
                exit: 7,
                found: vec![acceptance(&id, &from, &origin())],
                removed: vec![RemovalRow {
                    id: &id,
                    removed: false,
                    error: Some("accept-7f3a is busy: bob holds it".to_owned()),
                }],
            },
        ),
    ]
}

fn acceptance<'a>(id: &'a EnvironmentName, of: &'a EnvironmentName, by: &'a Origin) -> AcceptanceRow<'a> {
    AcceptanceRow {
        id,
        environment: Some(of),
        by: Some(by),
        suite: Some("smoke"),
        expires: at("23:59:00"),
        overdue: false,
        found: vec!["guest 4000 on pve1"],
    }
}

fn refused() -> FailureReason {
    FailureReason {
        kind: "refused".to_owned(),
        detail: FailureDetail::Refused {
            refusals: vec![RefusalRow {
                gate: "freeze",
                reason: "production is frozen until 2026-11-22".to_owned(),
                fix: "wait, or `greenroom freeze --lift`".to_owned(),
            }],
        },
    }
}

fn deployment() -> DeploymentEntry {
    DeploymentEntry {
        id: plan().deployment,
        planned: 1,
        last: 9,
        plan: plan(),
        started: at("23:50:19"),
        live_since: Some(at("23:51:00")),
        finished: Some(at("23:52:00")),
        outcome: Some(Outcome::Succeeded),
        summary: "2.0.0 is live".to_owned(),
        steps: Vec::new(),
        evidence: Vec::new(),
        interventions: Vec::new(),
        warnings: Vec::new(),
    }
}

fn promoted() -> Promoted {
    Promoted {
        at: at("23:50:19"),
        seq: 3,
        promotion: PromotionRecord {
            from: environment("staging"),
            version: version(),
            source: artifact(),
            image: artifact(),
            tags: tags(),
            proof: Some(proof()),
            origin: origin(),
        },
    }
}

/// What is known of environments.
fn knowledge() -> Vec<Entry> {
    let status = Status {
        environment: environment("staging"),
        live: Some(live()),
        open: Some(OpenRollout {
            plan: plan(),
            started: at("23:50:19"),
            last: at("23:50:20"),
            halted: false,
            step: Some(StepId {
                phase: Phase::Forward,
                index: 1,
            }),
            act: None,
            lease: Some(Tenure {
                holder: Holder {
                    who: "ana (github)".to_owned(),
                    run: None,
                    purpose: "deploying 1.2.3".to_owned(),
                },
                epoch: 3,
                acquired: at("23:50:18"),
                expires: at("23:55:18"),
            }),
        }),
        last: Some((at("23:40:00"), Outcome::Succeeded, "1.2.2 is live".to_owned())),
        protection: Some(switched()),
    };
    let drift = Drift {
        kind: Deviation::Stopped,
        unit: Some("web-1".parse().unwrap()),
        slot: None,
        message: "web-1 does not run".to_owned(),
    };
    let (guards, approvals) = ([guard("lock")], approvals());
    let approved = Told {
        at: at("23:50:19"),
        seq: 5,
        body: ApprovalRecord {
            change: ApprovalChange::Approved(approvals[0].clone()),
            standing: approvals.clone(),
        },
    };
    let guarded = Told {
        at: at("23:50:19"),
        seq: 6,
        body: Guards {
            change: GuardChange::Put(guard("freeze")),
            standing: vec![guard("freeze")],
        },
    };
    let scanned = Scanned {
        seq: 2,
        at: at("23:50:19"),
        scan: ScanRecord::of(&assessment(), origin()),
    };
    let audit = Audit {
        length: 17,
        head: Some(digest("cd")),
        anchored: None,
        findings: vec![AuditFinding {
            seq: Some(4),
            what: Problem::Missing,
        }],
        notes: Vec::new(),
    };
    vec![
        entry(
            "status",
            "How environments stand. `drift` is there with `--live` only.",
            &StatusDocument {
                ledger: "the directory .greenroom/ledger",
                environments: vec![StatusRow::of(&status, &guards, &approvals, Some(&[drift]))],
            },
        ),
        entry(
            "history",
            "What happened in an environment: of each kind the newest first, at most `--limit`.",
            &HistoryDocument {
                deployments: vec![&deployment()],
                scans: vec![&scanned],
                promotions: vec![&promoted()],
                protection: vec![&switched()],
                approvals: vec![ChangeRow::of_approvals(&approved)],
                guards: vec![ChangeRow::of_guards(&guarded)],
            },
        ),
        entry(
            "audit verify",
            "Whether ledgers are whole.",
            &AuditDocument {
                ledgers: vec![AuditRow::of(
                    &environment("staging"),
                    audit,
                    vec!["notes.txt".to_owned()],
                )],
            },
        ),
    ]
}

fn live() -> Live {
    Live {
        release: release(),
        service: "shop".to_owned(),
        since: at("23:40:00"),
        by: origin(),
        deployment: plan().deployment,
    }
}

/// Who agrees, and what stops.
fn protection() -> Vec<Entry> {
    let name = environment("production");
    let (approvals, lock) = (approvals(), guard("lock"));
    vec![
        entry(
            "approve",
            "Approvals: `approved`, `withdrawn` (`--revoke`) or `standing` (`--list`).",
            &ApprovalsDocument {
                environment: &name,
                dry_run: false,
                approvals: ApprovalsShown::Approved(&approvals),
            },
        ),
        entry(
            "lock, unlock",
            "The lock that was `put`, or those that were `lifted`.",
            &LocksDocument {
                environment: &name,
                dry_run: false,
                locks: LocksShown::Put(&lock),
            },
        ),
        entry(
            "freeze",
            "Freezes that stand, or that were taken off (`lifted`).",
            &FreezesDocument {
                dry_run: false,
                lifted: false,
                environments: vec![FreezeRow {
                    environment: name.clone(),
                    freezes: vec![guard("freeze")],
                }],
            },
        ),
        entry(
            "environment protect",
            "The switch of an environment's protection that stands now.",
            &ProtectionDocument {
                environment: &name,
                changed: true,
                switch: &switched(),
            },
        ),
    ]
}

fn transfer<'a>(digest: &'a Digest, tags: &'a [Tag]) -> ImageTransfer<'a> {
    ImageTransfer {
        repository: "ghcr.io/acme/shop",
        digest,
        was_there: false,
        manifests_stored: 2,
        blobs_sent: 3,
        bytes_sent: 1_048_576,
        attached: std::slice::from_ref(digest),
        tags_moved: &tags[..1],
        tags_unmoved: &tags[1..],
        notes: &[],
    }
}

fn image_preview<'a>(digest: &'a Digest, tags: &'a [Tag]) -> ImagePreviewDocument<'a> {
    let tags = tags.iter().zip([None, Some(digest)]);
    ImagePreviewDocument {
        repository: "ghcr.io/acme/shop",
        digest,
        is_there: false,
        tags: tags.map(|(tag, now)| TagRow { tag, now }).collect(),
    }
}

fn pruned<'a>(digest: &'a Digest, tags: &'a [Tag]) -> PruneRow<'a> {
    let deleted = || DeletedRow {
        digest,
        tags,
        at: Some(at("23:50:19")),
    };
    let left = |why| LeftRow { digest, tags, why };
    PruneRow {
        repository: "ghcr.io/acme/shop",
        keep: vec![KeptRow {
            digest,
            tags,
            why: "live in production",
        }],
        delete: vec![deleted()],
        freed: 1_048_576,
        absent: vec![AbsentRow {
            digest,
            why: "live in staging",
        }],
        applied: Some(SweepRow {
            deleted: vec![deleted()],
            skipped: vec![left("it is needed now")],
            failed: vec![left("403: denied")],
            broken: std::slice::from_ref(digest),
            stopped: Some("the lease was lost".to_owned()),
        }),
    }
}

/// What is in registries.
fn images() -> Vec<Entry> {
    let (digest, tags, version) = (digest("ab"), tags(), version());
    vec![
        entry(
            "image copy",
            "What was copied.",
            &ImageCopyDocument {
                transfer: transfer(&digest, &tags),
            },
        ),
        entry(
            "image tag",
            "What was tagged.",
            &ImageTagDocument {
                transfer: transfer(&digest, &tags),
            },
        ),
        entry(
            "image copy --dry-run, image tag --dry-run",
            "What would be copied or tagged. `now` is where a tag leads; null where there is none.",
            &image_preview(&digest, &tags),
        ),
        entry(
            "image list",
            "The `tags` of a repository; with `--long` its `images` instead: objects of `tag`, `digest` and \
             `created`.",
            &ImageListDocument {
                repository: "ghcr.io/acme/shop",
                listed: ImagesListed::Images(vec![ImageRow {
                    tag: &tags[0],
                    digest: Some(&digest),
                    created: Some(at("23:40:00")),
                }]),
            },
        ),
        entry(
            "image show",
            "One image, its parts, and what hangs off it. Sizes are in bytes.",
            &ImageDocument {
                repository: "ghcr.io/acme/shop",
                digest: &digest,
                media_type: "application/vnd.oci.image.index.v1+json",
                version: Some(&version),
                created: Some(at("23:40:00")),
                size: 1_048_576,
                parts: vec![PartRow {
                    digest: &digest,
                    platform: Some("linux/arm64/v8"),
                    role: None,
                    size: 1_048_000,
                    layers: 4,
                }],
                attached: vec![AttachedRow {
                    digest: &digest,
                    about: &digest,
                    artifact_type: Some("application/vnd.dev.sigstore.bundle.v0.3+json"),
                    tag: None,
                }],
            },
        ),
        entry(
            "prune images",
            "What stays, what goes, and what was done: `applied` is null without `--apply`.",
            &PruneDocument {
                exit: 5,
                keep_last: 10,
                keep_for: Period::from_millis(86_400_000),
                grace: Period::from_millis(3_600_000),
                repositories: vec![pruned(&digest, &tags)],
            },
        ),
    ]
}

/// What is configured.
fn configuration() -> Vec<Entry> {
    let (name, other, live) = (environment("staging"), environment("production"), live());
    let url = "https://staging.example.com".parse::<Endpoint>().unwrap();
    let variables = BTreeMap::from([("LOG_LEVEL".to_owned(), "info".to_owned())]);
    let features = BTreeMap::from([("newCheckout".to_owned(), true)]);
    let described = described(&name, &url, &variables, &features);
    let values = [json!("rolling"), json!("blue-green")];
    vec![
        entry(
            "environment list",
            "Every configured environment, each as in `environment show`.",
            &EnvironmentsDocument {
                environments: vec![described.clone()],
            },
        ),
        entry(
            "environment show",
            "One environment as it is resolved, with every default applied, secrets by name only. Has no `schema`. \
             The target's own block stands under its word. `protection.switched` is there where somebody switched \
             it.",
            &EnvironmentDocument {
                protection: EnvironmentProtection {
                    switched: Some(SwitchRow::of(&switched())),
                    ..described.protection.clone()
                },
                ..described
            },
        ),
        entry(
            "environment create",
            "An environment that was created, or would be. `tokenVariable` is null where it needs no token.",
            &EnvironmentCreatedDocument {
                environment: &name,
                file: Path::new("environments/staging.yaml"),
                written: true,
                pool_made: true,
                text: "name: staging\ntype: staging\n",
                commands: vec!["pvesh create /pools --poolid greenroom-staging".to_owned()],
                token_variable: Some("PROXMOX_TOKEN_STAGING"),
            },
        ),
        entry(
            "environment compare",
            "Two environments side by side; `live` is null where nothing is.",
            &ComparisonDocument {
                environments: [ComparedRow::of(&name, Some(&live)), ComparedRow::of(&other, None)],
                differences: vec![DifferenceRow {
                    setting: "deployment.strategy",
                    values: &values,
                }],
                same: 31,
            },
        ),
        entry(
            "environment detect",
            "The environment that this machine is in. Has no `schema`.",
            &DetectionDocument {
                environment: "staging",
                reason: "ENVIRONMENT is `staging`".to_owned(),
            },
        ),
        entry(
            "environment stop",
            "What was stopped on this machine, and how many instances still run. Has no `schema`.",
            &EnvironmentStoppedDocument {
                environment: &name,
                stopped: 3,
                left: 0,
            },
        ),
    ]
}

fn described<'a>(
    name: &'a EnvironmentName,
    url: &'a Endpoint,
    variables: &'a BTreeMap<String, String>,
    features: &'a BTreeMap<String, bool>,
) -> EnvironmentDocument<'a> {
    EnvironmentDocument {
        name,
        kind: "staging".parse().unwrap(),
        description: Some("the last stop before production"),
        url: Some(url),
        target: Some("local"),
        network: Some(EnvironmentNetwork {
            subnet: "192.168.2.0/24".to_owned(),
            gateway: "192.168.2.1".to_owned(),
            dns_servers: vec!["192.168.2.1".to_owned()],
        }),
        protection: EnvironmentProtection {
            enabled: true,
            require_approval: false,
            allow_overwrite: false,
            require_tests: true,
            from: None,
            signatures: Some(EnvironmentSignatures {
                all: Vec::new(),
                any: vec!["a signature or provenance of key cosign.pub".to_owned()],
            }),
            switched: None,
        },
        deployment: EnvironmentDeployment {
            strategy: &Strategy::BlueGreen,
            health_check_path: "/health",
            health_check_interval: Period::from_millis(2000),
            health_check_timeout: Period::from_millis(60_000),
            auto_promote: false,
            cleanup_on_failure: true,
            rollback: EnvironmentRollback {
                enabled: true,
                automatic: true,
                watch: Period::from_millis(0),
            },
        },
        suites: vec!["smoke"],
        variables,
        secrets: vec!["DB_PASSWORD"],
        features,
        resources: Value::Null,
        infrastructure: Value::Null,
        security: Value::Null,
        observability: Value::Null,
        target_block: parsed(json!({ "local": { "instances": 2, "listen": "127.0.0.1:8080" } })),
    }
}

/// What begins a project.
fn beginnings() -> Vec<Entry> {
    vec![
        entry(
            "init",
            "Each file and what became of it: `created`, `unchanged`, `overwritten` or `kept`. `text` is there with \
             `--dry-run` only.",
            &InitDocument {
                written: true,
                files: vec![FileRow {
                    path: "greenroom.yaml",
                    fate: "kept",
                    difference: Some("-service: app\n+service: shop\n"),
                    text: None,
                }],
                next: vec!["greenroom check".to_owned()],
            },
        ),
        entry(
            "render",
            "One file, made from a template.",
            &RenderDocument {
                template: "github/ci.yml",
                text: "name: CI\n",
            },
        ),
        entry(
            "render --list",
            "Every template. `path` is null for a part of others, `own` says whether the project has its own.",
            &TemplatesDocument {
                templates: vec![TemplateRow {
                    name: "github/ci.yml",
                    path: Some(".github/workflows/ci.yml"),
                    about: "checks each change",
                    own: false,
                }],
            },
        ),
    ]
}

/// What ends any command.
fn failures() -> Vec<Entry> {
    vec![entry(
        "every command",
        "Why a command ended without success. `kind` is `configuration` (with `problems`), `refused` (with \
         `refusals`: `gate`, `reason`, `fix`), `busy` (with `environment` and `holder`), or the name of the exit \
         code (with `message`). A problem has `file`, `line`, `column` and `length` (in characters) where its \
         place is known.",
        &FailureDocument {
            exit: 3,
            error: FailureReason {
                kind: "configuration".to_owned(),
                detail: FailureDetail::Configuration {
                    problems: vec![problem()],
                },
            },
        },
    )]
}

fn page() -> String {
    let groups = [
        ("Before a deployment", before()),
        ("Deployments", rollouts()),
        ("What stands and what was", knowledge()),
        ("Protection", protection()),
        ("Images", images()),
        ("Environments", configuration()),
        ("A project's first files", beginnings()),
        ("Errors", failures()),
    ];
    let mut page = String::from(HEAD);
    for entry in groups.iter().flat_map(|(_, entries)| entries) {
        page += &format!(
            "| [{}](#{}) | {} |\n",
            entry.name(),
            entry.anchor(),
            entry.written_by()
        );
    }
    for (title, entries) in &groups {
        page += &format!("\n## {title}\n");
        for entry in entries {
            let example = serde_json::to_string_pretty(&entry.example).unwrap();
            page += &format!(
                "\n### {}\n\nWritten by {}. {}\n\n```json\n{example}\n```\n",
                entry.name(),
                entry.written_by(),
                entry.about
            );
        }
    }
    page
}

const HEAD: &str = "\
# JSON for programs

With `--format json` a command writes one JSON document to standard output, and nothing else there. What it has
to say beside the result goes to standard error.

A document names its form in `schema`. Fields may be added to a form; none is removed, renamed or given another
meaning without a new number after the slash. Take no meaning from the order of fields. Secrets of the project are
replaced by `***`, wherever they stand. Times are RFC 3339 in UTC, spans of time are written as in `greenroom.yaml`
(`90s`, `1m`). What is not known or does not apply is `null`, where a section does not say that it is left out.
`schema` prints a JSON Schema, and `scan --sarif` writes SARIF 2.1.0: neither is a form of greenroom's own.

The examples show every field. They are written by a test, which fails where a command's form is another.

| form | written by |
|---|---|
";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Run with `GREENROOM_UPDATE=1` to write the page anew.
#[test]
fn the_page_shows_every_document_as_it_is_written() {
    let (path, expected) = (repository("docs/json.md"), page());
    if option_env!("GREENROOM_UPDATE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        published, expected,
        "docs/json.md is out of date: run GREENROOM_UPDATE=1 cargo test --test pure documents"
    );
}

#[test]
fn every_form_in_the_source_is_on_the_page() {
    let page = page();
    let mut forms = Vec::new();
    let mut directories = vec![repository("src")];
    while let Some(directory) = directories.pop() {
        for found in fs::read_dir(&directory).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let words = text.split("\"greenroom.").skip(1);
                let words = words.filter_map(|rest| rest.split('"').next());
                let named = words.filter(|word| word.ends_with("/1"));
                forms.extend(named.map(|word| format!("greenroom.{word}")));
            }
        }
    }
    assert!(forms.len() > 30, "the source was not read: {forms:?}");
    for form in forms {
        assert!(
            page.contains(&format!("### `{form}`\n")),
            "{form} is not on the page"
        );
    }
}
