//! Environments: protected, compared, created; and what runs there against what is on record.

use crate::support::address::free_port;
use crate::support::project::Project;
use serde_json::Value;
use std::fs;

const QUICK: &str = "  strategy: blue-green\n  rollback: { watch: 100ms }";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn protection_is_switched_on_record_and_the_gates_obey() {
    let project = Project::new(QUICK);
    // Tests are asked for, and there are none: no suite, and a worker has no health check.
    project.write(
        "environments/staging.yaml",
        "name: staging\ntype: staging\ncommand: { deploy: [\"true\"], status: [\"false\"] }\n",
    );
    let refused = project.run(&["plan", "-e", "staging"]);
    insta::assert_snapshot!(refused.shown(), @r"
    status 6
    -- stdout
    deploying: staging was named on the command line
    version 1.0.0, [TIME]
    -- stderr

    staging:
    error: refused, nothing was deployed
      tests: staging requires tests, and neither a suite nor a health check is configured
        fix: name a suite under `suites`, or set `requireTests: false`
    ");

    insta::assert_snapshot!(project.run(&["environment", "protect", "staging", "off"]).shown(), @r"
    status 2
    -- stderr
    error: the following required arguments were not provided:
      --reason <TEXT>

    Usage: greenroom environment protect --reason <TEXT> <ENVIRONMENT> <STATE>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(
        project.run(&["environment", "protect", "staging", "off", "--reason", " \n"]).shown(), @r"
    status 2
    -- stderr
    error: the reason has to be one line of 1 to 500 characters: it is what others read later
    "
    );
    let off = [
        "environment",
        "protect",
        "staging",
        "off",
        "--reason",
        "load test until Friday",
    ];
    insta::assert_snapshot!(project.run(&off).shown(), @r"
    status 0
    -- stdout
    staging: protection was switched off at [TIME] by ana (local): load test until Friday
    ");
    insta::assert_snapshot!(project.run(&off).shown(), @r"
    status 0
    -- stdout
    staging: nothing to do, protection was switched off at [TIME] by ana (local): load test until Friday
    ");
    insta::assert_snapshot!(project.run(&["plan", "-e", "staging"]).shown(), @r"
    status 0
    -- stdout
    deploying: staging was named on the command line
    version 1.0.0, [TIME]

    Deploy hello 1.0.0 to staging (direct)
      why       staging was named on the command line
      by        ana (local)
      units     staging
      id        [ID]

    Changes
      first     nothing was deployed here before
      version   1.0.0

    Steps
       1. start 1.0.0 in the blue slot of staging
       2. wait until 1.0.0 is ready on staging
            it runs, every 2s, at most 1m
          ── point of no return ──
       3. make 1.0.0 the live version

    If something fails
      before step 3   1.0.0 is removed: nothing was here before
      at step 3       all traffic goes to 1.0.0, which was verified, and it halts
    note: the protection of staging is off: neither approval, tests, promotion nor signatures are asked for
    note: protection was switched off at [TIME] by ana (local): load test until Friday
    ");
    insta::assert_snapshot!(project.run(&["status", "staging"]).shown(), @r"
    status 0
    -- stdout
    staging: nothing is on record as live
      protection was switched off at [TIME] by ana (local): load test until Friday
    This is the record in the directory .greenroom/ledger. If others deploy, theirs may be elsewhere: `git fetch`, or name it in greenroom.yaml (ledger).
    ");
    let shown = json(
        &project
            .must(&["environment", "show", "staging", "--format", "json"])
            .out,
    );
    assert_eq!(shown["protection"]["enabled"], false);
    assert_eq!(shown["protection"]["switched"]["by"], "ana");
    assert_eq!(
        shown["protection"]["switched"]["reason"],
        "load test until Friday"
    );

    let on = project.must(&[
        "environment",
        "protect",
        "staging",
        "on",
        "--reason",
        "done",
        "--format",
        "json",
    ]);
    let on = json(&on.out);
    assert_eq!(
        (&on["changed"], &on["switch"]["enabled"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    assert_eq!(project.run(&["plan", "-e", "staging"]).status, refused.status);
    insta::assert_snapshot!(project.run(&["history", "staging"]).shown(), @r"
    status 0
    -- stdout
    [TIME]  protection switched on
        by ana (local): done
    [TIME]  protection switched off
        by ana (local): load test until Friday
    ");
    let audit = project.must(&["audit", "verify", "staging"]);
    assert!(
        audit.out.contains("2 record(s), the chain is whole"),
        "{}",
        audit.out
    );
}

#[test]
fn a_switch_stays_within_reach_of_what_is_recorded_later() {
    let project = Project::new(QUICK);
    project.must(&["deploy", "-e", "staging"]);
    project.must(&[
        "environment",
        "protect",
        "staging",
        "off",
        "--reason",
        "a rehearsal",
    ]);
    project.version("1.1.0", "");
    let deployed = project.must(&["deploy", "-e", "staging"]);
    assert!(
        deployed.out.contains("protection was switched off"),
        "{}",
        deployed.out
    );
    let status = json(&project.must(&["status", "--format", "json"]).out);
    let staging = &status["environments"][0];
    assert_eq!(staging["live"]["release"]["version"], "1.1.0");
    assert_eq!(staging["protection"]["origin"]["reason"], "a rehearsal");
    assert_eq!(project.must(&["audit", "verify"]).status, 0);
}

#[test]
fn drift_is_told_and_ends_with_5() {
    let project = Project::new(QUICK);
    insta::assert_snapshot!(project.run(&["status", "--live"]).shown(), @r"
    status 0
    -- stdout
    staging: nothing is on record as live
      live: 2 units, as the ledger says
    This is the record in the directory .greenroom/ledger. If others deploy, theirs may be elsewhere: `git fetch`, or name it in greenroom.yaml (ledger).
    ");
    project.must(&["deploy", "-e", "staging"]);
    insta::assert_snapshot!(project.run(&["status", "--live"]).shown(), @r"
    status 0
    -- stdout
    staging: hello 1.0.0 since [TIME], by ana ([ID])
      image hello@[DIGEST]
      last rollout succeeded at [TIME]: 1.0.0 is live in staging
      live: 2 units, as the ledger says
    ");

    // One of the two is ended by somebody else.
    let servers: Vec<u32> = project
        .processes()
        .into_iter()
        .filter(|id| {
            let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains("server.py")
        })
        .collect();
    let victim = rustix::process::Pid::from_raw(i32::try_from(servers[0]).unwrap()).unwrap();
    rustix::process::kill_process(victim, rustix::process::Signal::KILL).unwrap();
    crate::support::waiting::eventually("the process is gone", || {
        project.run(&["status", "--live"]).status == 5
    });
    let drifted = project.run(&["status", "staging", "--live", "--format", "json"]);
    assert_eq!(drifted.status, 5);
    let drift = &json(&drifted.out)["environments"][0]["drift"];
    assert_eq!(drift.as_array().unwrap().len(), 1, "{drift}");
    assert_eq!(
        (&drift[0]["kind"], &drift[0]["slot"]),
        (&Value::from("stopped"), &Value::from("blue"))
    );

    project.must(&["environment", "stop", "staging"]);
    insta::assert_snapshot!(project.run(&["status", "staging", "--live"]).shown(), @r"
    status 5
    -- stdout
    staging: hello 1.0.0 since [TIME], by ana ([ID])
      image hello@[DIGEST]
      last rollout succeeded at [TIME]: 1.0.0 is live in staging
      live: 2 units, not as the ledger says
        hello-1 should run 1.0.0, and nothing stands there
        hello-2 should run 1.0.0, and nothing stands there
        the router: it does not run
    ");
    assert_eq!(
        project.run(&["status", "staging"]).status,
        0,
        "without a look there is no drift"
    );
}

#[test]
fn two_environments_are_compared_side_by_side() {
    let project = Project::new(QUICK);
    let port = free_port();
    project.write(
        "environments/production.yaml",
        format!(
            "name: production\ntype: production\nlocal: {{ instances: 3, listen: \"127.0.0.1:{port}\" }}\n\
             suites: [smoke]\nvariables: {{ LOG: warn }}\nsecrets: {{ KEY: {{ env: KEY }} }}\n\
             resources: {{ database: {{ instanceSize: db.large }} }}\n"
        ),
    );
    project.must(&["deploy", "-e", "staging"]);
    let document = json(
        &project
            .must(&[
                "environment",
                "compare",
                "production",
                "staging",
                "--format",
                "json",
            ])
            .out,
    );
    let live = &document["environments"][1]["live"];
    assert_eq!(live["version"], "1.0.0");
    let ran = project.run(&["environment", "compare", "staging", "production"]);
    let digest = live["image"].as_str().unwrap().split_once('@').unwrap().1;
    let shown = ran
        .shown()
        .replace(&digest[..19], "[DIGEST]")
        .replace(&format!("127.0.0.1:{port}"), "[OTHER]");
    // How wide the columns are depends on the ports.
    let lines = shown
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    status 0
    -- stdout
    staging production
    live 1.0.0 nothing
    since [TIME] -
    image [DIGEST]… -
    deployment.healthCheckInterval [T] 2s
    deployment.healthCheckTimeout 20s 1m
    deployment.rollback.watch [T] 0s
    deployment.strategy blue-green direct
    local.instances 2 3
    local.listen [ADDRESS] [INSTANCE]
    resources.database.instanceSize - db.large
    secrets - KEY
    type staging production
    variables.LOG - warn
    13 other settings are the same
    ");
    assert_eq!(document["environments"][0]["live"], Value::Null);
    let instances = document["differences"].as_array().unwrap().iter();
    let instances: Vec<&Value> = instances
        .filter(|one| one["setting"] == "local.instances")
        .collect();
    assert_eq!(instances[0]["values"], serde_json::json!([3, 2]));
    assert_eq!(
        project
            .run(&["environment", "compare", "staging", "staging"])
            .status,
        2
    );
}

#[test]
fn an_environment_is_created_once_and_fits_among_the_others() {
    let project = Project::new(QUICK);
    let missing = project.run(&["environment", "create", "qa", "--from", "staging"]);
    insta::assert_snapshot!(missing.shown(), @r"
    status 2
    -- stderr
    error: two environments cannot share these, so that they are needed for qa: --listen
    ");
    let listen = format!("127.0.0.1:{}", free_port());
    let words = [
        "environment",
        "create",
        "qa",
        "--from",
        "staging",
        "--type",
        "test",
        "--listen",
        &listen,
    ];
    let dry = project.must(&[&words[..], &["--dry-run"]].concat());
    assert!(dry.out.contains("extends: staging") && !project.path("environments/qa.yaml").exists());
    insta::assert_snapshot!(project.run(&words).shown().replace(&listen, "[LISTEN]"), @r"
    status 0
    -- stdout
    wrote environments/qa.yaml
    next: greenroom doctor -e qa, then greenroom plan -e qa
    ");
    insta::assert_snapshot!(project.read("environments/qa.yaml").replace(&listen, "[LISTEN]"), @r#"
    # Environment qa: made by `greenroom environment create`, yours from here on.
    # What is not written here is as in staging (`extends`): see `greenroom environment show qa`.
    # Every key is explained in greenroom's docs/configuration.yaml; `greenroom check` checks this file.

    name: qa
    type: test
    extends: staging
    # Processes on this machine, behind greenroom's own router at this address.
    local: { listen: "[LISTEN]" }
    "#);
    project.must(&["deploy", "-e", "qa"]);

    let again = project.run(&words);
    assert_eq!(again.status, 2);
    assert!(
        again.err.contains("there is an environment qa already"),
        "{}",
        again.err
    );
    // A file that is not read as an environment of this name is kept all the same.
    project.write("environments/uat.yaml", "name: other\ntype: test\n");
    let kept = project.run(&["environment", "create", "uat", "--listen", "127.0.0.1:1"]);
    assert_eq!(kept.status, 2);
    assert!(kept.err.contains("not overwritten"), "{}", kept.err);
    assert_eq!(project.read("environments/uat.yaml"), "name: other\ntype: test\n");
}

const CLUSTER: &str = "\
name: staging
type: staging
url: http://192.168.2.10
network: { subnet: 192.168.2.0/24, gateway: 192.168.2.1 }
proxmox:
  host: 192.168.1.100
  node: pve1
  storage: local-lvm
  vmIdRange: { start: 2000, end: 2099 }
  token: { env: PROXMOX_TOKEN }
  guest: { vm: { template: 9000, workload: { docker: { port: 8080 } } } }
  router: { haproxy: { runtime: \"tcp://192.168.2.2:9999\", backend: nextcloud } }
";

#[test]
fn an_environment_in_a_cluster_comes_with_the_commands_for_its_rights() {
    let project = Project::new("");
    project.write("environments/staging.yaml", CLUSTER);
    let words = |more: &[&str]| -> Vec<String> {
        let own = [
            "environment",
            "create",
            "qa",
            "--from",
            "staging",
            "--url",
            "http://192.168.4.10",
        ];
        own.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let run = |more: &[&str]| {
        let words = words(more);
        project.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    insta::assert_snapshot!(run(&[]).shown(), @r"
    status 2
    -- stderr
    error: two environments cannot share these, so that they are needed for qa: --subnet and --gateway, --vm-ids, --backend
    ");
    let place = [
        "--subnet",
        "192.168.4.0/24",
        "--gateway",
        "192.168.4.1",
        "--backend",
        "qa",
    ];
    let overlapping = run(&[&place[..], &["--vm-ids", "2050-2149"]].concat());
    insta::assert_snapshot!(overlapping.shown(), @r"
    status 3
    -- stderr
    error: the range of VM ids of `staging` (2000-2099) overlaps that of `qa` (2050-2149)
      --> environments/staging.yaml:9:14
       |
     9 |   vmIdRange: { start: 2000, end: 2099 }
       |              ^ `staging`
       |
      ::: environments/qa.yaml:13:14
       |
    13 |   vmIdRange: { start: 2050, end: 2149 }
       |              ^ `qa`
       |
       = help: give each environment one of its own
    ");
    let near = [
        "--subnet",
        "192.168.2.128/25",
        "--gateway",
        "192.168.2.129",
        "--backend",
        "qa",
    ];
    let near = run(&[&near[..], &["--vm-ids", "4000-4099"]].concat());
    assert_eq!(near.status, 3);
    assert!(
        near.err
            .contains("the subnet of `staging` (192.168.2.0/24) overlaps that of `qa`"),
        "{}",
        near.err
    );
    let shared = [&place[..4], &["--backend", "nextcloud", "--vm-ids", "4000-4099"]].concat();
    let shared = run(&shared);
    assert!(
        shared.err.contains("have the same backend `nextcloud`"),
        "{}",
        shared.err
    );
    assert!(!project.path("environments/qa.yaml").exists());

    insta::assert_snapshot!(run(&[&place[..], &["--vm-ids", "4000-4099"]].concat()).shown(), @r"
    status 0
    -- stdout
    wrote environments/qa.yaml

    As root on a node of the cluster (what is there already is refused without harm):
      pveum pool add greenroom-qa
      pveum user add greenroom@pve
      pveum user token add greenroom@pve qa --privsep 1
      pveum role modify GreenroomDeploy --append 1 --privs 'Pool.Audit VM.Allocate VM.Audit VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.GuestAgent.Audit VM.GuestAgent.Unrestricted VM.PowerMgmt' || pveum role add GreenroomDeploy --privs 'Pool.Audit VM.Allocate VM.Audit VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.GuestAgent.Audit VM.GuestAgent.Unrestricted VM.PowerMgmt'
      pveum acl modify /pool/greenroom-qa --users greenroom@pve --tokens 'greenroom@pve!qa' --roles GreenroomDeploy
      pveum acl modify /vms/9000 --users greenroom@pve --tokens 'greenroom@pve!qa' --roles PVETemplateUser
      pveum acl modify /storage/local-lvm --users greenroom@pve --tokens 'greenroom@pve!qa' --roles PVEDatastoreUser
      pveum acl modify /sdn/zones/localnetwork/vmbr0 --users greenroom@pve --tokens 'greenroom@pve!qa' --roles PVESDNUser
    On Proxmox VE 8 write VM.Monitor instead of VM.GuestAgent.Audit and VM.GuestAgent.Unrestricted.
    Hand greenroom@pve!qa=SECRET to greenroom in the variable PROXMOX_TOKEN_QA; `token add` shows the secret once.

    next: greenroom doctor -e qa, then greenroom plan -e qa
    ");
    insta::assert_snapshot!(project.read("environments/qa.yaml"), @r#"
    # Environment qa: made by `greenroom environment create`, yours from here on.
    # What is not written here is as in staging (`extends`): see `greenroom environment show qa`.
    # Every key is explained in greenroom's docs/configuration.yaml; `greenroom check` checks this file.

    name: qa
    extends: staging
    # Where clients reach the service, and checks look.
    url: "http://192.168.4.10"
    # A subnet of its own: guests get their addresses from it.
    network: { subnet: "192.168.4.0/24", gateway: 192.168.4.1 }
    proxmox:
      # Ids of its own. Guests outside are never touched, and those inside only with greenroom's mark.
      vmIdRange: { start: 4000, end: 4099 }
      # The pool that its token is confined to.
      pool: greenroom-qa
      # The variable that holds USER@REALM!TOKENID=SECRET.
      token: { env: PROXMOX_TOKEN_QA }
      # A backend of its own in the same HAProxy.
      router: { haproxy: { backend: qa } }
    "#);
    project.must(&["check"]);
}

#[test]
fn an_environment_in_a_cluster_can_be_the_first() {
    let project = Project::new("");
    fs::remove_file(project.path("environments/staging.yaml")).unwrap();
    project.write("environments/test.yaml", "name: test\ntype: test\nlocal: {}\n");
    let odd = project.run(&[
        "environment",
        "create",
        "odd",
        "--subnet",
        "10.4.0.0/24",
        "--gateway",
        "10.4.0.1",
        "--host",
        "h",
        "--node",
        "n",
        "--storage",
        "s; reboot",
        "--vm-ids",
        "4000-4099",
    ]);
    assert_eq!(odd.status, 2);
    assert!(odd.err.contains("is no name of Proxmox's"), "{}", odd.err);
    assert!(!project.path("environments/odd.yaml").exists());
    let created = project.must(&[
        "environment",
        "create",
        "production",
        "--type",
        "production",
        "--description",
        "Live: \"real\" users",
        "--subnet",
        "10.3.0.0/24",
        "--gateway",
        "10.3.0.1",
        "--host",
        "https://pve.example:8006",
        "--node",
        "pve1",
        "--storage",
        "ceph-ssd",
        "--vm-ids",
        "3000-3099",
        "--template",
        "9000",
        "--token-variable",
        "PVE_TOKEN",
        "--pool",
        "prod",
        "--format",
        "json",
    ]);
    let created = json(&created.out);
    assert_eq!(created["tokenVariable"], "PVE_TOKEN");
    let commands = created["commands"].as_array().unwrap();
    let template = "pveum acl modify /vms/9000 --users greenroom@pve --tokens 'greenroom@pve!production' \
                    --roles PVETemplateUser";
    assert!(commands.contains(&Value::from(template)), "{commands:?}");
    insta::assert_snapshot!(project.read("environments/production.yaml"), @r#"
    # Environment production: made by `greenroom environment create`, yours from here on.
    # What is not written here has its default: see `greenroom environment show`.
    # Every key is explained in greenroom's docs/configuration.yaml; `greenroom check` checks this file.

    name: production
    type: production
    description: "Live: \"real\" users"
    # A subnet of its own: guests get their addresses from it.
    network: { subnet: "10.3.0.0/24", gateway: 10.3.0.1 }
    proxmox:
      host: "https://pve.example:8006"
      node: pve1
      storage: ceph-ssd
      # Ids of its own. Guests outside are never touched, and those inside only with greenroom's mark.
      vmIdRange: { start: 3000, end: 3099 }
      # The pool that its token is confined to.
      pool: prod
      # The variable that holds USER@REALM!TOKENID=SECRET.
      token: { env: PVE_TOKEN }
      guest: { vm: { template: 9000 } }
    "#);
    let shown = json(
        &project
            .must(&["environment", "show", "production", "--format", "json"])
            .out,
    );
    assert_eq!(shown["description"], "Live: \"real\" users");
    assert_eq!(shown["proxmox"]["vmIdRange"]["end"], 3099);
    assert_eq!(
        shown["proxmox"]["token"],
        serde_json::json!({ "env": "PVE_TOKEN" })
    );
}
