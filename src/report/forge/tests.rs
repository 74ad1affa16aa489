use super::messages::*;
use crate::domain::model::{Conclusion, Digest, Remark, RemarkLevel, Timestamp};

use crate::domain::rollout::{Event, Phase, Plan, StepId};
use crate::report::fixtures::{
    HOSTILE, failed_health, first_plan, first_removed, folded, halted_promote, hostile, interrupted, plan,
    resumed, success,
};
use crate::report::markdown::{self, Unmet};
use crate::report::{Recorded, RunReport};

fn around() -> RunContext {
    RunContext {
        run: Some(42),
        run_commit: Some("c".repeat(40).parse().unwrap()),
        url: Some("https://github.com/acme/shop/actions/runs/42/attempts/1".into()),
        pull: Some(7),
        production: true,
        transient: false,
    }
}

fn head() -> Digest {
    Digest::of(b"head")
}

fn report(events: &[Recorded]) -> RunReport {
    folded(events).with_ledger_head(head())
}

fn shown(events: &[Recorded], interrupted: bool) -> String {
    let update = ended(&report(events), &around(), interrupted);
    format!("{:?} {}", update.state, update.description)
}

#[test]
fn every_end_has_its_state_and_the_head_of_the_ledger_at_the_end_of_one_line() {
    let ends = [
        shown(&success(), false),
        shown(&failed_health(), false),
        shown(&first_removed(), false),
        shown(&halted_promote(), false),
        shown(&interrupted(), true),
        shown(&resumed(), false),
        shown(&success()[..4], false),
    ];
    insta::assert_snapshot!(ends.join("\n"), @r###"
Success 1.3.0 is live on 2 units · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Failure 1.3.0 was taken back: 1.2.0 is serving · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Failure 1.3.0 was taken back: nothing is serving · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Error 1.3.0 halted: a person is needed · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Failure 1.3.0 was interrupted: 1.2.0 is serving · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Success 1.3.0 is live on 2 units · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
Error 1.3.0 was left half-way: a person is needed · ledger sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d
"###);
    for end in ends {
        assert!(end.ends_with(head().as_str()), "{end}");
    }
}

#[test]
fn what_is_too_long_is_cut_off_the_front_and_never_off_the_digest() {
    for length in [1, 40, 59, 60, 500] {
        let description = described(&"ü".repeat(length), Some(&head()));
        assert!(description.chars().count() <= DESCRIPTION, "{length}");
        assert!(
            description.ends_with(&format!(" · ledger {}", head())),
            "{description}"
        );
    }
}

#[test]
fn a_deployment_is_about_the_commit_that_goes_out_and_names_the_runs_own_only_where_it_is_another() {
    let plan = plan(2);
    let found = draft(&plan, &around()).unwrap();
    assert_eq!(Some(&found.commit), plan.candidate.commit.as_ref());
    assert_eq!(found.run_commit, around().run_commit);
    assert_eq!(
        (found.task, found.description.as_str()),
        ("deploy", "1.3.0 is on its way to production")
    );
    let same = RunContext {
        run_commit: plan.candidate.commit.clone(),
        ..around()
    };
    assert_eq!(draft(&plan, &same).unwrap().run_commit, None);
    let mut without = plan;
    without.candidate.commit = None;
    assert_eq!(draft(&without, &around()), None);
    assert_eq!(
        check_underway(&without, &around(), Timestamp::from_unix_millis(0)),
        None
    );
}

#[test]
fn traffic_that_moves_and_the_way_back_are_worth_telling_and_nothing_else_is() {
    let plan = plan(2);
    let told: Vec<String> = [Phase::Forward, Phase::Detour, Phase::Recovery, Phase::Completion]
        .into_iter()
        .flat_map(|phase| (0..9).map(move |index| StepId { phase, index }))
        .filter_map(|step| progress(&plan, &Event::Began { step }))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r###"
send 25% of traffic to 1.3.0 and the rest to 1.2.0
send all traffic to 1.3.0
1.3.0 is taken back
"###);
}

#[test]
fn a_check_is_the_same_from_its_beginning_to_its_end() {
    let (plan, report) = (plan(2), report(&success()));
    let commit = plan.candidate.commit.clone().unwrap();
    let begun = check_underway(&plan, &around(), report.started).unwrap();
    let over = check_ended(&report, commit, &around(), false);
    assert_eq!(
        (&begun.key, &begun.name, &begun.commit),
        (&over.key, &over.name, &over.commit)
    );
    assert_eq!((begun.conclusion, begun.completed), (None, None));
    assert_eq!(
        (over.conclusion, over.completed),
        (Some(Conclusion::Success), Some(report.ended))
    );
    insta::assert_snapshot!(format!("{}\n{}\n{}", begun.name, begun.title, begun.summary), @r###"
greenroom / production
shop 1.3.0 is on its way to production
<code>1.2.0</code> → <code>1.3.0</code> in production: canary, 8 steps on 2 units

Asked for by alice (github): push to main: faster checkout
"###);
    insta::assert_snapshot!(format!("{}\n{}", over.title, over.text.unwrap()), @r###"
shop 1.3.0 is live in production
Ledger head: <code>sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d</code>

Proof that nothing was changed since: <code>greenroom audit verify production --head sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d</code>
"###);
    assert_eq!(
        over.summary,
        markdown::render(&report, &[], markdown::LEAST_BYTES)
    );
}

#[test]
fn the_conclusion_says_whether_a_person_is_needed() {
    let commit = || "a".repeat(40).parse().unwrap();
    for (events, stopped, expected) in [
        (success(), false, Conclusion::Success),
        (failed_health(), false, Conclusion::Failure),
        (interrupted(), true, Conclusion::Cancelled),
        (halted_promote(), false, Conclusion::ActionRequired),
        (success()[..3].to_vec(), false, Conclusion::ActionRequired),
    ] {
        let report = report(&events);
        assert_eq!(
            check_ended(&report, commit(), &around(), stopped).conclusion,
            Some(expected)
        );
        assert_eq!(
            status_ended(&report, commit(), &around(), stopped).conclusion,
            Some(expected)
        );
    }
}

#[test]
fn after_a_first_deployment_that_was_removed_no_address_is_shown() {
    assert_eq!(ended(&report(&first_removed()), &around(), false).url, None);
    assert!(first_plan().previous.is_none());
    assert!(ended(&report(&failed_health()), &around(), false).url.is_some());
}

#[test]
fn a_comment_says_outcome_version_address_run_and_count() {
    let told = comment(&report(&success()), &around(), Some(12)).unwrap();
    assert_eq!((told.pull, told.key.as_str()), (7, "shop/production"));
    insta::assert_snapshot!(told.body, @r###"
### ✅ shop 1.3.0 is live in production

| Version | URL | Run | Deployment |
|---|---|---|---|
| <code>1.3.0</code> | [https&#58;//shop.acme.test](<https://shop.acme.test>) | [log](<https://github.com/acme/shop/actions/runs/42/attempts/1>) | <code>20261120-235019-1f0c9a2e</code> (production, its 12th) |

Ledger head <code>sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d</code>
"###);
    let failed = comment(&report(&failed_health()), &around(), None).unwrap();
    insta::assert_snapshot!(failed.body, @r###"
### ↩️ shop 1.3.0 was taken back in production: 1.2.0 is serving

**Why:** web-2 was not ready within 1m (in the step: wait until 1.3.0 is ready on web-1, web-2)

- <code>web-2</code>: exited with status 1 after 0.2 s

**Next:** nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see <code>greenroom history production</code>

| Version | URL | Run | Deployment |
|---|---|---|---|
| <code>1.3.0</code> | [https&#58;//shop.acme.test](<https://shop.acme.test>) | [log](<https://github.com/acme/shop/actions/runs/42/attempts/1>) | <code>20261120-235019-1f0c9a2e</code> (production) |

Ledger head <code>sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d</code>
"###);
    let without = RunContext {
        pull: None,
        ..around()
    };
    assert_eq!(comment(&report(&success()), &without, None), None);
}

fn refused(unmet: &[(&str, &str, &str)]) -> RefusedRun {
    RefusedRun {
        service: "shop".into(),
        environment: "production".parse().unwrap(),
        version: "1.3.0".into(),
        commit: "a".repeat(40).parse().unwrap(),
        unmet: unmet
            .iter()
            .map(|(what, reason, fix)| Unmet {
                what: (*what).into(),
                reason: (*reason).into(),
                fix: (*fix).into(),
            })
            .collect(),
        waits_for_person: false,
        remarks: vec![Remark {
            level: RemarkLevel::Failure,
            path: "greenroom.yaml".into(),
            line: 3,
            title: "greenroom".into(),
            message: "wrong".into(),
        }],
        at: Timestamp::from_unix_millis(0),
    }
}

#[test]
fn a_refusal_lists_every_condition_at_once() {
    let both = refused(&[
        ("freeze", "production is frozen", "wait"),
        ("tests", "nothing speaks for it", "add a suite"),
    ]);
    let check = check_refused(&both, &around());
    insta::assert_snapshot!(format!("{} {:?}\n{}\n{}", check.key, check.conclusion, check.title, check.summary), @r###"
refused-run-42-production Some(Failure)
shop 1.3.0 may not go to production: 2 conditions are not met
Nothing was touched.

- **freeze**: production is frozen<br>**What to do:** wait
- **tests**: nothing speaks for it<br>**What to do:** add a suite
"###);
    assert_eq!(check.remarks, both.remarks);
    let person = RefusedRun {
        waits_for_person: true,
        ..both
    };
    assert_eq!(
        check_refused(&person, &around()).conclusion,
        Some(Conclusion::ActionRequired)
    );
}

/// A run with a stranger's text in every place, and what is known of it.
fn strange() -> (RunReport, Box<Plan>, RunContext) {
    let events = hostile();
    let Event::Planned(plan) = &events[0].event else {
        panic!("the first event is the plan")
    };
    let around = RunContext {
        url: Some(HOSTILE.into()),
        ..around()
    };
    (report(&events), plan.clone(), around)
}

#[test]
fn nothing_in_strange_text_is_markdown() {
    let (report, plan, around) = strange();
    let commit = plan.candidate.commit.clone().unwrap();
    let begun = check_underway(&plan, &around, report.started).unwrap();
    let over = check_ended(&report, commit, &around, false);
    let told = comment(&report, &around, Some(1)).unwrap();
    let refused = check_refused(&refused(&[("freeze", HOSTILE, HOSTILE)]), &around);
    let broken = [
        "<script",
        "</details>",
        "@octocat",
        " #1 ",
        "[a](http",
        "${{",
        "\u{1b}",
        "\u{202e}",
        "\n::",
        "``` ",
    ];
    for markdown in [
        &begun.summary,
        &told.body,
        &refused.summary,
        over.text.as_ref().unwrap(),
    ] {
        for broken in broken {
            assert!(!markdown.contains(broken), "{broken:?} in {markdown}");
        }
        let rows = markdown.lines().filter(|line| line.starts_with("| "));
        let widths: Vec<usize> = rows.map(|line| line.matches('|').count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{markdown}");
    }
}

#[test]
fn strange_text_in_one_line_stays_one_line() {
    let (report, plan, around) = strange();
    let commit = plan.candidate.commit.clone().unwrap();
    let back = StepId {
        phase: Phase::Recovery,
        index: 0,
    };
    let draft = draft(&plan, &around).unwrap();
    for line in [
        check_underway(&plan, &around, report.started).unwrap().title,
        check_ended(&report, commit.clone(), &around, false).title,
        check_refused(&refused(&[]), &around).title,
        ended(&report, &around, false).description,
        status_ended(&report, commit, &around, false).description,
        draft.description,
        draft.service,
        progress(&plan, &Event::Began { step: back }).unwrap(),
    ] {
        let breaks = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.is_empty() && !line.contains(breaks), "{line:?}");
    }
}
