//! One environment through its life: first deployment, update, failure, rollback.

use crate::support::address::free_port;
use crate::support::project::Project;
use serde_json::Value;

const QUICK: &str = "  strategy: blue-green\n  rollback: { watch: 300ms }";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_service_goes_out_is_updated_fails_and_comes_back() {
    let project = Project::new(QUICK);
    insta::assert_snapshot!(project.run(&["run"]).shown(), @r#"
    status 0
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]
    image hello@[DIGEST] as staging-v1.0.0-[STAMP]
    deploying hello 1.0.0 to staging (blue-green, 2 units); nothing was here before
      asked for by ana: staging is the only environment, and there is no event that says otherwise
     [T] 1/7 start 1.0.0 in the blue slot of hello-1, hello-2
     [T]   ✓ done in [T]
     [T] 2/7 wait until 1.0.0 is ready on hello-1, hello-2
     [T]   ✓ health: ready after [T]
     [T]   ✓ done in [T]
     [T] 3/7 check 1.0.0 on hello-1 before it has traffic (suite smoke, 1 check)
     [T]   ✓ health on hello-1: answered 200 in [T]
     [T]   ✓ done in [T]
     [T] 4/7 send all traffic to 1.0.0
     [T]   ✓ done in [T]
     [T] 5/7 check http://[ADDRESS] (suite smoke, 1 check)
     [T]   ✓ health: answered 200 in [T]
     [T]   ✓ done in [T]
     [T] 6/7 watch the traffic that reaches 1.0.0 for [T] (at most 1% errors, at least 20 requests)
     [T]   ? traffic: no request reached the candidate, so there was nothing to judge by (it takes 20) ([T])
     [T]   ? undecided after [T]
     [T] 7/7 make 1.0.0 the live version
     [T]   ✓ done in [T]
    ✓ succeeded after [T]: 1.0.0 is live in staging
    "#);
    assert_eq!(project.get("/"), (200, "hello from 1.0.0\n".to_owned()));

    project.version("1.1.0", "");
    insta::assert_snapshot!(project.run(&["deploy", "-e", "staging"]).shown(), @r#"
    status 0
    -- stdout
    deploying: staging was named on the command line
    version 1.1.0, [TIME]
    image hello@[DIGEST] as staging-v1.1.0-[STAMP]
    deploying hello 1.1.0 to staging (blue-green, 2 units); 1.0.0 is serving
      asked for by ana: staging was named on the command line
     [T] 1/8 start 1.1.0 in the green slot of hello-1, hello-2
     [T]   ✓ done in [T]
     [T] 2/8 wait until 1.1.0 is ready on hello-1, hello-2
     [T]   ✓ health: ready after [T]
     [T]   ✓ done in [T]
     [T] 3/8 check 1.1.0 on hello-1 before it has traffic (suite smoke, 1 check)
     [T]   ✓ health on hello-1: answered 200 in [T]
     [T]   ✓ done in [T]
     [T] 4/8 send all traffic to 1.1.0
     [T]   ✓ done in [T]
     [T] 5/8 check http://[ADDRESS] (suite smoke, 1 check)
     [T]   ✓ health: answered 200 in [T]
     [T]   ✓ done in [T]
     [T] 6/8 watch the traffic that reaches 1.1.0 for [T] (at most 1% errors, at least 20 requests)
     [T]   ? traffic: no request reached the candidate, so there was nothing to judge by (it takes 20) ([T])
     [T]   ? undecided after [T]
     [T] 7/8 make 1.1.0 the live version
     [T]   ✓ done in [T]
     [T] 8/8 stop 1.0.0 on hello-1, hello-2
     [T]   ✓ done in [T]
    ✓ succeeded after [T]: 1.1.0 is live in staging
    "#);
    assert_eq!(project.get("/"), (200, "hello from 1.1.0\n".to_owned()));

    project.version("2.0.0", "sick");
    let ran = project.run(&["run"]);
    insta::assert_snapshot!(ran.shown(), @r#"
    status 4
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 2.0.0, [TIME]
    image hello@[DIGEST] as staging-v2.0.0-[STAMP]
    deploying hello 2.0.0 to staging (blue-green, 2 units); 1.1.0 is serving
      asked for by ana: staging is the only environment, and there is no event that says otherwise
     [T] 1/8 start 2.0.0 in the blue slot of hello-1, hello-2
     [T]   ✓ done in [T]
     [T] 2/8 wait until 2.0.0 is ready on hello-1, hello-2
     [T]   ✓ health: ready after [T]
     [T]   ✓ done in [T]
     [T] 3/8 check 2.0.0 on hello-1 before it has traffic (suite smoke, 1 check)
     [T]   ✗ health on hello-1: answered 200, but status is "bad", expected "ok" ([T])
     [T] ✗ 3/8 check 2.0.0 on hello-1 before it has traffic (suite smoke, 1 check) ([T])
     [T] back 1 put 1.1.0 back on hello-1, hello-2
     [T]   ✓ done in [T]
     [T] back 2 stop 2.0.0 on hello-1, hello-2
     [T]   ✓ done in [T]
    rolled back after [T]: 2.0.0 was taken back, 1.1.0 is live: 1 of 1 checks of suite smoke failed: health: answered 200, but status is "bad", expected "ok"
      failed: 3/8 check 2.0.0 on hello-1 before it has traffic (suite smoke, 1 check)
      next: nothing is urgent, 1.1.0 is serving: deploy again when the cause is gone; see `greenroom history staging`
    "#);
    assert_eq!(
        project.get("/"),
        (200, "hello from 1.1.0\n".to_owned()),
        "the old one serves"
    );
    insta::assert_snapshot!(project.run(&["status"]).shown(), @r#"
    status 0
    -- stdout
    staging: hello 1.1.0 since [TIME], by ana ([ID])
      image hello@[DIGEST]
      last rollout rolled back at [TIME]: 2.0.0 was taken back, 1.1.0 is live: 1 of 1 checks of suite smoke failed: health: answered 200, but status is "bad", expected "ok"
    "#);

    insta::assert_snapshot!(project.run(&["rollback", "staging", "9.9.9"]).shown(), @r#"
    status 2
    -- stderr
    error: choosing the release to go back to: 9.9.9 was never live here; available, newest first: 1.0.0
    "#);
    insta::assert_snapshot!(project.run(&["rollback", "staging", "--reason", "too slow"]).shown(), @r#"
    status 0
    -- stdout
    rolling hello back to 1.0.0 in staging (blue-green, 2 units); 1.1.0 is serving
      asked for by ana: too slow
     [T] 1/6 start 1.0.0 in the blue slot of hello-1, hello-2
     [T]   ✓ done in [T]
     [T] 2/6 wait until 1.0.0 is ready on hello-1, hello-2
     [T]   ✓ health: ready after [T]
     [T]   ✓ done in [T]
     [T] 3/6 send all traffic to 1.0.0
     [T]   ✓ done in [T]
     [T] 4/6 watch the traffic that reaches 1.0.0 for [T] (at most 1% errors, at least 20 requests)
     [T]   ? traffic: no request reached the candidate, so there was nothing to judge by (it takes 20) ([T])
     [T]   ? undecided after [T]
     [T] 5/6 make 1.0.0 the live version
     [T]   ✓ done in [T]
     [T] 6/6 stop 1.1.0 on hello-1, hello-2
     [T]   ✓ done in [T]
    ✓ succeeded after [T]: 1.0.0 is live in staging
    "#);
    assert_eq!(project.get("/"), (200, "hello from 1.0.0\n".to_owned()));
    insta::assert_snapshot!(project.run(&["history", "staging"]).shown(), @r#"
    status 0
    -- stdout
    [TIME]  rollback to 1.0.0 (blue-green)  succeeded in [T]
        [ID] by ana (local): too slow
        1.0.0 is live in staging
    [TIME]  deploy 2.0.0 (blue-green)  rolled back in [T]
        [ID] by ana (local): staging is the only environment, and there is no event that says otherwise
        2.0.0 was taken back, 1.1.0 is live: 1 of 1 checks of suite smoke failed: health: answered 200, but status is "bad", expected "ok"
        failed check health: answered 200, but status is "bad", expected "ok"
    [TIME]  deploy 1.1.0 (blue-green)  succeeded in [T]
        [ID] by ana (local): staging was named on the command line
        1.1.0 is live in staging
    [TIME]  deploy 1.0.0 (blue-green)  succeeded in [T]
        [ID] by ana (local): staging is the only environment, and there is no event that says otherwise
        1.0.0 is live in staging
    "#);
    insta::assert_snapshot!(project.run(&["verify", "staging"]).shown(), @r#"
    status 0
    -- stdout
    pass         smoke / health: answered 200 in [T]
    1 of 1 checks passed
    "#);
    let audit = project.must(&["audit", "verify"]);
    assert!(
        audit.out.starts_with("staging: ") && audit.out.contains("the chain is whole"),
        "{}",
        audit.out
    );
}

#[test]
fn what_is_live_already_is_left_alone_unless_it_is_forced() {
    let project = Project::new(QUICK);
    project.must(&["run"]);
    let before = project.processes();
    insta::assert_snapshot!(project.run(&["run"]).shown(), @r#"
    status 0
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]
    image hello@[DIGEST] as staging-v1.0.0-[STAMP]
    1.0.0 is live in staging already, so nothing was done (deploy it anew with --force)
    "#);
    assert_eq!(project.run(&["run", "--exit-code"]).status, 8);
    assert_eq!(project.run(&["deploy", "-e", "staging"]).status, 0);
    assert_eq!(project.processes(), before, "nothing was started or stopped");
    let ran = project.must(&["deploy", "-e", "staging", "--force"]);
    assert!(ran.out.contains("1.0.0 is live in staging"), "{}", ran.out);
    assert_ne!(project.processes(), before);
    insta::assert_snapshot!(project.run(&["resume", "staging"]).shown(), @r#"
    status 0
    -- stdout
    no rollout is open in staging: nothing to do
    "#);
}

#[test]
fn an_image_stays_the_version_that_it_was_built_as() {
    let project = Project::new(QUICK);
    let built = json(&project.must(&["build", "-e", "staging", "--format", "json"]).out);
    let tag = built["tags"][0].as_str().unwrap();
    project.version("1.1.0", "");
    let deploy = ["deploy", "-e", "staging", "--image", tag];
    let plan = project.must(&["plan", "-e", "staging", "--image", tag]);
    assert!(plan.out.contains("Deploy hello 1.0.0 to staging"), "{}", plan.out);
    project.must(&deploy);
    assert_eq!(project.get("/"), (200, "hello from 1.0.0\n".to_owned()));
    // Somebody who says another version means it.
    project.must(&[&deploy[..], &["--version", "2.0.0"]].concat());
    assert_eq!(project.get("/"), (200, "hello from 2.0.0\n".to_owned()));
}

#[test]
fn quiet_shows_how_it_ended_and_verbose_the_plan_first() {
    let project = Project::new(QUICK);
    insta::assert_snapshot!(project.run(&["-q", "run"]).shown(), @r#"
    status 0
    -- stdout
    ✓ succeeded after [T]: 1.0.0 is live in staging
    "#);
    project.version("1.1.0", "sick");
    insta::assert_snapshot!(project.run(&["-q", "run"]).shown(), @r#"
    status 4
    -- stdout
    rolled back after [T]: 1.1.0 was taken back, 1.0.0 is live: 1 of 1 checks of suite smoke failed: health: answered 200, but status is "bad", expected "ok"
      failed: 3/8 check 1.1.0 on hello-1 before it has traffic (suite smoke, 1 check)
      next: nothing is urgent, 1.0.0 is serving: deploy again when the cause is gone; see `greenroom history staging`
    "#);
    project.version("1.2.0", "");
    let ran = project.must(&["-v", "run"]);
    assert!(ran.out.contains("point of no return"), "{}", ran.out);
}

#[test]
fn a_plan_touches_nothing() {
    let project = Project::new(QUICK);
    insta::assert_snapshot!(project.run(&["plan"]).shown(), @r#"
    status 0
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]

    Deploy hello 1.0.0 to staging (blue-green)
      why       staging is the only environment, and there is no event that says otherwise
      by        ana (local)
      url       http://[ADDRESS]
      units     hello-1, hello-2
      id        [ID]

    Changes
      first     nothing was deployed here before
      version   1.0.0

    Steps
       1. start 1.0.0 in the blue slot of hello-1, hello-2
       2. wait until 1.0.0 is ready on hello-1, hello-2
            GET /health answers 2xx, every [T], at most 20s
       3. check 1.0.0 on hello-1 before it has traffic (suite smoke, 1 check)
            health: GET /health answers 200 with status = "ok", at most 5s
       4. send all traffic to 1.0.0
       5. check http://[ADDRESS] (suite smoke, 1 check)
            health: GET /health answers 200 with status = "ok", at most 5s
       6. watch the traffic that reaches 1.0.0 for [T] (at most 1% errors, at least 20 requests)
            too few requests to say: go on
          ── point of no return ──
       7. make 1.0.0 the live version

    If something fails
      before step 7   1.0.0 is removed: nothing was here before
      at step 7       all traffic goes to 1.0.0, which was verified, and it halts
    "#);
    for words in [
        &["run", "--dry-run"][..],
        &["deploy", "-e", "staging", "--dry-run"],
    ] {
        assert!(
            project.must(words).out.contains("Deploy hello 1.0.0 to staging"),
            "{words:?}"
        );
    }
    assert!(
        !project.path(".greenroom").exists(),
        "not even a directory was made"
    );
    assert_eq!(project.processes(), Vec::<u32>::new());
}

#[test]
fn json_is_one_document_on_standard_output() {
    let project = Project::new(QUICK);
    let run = json(&project.must(&["--format", "json", "run"]).out);
    assert_eq!(run["outcome"], "succeeded");
    assert_eq!(run["environment"], "staging");
    let status = json(&project.must(&["--format", "json", "status"]).out);
    assert_eq!(status["environments"][0]["live"]["release"]["version"], "1.0.0");
    let history = json(&project.must(&["--format", "json", "history", "staging"]).out);
    assert_eq!(history["deployments"].as_array().unwrap().len(), 1);
    let audit = json(&project.must(&["--format", "json", "audit", "verify"]).out);
    assert_eq!(audit["ledgers"][0]["whole"], true);
    let plan = json(&project.must(&["--format", "json", "plan"]).out);
    assert_eq!(plan["schema"], "greenroom.plans/1");
    project.version("2.0.0", "sick");
    let failed = project.run(&["--format", "json", "run"]);
    assert_eq!(
        (failed.status, &json(&failed.out)["outcome"]),
        (4, &Value::from("rolledBack"))
    );
    let refused = project.run(&["--format", "json", "rollback", "staging", "9.9.9"]);
    assert_eq!(
        (refused.status, &json(&refused.out)["exit"]),
        (2, &Value::from(2))
    );
    for words in [
        &["tag"][..],
        &["trigger"],
        &["check"],
        &["schema"],
        &["environment", "list"],
        &["environment", "show", "staging"],
        &["environment", "detect"],
        &["verify", "staging"],
    ] {
        json(&project.must(&[&["--format", "json"], words].concat()).out);
    }
}

#[test]
fn a_flipped_bit_in_the_ledger_is_found() {
    let project = Project::new(QUICK);
    project.must(&["run"]);
    let record = ".greenroom/ledger/staging/00000000000000000003.json";
    let altered = project.read(record).replacen("forward", "Forward", 1);
    project.write(record, altered);
    let ran = project.run(&["audit", "verify"]);
    assert_eq!(ran.status, 5);
    assert!(
        ran.out.contains("the chain is broken") && ran.out.contains('3'),
        "{}",
        ran.out
    );
}

#[test]
fn the_surroundings_name_the_environment_where_no_event_does() {
    let project = Project::new("");
    project.environment("production", free_port(), "");
    let named = project.with(&["plan"], &[("ENVIRONMENT", "prod")]);
    assert_eq!(named.status, 0, "{}", named.shown());
    assert!(named.out.contains("to production"), "{}", named.shown());
    assert!(
        named
            .out
            .contains("ENVIRONMENT is `prod`, which means `production`"),
        "{}",
        named.shown()
    );
    let nothing = project.run(&["run", "--exit-code"]);
    assert_eq!(nothing.status, 8, "{}", nothing.shown());
    let in_ci = project.with(
        &["run", "--exit-code"],
        &[("ENVIRONMENT", "prod"), ("CI", "true")],
    );
    assert_eq!(
        in_ci.status,
        8,
        "a build machine's own environment is not where it deploys: {}",
        in_ci.shown()
    );
}
