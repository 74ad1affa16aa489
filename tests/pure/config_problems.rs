//! Every mistake in a configuration, and what the person who made it is shown.

use greenroom::config::{Diagnostic, Files, FoundFile, Located, Report, load};
use greenroom::domain::model::SecretSource;
use proptest::prelude::*;
use serde_json::json;
use std::time::Instant;

/// Files in memory. A pattern is the text before its first `*`.
struct Given(Vec<(String, String)>);

impl Files for Given {
    fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String> {
        let prefix = pattern.split('*').next().unwrap_or(pattern);
        let found = self.0.iter().filter(|(path, _)| path.starts_with(prefix));
        Ok(found
            .map(|(path, text)| FoundFile {
                path: path.clone(),
                text: Ok(text.clone()),
            })
            .collect())
    }
}

fn given(files: &[(&str, &str)]) -> Given {
    Given(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    )
}

/// The problems of a root file and the files of `environments/`, as they are shown.
fn problems(root: &str, environments: &[(&str, &str)]) -> String {
    let loaded = load("greenroom.yaml", root.to_owned(), &given(environments));
    assert!(loaded.outcome.is_err(), "it loads");
    loaded.report().render(false)
}

/// All environments of the directory.
const ALL: &str = "service: app\nenvironments: [environments/*.yaml]\n";

#[test]
fn an_unknown_key_says_which_was_meant() {
    insta::assert_snapshot!(problems(r"service: app
trigers:
  - dispatch: {}
image: { repositry: app }
", &[]), @r#"
    error: unknown key `trigers`
     --> greenroom.yaml:2:1
      |
    2 | trigers:
      | ^^^^^^^
      |
      = help: did you mean `triggers`?

    error: unknown key `repositry`
     --> greenroom.yaml:4:10
      |
    4 | image: { repositry: app }
      |          ^^^^^^^^^
      |
      = help: did you mean `repository`?
    "#);
}

#[test]
fn what_is_shown_on_github_is_switched_by_its_keys_and_by_true_or_false() {
    insta::assert_snapshot!(problems(r"service: app
environments: []
github: { check: true, status: sometimes }
", &[]), @r#"
    error: unknown key `check`
     --> greenroom.yaml:3:11
      |
    3 | github: { check: true, status: sometimes }
      |           ^^^^^
      |
      = help: did you mean `checks`?

    error: expected `true` or `false`, found the text "sometimes"
     --> greenroom.yaml:3:32
      |
    3 | github: { check: true, status: sometimes }
      |                                ^^^^^^^^^
    "#);
}

#[test]
fn unknown_keys_of_all_files_are_reported_together() {
    insta::assert_snapshot!(problems(r"service: app
environments: [environments/*.yaml]
validte: []
", &[("environments/a.yaml", r"name: a
type: staging
deployment:
  healthCheckPth: /up
  strategy: { canary: { stps: [5] } }
"), ("environments/b.yaml", r"name: b
type: staging
variabels: {}
")]), @r#"
    error: unknown key `validte`
     --> greenroom.yaml:3:1
      |
    3 | validte: []
      | ^^^^^^^
      |
      = help: did you mean `validate`?

    error: unknown key `healthCheckPth`
     --> environments/a.yaml:4:3
      |
    4 |   healthCheckPth: /up
      |   ^^^^^^^^^^^^^^
      |
      = help: did you mean `healthCheckPath`?

    error: unknown key `stps`
     --> environments/a.yaml:5:25
      |
    5 |   strategy: { canary: { stps: [5] } }
      |                         ^^^^
      |
      = help: did you mean `steps`?

    error: unknown key `variabels`
     --> environments/b.yaml:3:1
      |
    3 | variabels: {}
      | ^^^^^^^^^
      |
      = help: did you mean `variables`?
    "#);
}

#[test]
fn a_key_that_is_written_twice() {
    insta::assert_snapshot!(problems(r"service: app
image: { repository: a }
service: other
", &[]), @r#"
    error: the key `service` is written twice
     --> greenroom.yaml:3:1
      |
    3 | service: other
      | ^^^^^^^ the second one
      |
      = help: keep one of the two
    "#);
}

#[test]
fn yes_and_on_are_no_booleans() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
protection:
  enabled: yes
  allowOverwrite: on
deployment: { autoPromote: off }
")]), @r#"
    error: `yes` is a text, not `true` or `false`
     --> environments/staging.yaml:4:12
      |
    4 |   enabled: yes
      |            ^^^
      |
      = help: write true

    error: `on` is a text, not `true` or `false`
     --> environments/staging.yaml:5:19
      |
    5 |   allowOverwrite: on
      |                   ^^
      |
      = help: write true

    error: `off` is a text, not `true` or `false`
     --> environments/staging.yaml:6:28
      |
    6 | deployment: { autoPromote: off }
      |                            ^^^
      |
      = help: write false
    "#);
}

#[test]
fn wrong_types_are_all_reported() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
local: { instances: two, listen: 8080 }
suites: smoke
variables: [a]
deployment:
  healthCheckInterval: soon
  rollback: true
")]), @r#"
    error: expected a number, found the text "two"
     --> environments/staging.yaml:3:21
      |
    3 | local: { instances: two, listen: 8080 }
      |                     ^^^

    error: expected a list, found the text "smoke"
     --> environments/staging.yaml:4:9
      |
    4 | suites: smoke
      |         ^^^^^

    error: expected a map, found a list
     --> environments/staging.yaml:5:12
      |
    5 | variables: [a]
      |            ^

    error: "soon" is not a period ("500ms", "30s", "5m", "1h", "30d", or a plain number of seconds)
     --> environments/staging.yaml:7:24
      |
    7 |   healthCheckInterval: soon
      |                        ^^^^

    error: expected a map with keys like `enabled`, `automatic`, `healthCheckTimeout` or `timeout`, found `true`
     --> environments/staging.yaml:8:13
      |
    8 |   rollback: true
      |             ^^^^
    "#);
}

#[test]
fn text_that_is_not_yaml() {
    insta::assert_snapshot!(problems(r"service: app
image: { repository: app
triggers: []
", &[]), @r#"
    error: while parsing a flow mapping, did not find expected ',' or '}'
     --> greenroom.yaml:3:9
      |
    3 | triggers: []
      |         ^ this is not valid YAML
      |
      = help: check indentation, colons and quotes on this line and the one above
    "#);
}

#[test]
fn an_alias_bomb() {
    insta::assert_snapshot!(problems(r"service: app
a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]
g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]
", &[]), @r#"
    error: the file grows beyond all bounds when it is read
     --> greenroom.yaml:6:29
      |
    6 | e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
      |                             ^^
      |
      = help: use fewer aliases and less nesting
    "#);
}

#[test]
fn environments_that_extend_each_other() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
extends: b
"), ("environments/b.yaml", r"name: b
type: staging
extends: c
"), ("environments/c.yaml", r"name: c
type: staging
extends: a
")]), @r#"
    error: environments extend each other in a circle: a → b → c → a
     --> environments/a.yaml:3:10
      |
    3 | extends: b
      |          ^
      |
     ::: environments/b.yaml:3:10
      |
    3 | extends: c
      |          ^ and here
      |
     ::: environments/c.yaml:3:10
      |
    3 | extends: a
      |          ^ and here
      |
      = help: take out one `extends`
    "#);
}

#[test]
fn an_environment_that_extends_one_that_is_not_there() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
extends: bas
"), ("environments/base.yaml", r"name: base
type: test
")]), @r#"
    error: there is no environment `bas` to extend
     --> environments/staging.yaml:3:10
      |
    3 | extends: bas
      |          ^^^
      |
      = help: did you mean `base`?
    "#);
}

#[test]
fn a_pattern_without_a_file_and_a_file_that_is_missing() {
    insta::assert_snapshot!(problems(r"service: app
environments:
  - nowhere/*.yaml
  - environments/staging.yaml
", &[]), @r#"
    error: no file matches `nowhere/*.yaml`
     --> greenroom.yaml:3:5
      |
    3 |   - nowhere/*.yaml
      |     ^^^^^^^^^^^^^^
      |
      = help: paths are relative to this file; create the file, or take the entry out

    error: no file matches `environments/staging.yaml`
     --> greenroom.yaml:4:5
      |
    4 |   - environments/staging.yaml
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: paths are relative to this file; create the file, or take the entry out
    "#);
}

#[test]
fn two_environments_of_one_name() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: staging
type: staging
"), ("environments/b.yaml", r"name: staging
type: staging
")]), @r#"
    error: there are two environments named `staging`
     --> environments/b.yaml:1:7
      |
    1 | name: staging
      |       ^^^^^^^ the second
      |
     ::: environments/a.yaml:1:7
      |
    1 | name: staging
      |       ^^^^^^^ the first
      |
      = help: rename or remove one of the two
    "#);
}

#[test]
fn ranges_of_vm_ids_that_overlap() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1000, end: 1099 } }
"), ("environments/b.yaml", r"name: b
type: staging
proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1099, end: 1200 } }
")]), @r#"
    error: the range of VM ids of `b` (1099-1200) overlaps that of `a` (1000-1099)
     --> environments/b.yaml:3:53
      |
    3 | proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1099, end: 1200 } }
      |                                                     ^ `b`
      |
     ::: environments/a.yaml:3:53
      |
    3 | proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1000, end: 1099 } }
      |                                                     ^ `a`
      |
      = help: give each environment one of its own
    "#);
}

#[test]
fn a_backend_that_two_environments_share() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
proxmox:
  { host: h, node: n, storage: s, vmIdRange: { start: 1000, end: 1099 }, router: { haproxy: { runtime: 'tcp://h:1', backend: app } } }
"), ("environments/b.yaml", r"name: b
extends: a
proxmox: { vmIdRange: { start: 1100, end: 1200 } }
")]), @r"
    error: `a` and `b` have the same backend `app` of one HAProxy
     --> environments/b.yaml:1:7
      |
    1 | name: b
      |       ^
      |
     ::: environments/a.yaml:1:7
      |
    1 | name: a
      |       ^ `a`
      |
      = help: give each environment one of its own: `router: { haproxy: { backend: … } }`
    ");
}

#[test]
fn subnets_that_overlap() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
network: { subnet: 10.0.0.0/8, gateway: 10.0.0.1 }
"), ("environments/b.yaml", r"name: b
type: staging
network: { subnet: 10.1.0.0/16, gateway: 10.1.0.1 }
")]), @r#"
    error: the subnet of `b` (10.1.0.0/16) overlaps that of `a` (10.0.0.0/8)
     --> environments/b.yaml:3:20
      |
    3 | network: { subnet: 10.1.0.0/16, gateway: 10.1.0.1 }
      |                    ^^^^^^^^^^^ `b`
      |
     ::: environments/a.yaml:3:20
      |
    3 | network: { subnet: 10.0.0.0/8, gateway: 10.0.0.1 }
      |                    ^^^^^^^^^^ `a`
      |
      = help: give each environment one of its own
    "#);
}

#[test]
fn a_gateway_outside_of_its_subnet() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
network:
  subnet: 192.168.2.0/24
  gateway: 192.168.3.1
")]), @r#"
    error: the gateway 192.168.3.1 lies outside of its subnet
     --> environments/staging.yaml:5:12
      |
    4 |   subnet: 192.168.2.0/24
      |           -------------- the subnet
    5 |   gateway: 192.168.3.1
      |            ^^^^^^^^^^^
      |
      = help: use an address of 192.168.2.0/24, like 192.168.2.1
    "#);
}

#[test]
fn a_subnet_with_host_bits_and_addresses_that_are_none() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
network: { subnet: 192.168.2.7/24, gateway: 192.168.2.1, dnsServers: [one.one] }
")]), @r#"
    error: 192.168.2.7/24 is an address in a subnet
     --> environments/staging.yaml:3:20
      |
    3 | network: { subnet: 192.168.2.7/24, gateway: 192.168.2.1, dnsServers: [one.one] }
      |                    ^^^^^^^^^^^^^^
      |
      = help: write 192.168.2.0/24

    error: expected an address like 1.1.1.1
     --> environments/staging.yaml:3:71
      |
    3 | network: { subnet: 192.168.2.7/24, gateway: 192.168.2.1, dnsServers: [one.one] }
      |                                                                       ^^^^^^^
    "#);
}

#[test]
fn a_range_of_vm_ids_that_is_upside_down_or_too_low() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1099, end: 1000 } }
"), ("environments/b.yaml", r"name: b
type: staging
proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 99, end: 120 } }
")]), @r#"
    error: the range of VM ids ends at 1000 before it starts at 1099
     --> environments/a.yaml:3:53
      |
    3 | proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 1099, end: 1000 } }
      |                                                     ^
      |
      = help: write { start: 1000, end: 1099 }

    error: 99 is not between 100 and 999999999
     --> environments/b.yaml:3:62
      |
    3 | proxmox: { host: h, node: n, storage: s, vmIdRange: { start: 99, end: 120 } }
      |                                                              ^^
    "#);
}

#[test]
fn two_targets() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
local: {}
command: { deploy: [a], status: [b] }
")]), @r#"
    error: the environment has a second target: `command`
     --> environments/staging.yaml:4:1
      |
    3 | local: {}
      | ----- the first one
    4 | command: { deploy: [a], status: [b] }
      | ^^^^^^^
      |
      = help: keep exactly one of them; two places are two environments
    "#);
}

#[test]
fn names_that_nothing_has() {
    insta::assert_snapshot!(problems(r"service: app
environments: [environments/*.yaml]
promotion: [stagin, production]
triggers:
  - push: { branches: [main] }
    environment: stage
suites: { smoke: [] }
", &[("environments/staging.yaml", r"name: staging
type: staging
suites: [smok]
protection: { from: test }
")]), @r#"
    error: there is no environment `stagin`
     --> greenroom.yaml:3:13
      |
    3 | promotion: [stagin, production]
      |             ^^^^^^
      |
      = help: did you mean `staging`?

    error: there is no environment `production`
     --> greenroom.yaml:3:21
      |
    3 | promotion: [stagin, production]
      |                     ^^^^^^^^^^
      |
      = help: list its file under `environments`

    error: there is no environment `stage`
     --> greenroom.yaml:6:18
      |
    6 |     environment: stage
      |                  ^^^^^
      |
      = help: did you mean `staging`?

    error: there is no suite `smok`
     --> environments/staging.yaml:3:10
      |
    3 | suites: [smok]
      |          ^^^^
      |
      = help: did you mean `smoke`?

    error: there is no environment `test`
     --> environments/staging.yaml:4:21
      |
    4 | protection: { from: test }
      |                     ^^^^
      |
      = help: list its file under `environments`
    "#);
}

#[test]
fn commands_that_are_single_strings() {
    insta::assert_snapshot!(problems(r#"service: app
validate: [{ name: lint, run: ruff check . }]
suites:
  s: [{ name: a, command: "curl -f {{ url }} | grep ok" }]
hooks: { beforeDeploy: [{ name: migrate, run: [] }] }
"#, &[]), @r#"
    error: a command is a list of words, not a line for a shell
     --> greenroom.yaml:2:31
      |
    2 | validate: [{ name: lint, run: ruff check . }]
      |                               ^^^^^^^^^^^^
      |
      = help: write [ruff, check, .]

    error: a command is a list of words, not a line for a shell
     --> greenroom.yaml:4:27
      |
    4 |   s: [{ name: a, command: "curl -f {{ url }} | grep ok" }]
      |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write [sh, "-c", "curl -f {{ url }} | grep ok"]

    error: the command is empty
     --> greenroom.yaml:5:47
      |
    5 | hooks: { beforeDeploy: [{ name: migrate, run: [] }] }
      |                                               ^
      |
      = help: write the program and its arguments: [program, argument]
    "#);
}

#[test]
fn numbers_out_of_range() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
local: { instances: 0 }
deployment:
  healthCheckTimeout: 0
  strategy:
    canary: { steps: [5, 100], every: 0, analysis: { errorRate: 1.5, alpha: 2 } }
observability: { tracing: { sampleRate: 7 } }
resources: { workers: { minReplicas: 5, maxReplicas: 2, cpu: lots }, database: { backupRetention: -1 } }
")]), @r#"
    error: 0 is not between 1 and 1000
     --> environments/staging.yaml:3:21
      |
    3 | local: { instances: 0 }
      |                     ^

    error: this must be longer than no time at all
     --> environments/staging.yaml:5:23
      |
    5 |   healthCheckTimeout: 0
      |                       ^
      |
      = help: the default is 1m

    error: 100 is not a share of traffic
     --> environments/staging.yaml:7:26
      |
    7 |     canary: { steps: [5, 100], every: 0, analysis: { errorRate: 1.5, alpha: 2 } }
      |                          ^^^
      |
      = help: write a whole percentage from 1 to 99; 100 follows by itself

    error: each share must be observed for some time
     --> environments/staging.yaml:7:39
      |
    7 |     canary: { steps: [5, 100], every: 0, analysis: { errorRate: 1.5, alpha: 2 } }
      |                                       ^
      |
      = help: write at least 1s

    error: 1.5 is not between 0 and 1
     --> environments/staging.yaml:7:65
      |
    7 |     canary: { steps: [5, 100], every: 0, analysis: { errorRate: 1.5, alpha: 2 } }
      |                                                                 ^^^

    error: 2 is not between 0 and 1
     --> environments/staging.yaml:7:77
      |
    7 |     canary: { steps: [5, 100], every: 0, analysis: { errorRate: 1.5, alpha: 2 } }
      |                                                                             ^

    error: 7 is not between 0 and 1
     --> environments/staging.yaml:8:41
      |
    8 | observability: { tracing: { sampleRate: 7 } }
      |                                         ^

    error: `minReplicas` (5) is above `maxReplicas` (2)
     --> environments/staging.yaml:9:14
      |
    9 | resources: { workers: { minReplicas: 5, maxReplicas: 2, cpu: lots }, database: { backupRetention: -1 } }
      |              ^^^^^^^
      |
      = help: swap the two

    error: "lots" is not an amount (500m, 2, 512Mi, 10Gi)
     --> environments/staging.yaml:9:62
      |
    9 | resources: { workers: { minReplicas: 5, maxReplicas: 2, cpu: lots }, database: { backupRetention: -1 } }
      |                                                              ^^^^

    error: expected a whole number, not below 0, found the number -1
     --> environments/staging.yaml:9:99
      |
    9 | resources: { workers: { minReplicas: 5, maxReplicas: 2, cpu: lots }, database: { backupRetention: -1 } }
      |                                                                                                   ^^
    "#);
}

#[test]
fn canary_steps_that_do_not_ascend() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
deployment: { strategy: { canary: { steps: [5, 50, 25] } } }
")]), @r#"
    error: the steps of a canary grow, and 25% does not follow 50%
     --> environments/staging.yaml:3:52
      |
    3 | deployment: { strategy: { canary: { steps: [5, 50, 25] } } }
      |                                                    ^^
      |
      = help: write the shares in ascending order: [5, 25, 50]
    "#);
}

#[test]
fn a_strategy_that_does_not_exist() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
deployment: { strategy: bluegreen }
"), ("environments/b.yaml", r"name: b
type: staging
deployment: { strategy: { rolling: {}, canary: {} } }
"), ("environments/c.yaml", r"name: c
type: staging
deployment: { strategy: { rolling: { batch: 0% } } }
")]), @r#"
    error: `bluegreen` is none of `direct`, `rolling`, `blue-green` or `canary`
     --> environments/a.yaml:3:25
      |
    3 | deployment: { strategy: bluegreen }
      |                         ^^^^^^^^^
      |
      = help: did you mean `blue-green`?

    error: exactly one of `direct`, `rolling`, `blue-green` or `canary` may be given
     --> environments/b.yaml:3:40
      |
    3 | deployment: { strategy: { rolling: {}, canary: {} } }
      |                                        ^^^^^^
      |
      = help: keep one and take out the others

    error: 0% is not the size of a batch
     --> environments/c.yaml:3:45
      |
    3 | deployment: { strategy: { rolling: { batch: 0% } } }
      |                                             ^^
      |
      = help: write a number of units (2) or a share of them (25%)
    "#);
}

#[test]
fn variables_that_are_no_single_values() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
variables: { nested: { a: 1 }, list: [1], nothing: , 1st: x }
")]), @r#"
    error: a variable holds one value, not a map
     --> environments/staging.yaml:3:22
      |
    3 | variables: { nested: { a: 1 }, list: [1], nothing: , 1st: x }
      |                      ^
      |
      = help: give each value a variable of its own, or write it as JSON in quotes

    error: a variable holds one value, not a list
     --> environments/staging.yaml:3:38
      |
    3 | variables: { nested: { a: 1 }, list: [1], nothing: , 1st: x }
      |                                      ^
      |
      = help: give each value a variable of its own, or write it as JSON in quotes

    error: a variable needs a value
     --> environments/staging.yaml:3:50
      |
    3 | variables: { nested: { a: 1 }, list: [1], nothing: , 1st: x }
      |                                                  ^
      |
      = help: write "" for an empty one

    error: "1st" cannot be the name of a variable
     --> environments/staging.yaml:3:54
      |
    3 | variables: { nested: { a: 1 }, list: [1], nothing: , 1st: x }
      |                                                      ^^^
      |
      = help: use letters, digits and `_`, and do not begin with a digit
    "#);
}

#[test]
fn a_variable_that_is_also_a_secret() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
variables: { TOKEN: x }
secrets: { TOKEN: { env: TOKEN } }
")]), @r#"
    error: `TOKEN` is a variable and a secret
     --> environments/staging.yaml:4:19
      |
    3 | variables: { TOKEN: x }
      |                     - the variable
    4 | secrets: { TOKEN: { env: TOKEN } }
      |                   ^
      |
      = help: keep one of the two
    "#);
}

#[test]
fn an_environment_without_type_or_name() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
"), ("environments/b.yaml", r"type: prod
"), ("environments/c.yaml", r"name: ../c
type: live
")]), @r#"
    error: the environment `a` has no type
     --> environments/a.yaml:1:7
      |
    1 | name: a
      |       ^
      |
      = help: add `type: development`, `test`, `acceptance`, `staging` or `production`

    error: `name` is missing
     --> environments/b.yaml:1:1
      |
    1 | type: prod
      | ^
      |
      = help: add `name`

    error: "../c" is not an environment name (1 to 63 letters, digits, '-', '_', '.', starting with a letter or digit)
     --> environments/c.yaml:1:7
      |
    1 | name: ../c
      |       ^^^^

    error: `live` is none of `development`, `test`, `acceptance`, `staging` or `production`
     --> environments/c.yaml:2:7
      |
    2 | type: live
      |       ^^^^
    "#);
}

#[test]
fn checks_that_say_nothing_or_too_much() {
    insta::assert_snapshot!(problems(r"service: app
suites:
  s:
    - { name: nothing }
    - { name: both, http: {}, tcp: {} }
    - { name: http, http: { path: health, status: 99 }, expectedExitCode: 1 }
    - { name: http, tcp: { address: db } }
", &[]), @r#"
    error: the check `nothing` must say exactly one thing to do
     --> greenroom.yaml:4:15
      |
    4 |     - { name: nothing }
      |               ^^^^^^^
      |
      = help: give it one of `http`, `tcp`, `command`, `startup` and `load`

    error: the check `both` must say exactly one thing to do
     --> greenroom.yaml:5:15
      |
    5 |     - { name: both, http: {}, tcp: {} }
      |               ^^^^
      |
      = help: give it one of `http`, `tcp`, `command`, `startup` and `load`

    error: 99 is not a status code (100 to 599)
     --> greenroom.yaml:6:51
      |
    6 |     - { name: http, http: { path: health, status: 99 }, expectedExitCode: 1 }
      |                                                   ^^

    error: only a `command` has an exit code
     --> greenroom.yaml:6:75
      |
    6 |     - { name: http, http: { path: health, status: 99 }, expectedExitCode: 1 }
      |                                                                           ^
      |
      = help: take out `expectedExitCode`

    error: the suite `s` has two checks named `http`
     --> greenroom.yaml:7:15
      |
    7 |     - { name: http, tcp: { address: db } }
      |               ^^^^
      |
      = help: give each check a name of its own

    error: not an address of the form host:port
     --> greenroom.yaml:7:37
      |
    7 |     - { name: http, tcp: { address: db } }
      |                                     ^^
      |
      = help: write it like db.internal:5432
    "#);
}

#[test]
fn a_hook_that_the_restricted_runner_refuses() {
    insta::assert_snapshot!(problems(r"service: app
commands: { allow: [bash], maxLength: 20, timeout: 60 }
hooks:
  beforeDeploy:
    - { name: own, run: [./migrate.sh], timeout: 60 }
    - { name: other, run: [rm, -rf, /srv/a/long/path], timeout: 60 }
    - { name: slow, run: [bash, x] }
", &[]), @r#"
    error: `rm` is not among the allowed commands
     --> greenroom.yaml:6:27
      |
    6 |     - { name: other, run: [rm, -rf, /srv/a/long/path], timeout: 60 }
      |                           ^
      |
      = help: add it to `commands.allow` (bash)

    error: the command is 23 bytes long; 20 are allowed
     --> greenroom.yaml:6:27
      |
    6 |     - { name: other, run: [rm, -rf, /srv/a/long/path], timeout: 60 }
      |                           ^
      |
      = help: shorten it, or raise `commands.maxLength`

    error: the command may take 5m; 1m are allowed
     --> greenroom.yaml:7:26
      |
    7 |     - { name: slow, run: [bash, x] }
      |                          ^
      |
      = help: give it a shorter `timeout`, or raise `commands.timeout`
    "#);
}

#[test]
fn triggers_and_notifications_of_no_or_two_kinds() {
    insta::assert_snapshot!(problems(r"service: app
triggers:
  - environment: staging
  - push: { branches: [main] }
notify:
  - on: [failure]
environments: [environments/*.yaml]
", &[("environments/staging.yaml", r"name: staging
type: staging
")]), @r#"
    error: a trigger is exactly one of `push`, `dispatch` and `label`
     --> greenroom.yaml:3:5
      |
    3 |   - environment: staging
      |     ^
      |
      = help: write `dispatch: {}` for a dispatch; write several triggers as several items

    error: the trigger does not say where it deploys
     --> greenroom.yaml:4:5
      |
    4 |   - push: { branches: [main] }
      |     ^
      |
      = help: add `environment: NAME`

    error: a notification goes to exactly one channel
     --> greenroom.yaml:6:5
      |
    6 |   - on: [failure]
      |     ^
      |
      = help: give one of `slack`, `discord`, `teams`, `webhook` and `email`
    "#);
}

#[test]
fn builds_that_cannot_be() {
    insta::assert_snapshot!(problems(r"service: app
image:
  repository: ghcr.io/acme/app:1
  build:
    files:
      layers: [{ from: dist, to: app }]
      entrypoint: /app/server
      platforms: [linux]
      ports: [0]
", &[]), @r#"
    error: a command is a list of words, not a line for a shell
     --> greenroom.yaml:7:19
      |
    7 |       entrypoint: /app/server
      |                   ^^^^^^^^^^^
      |
      = help: write [/app/server]

    error: 0 is not between 1 and 65535
     --> greenroom.yaml:9:15
      |
    9 |       ports: [0]
      |               ^
    "#);
}

#[test]
fn two_builders() {
    insta::assert_snapshot!(problems(r"service: app
image: { repository: app, build: { none: , dockerfile: {} } }
", &[]), @r#"
    error: exactly one of `dockerfile`, `files`, `command` or `none` may be given
     --> greenroom.yaml:2:44
      |
    2 | image: { repository: app, build: { none: , dockerfile: {} } }
      |                                            ^^^^^^^^^^
      |
      = help: keep one and take out the others
    "#);
}

#[test]
fn requirements_that_contradict_each_other() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
protection: { requireTests: true }
deployment: { requireTests: false, healthCheckInterval: 10, healthCheckTimeout: 5 }
")]), @r#"
    error: `requireTests` is said twice, and differently
     --> environments/staging.yaml:4:29
      |
    3 | protection: { requireTests: true }
      |                             ---- under `protection`
    4 | deployment: { requireTests: false, healthCheckInterval: 10, healthCheckTimeout: 5 }
      |                             ^^^^^
      |
      = help: keep the one under `protection`

    error: health is given up after 5s, before the second look after 10s
     --> environments/staging.yaml:4:61
      |
    4 | deployment: { requireTests: false, healthCheckInterval: 10, healthCheckTimeout: 5 }
      |                                                             ^^^^^^^^^^^^^^^^^^
      |
      = help: raise `healthCheckTimeout`, or lower `healthCheckInterval`
    "#);
}

#[test]
fn inherited_problems_are_shown_once_where_they_are_written() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
extends: base
"), ("environments/b.yaml", r"name: b
type: staging
extends: base
"), ("environments/base.yaml", r"name: base
deployment: { autoPromot: true, healthCheckPath: 5 }
")]), @r#"
    error: unknown key `autoPromot`
     --> environments/base.yaml:2:15
      |
    2 | deployment: { autoPromot: true, healthCheckPath: 5 }
      |               ^^^^^^^^^^
      |
      = help: did you mean `autoPromote`?

    error: a path begins with `/`
     --> environments/base.yaml:2:50
      |
    2 | deployment: { autoPromot: true, healthCheckPath: 5 }
      |                                                  ^
      |
      = help: write /5
    "#);
}

#[test]
fn several_documents_in_one_file() {
    insta::assert_snapshot!(problems(r"service: app
---
service: other
", &[]), @r#"
    error: the file holds more than one document
     --> greenroom.yaml:3:1
      |
    3 | service: other
      | ^
      |
      = help: put each document in a file of its own, and take out the line `---`
    "#);
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(problems("", &[]), @r#"
    error: expected a map with keys like `service`, `version`, `image` or `triggers`, found nothing
     --> greenroom.yaml:1:1
      |
    1 |
      | ^
    "#);
}

#[test]
fn a_file_that_is_a_list() {
    insta::assert_snapshot!(problems("- a\n", &[]), @r#"
    error: expected a map with keys like `service`, `version`, `image` or `triggers`, found a list
     --> greenroom.yaml:1:1
      |
    1 | - a
      | ^
    "#);
}

#[test]
fn a_secret_that_is_written_out_is_not_shown() {
    insta::assert_snapshot!(problems(r#"service: app
environments: [environments/*.yaml]
notify: [{ slack: { webhook: "https://hooks.test/s3cr3t" } }]
"#, &[("environments/staging.yaml", r"name: staging
type: staging
secrets: { TOKEN: hunter2, KEY: { env: A, file: b } }
")]), @r#"
    error: the value of a secret is not written here
     --> greenroom.yaml:3:30
      |
    3 | notify: [{ slack: { webhook: *************************** } }]
      |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write { env: NAME } or { file: PATH }

    error: the value of a secret is not written here
     --> environments/staging.yaml:3:19
      |
    3 | secrets: { TOKEN: *******, KEY: { env: A, file: b } }
      |                   ^^^^^^^
      |
      = help: write { env: NAME } or { file: PATH }

    error: exactly one of `env` or `file` may be given
     --> environments/staging.yaml:3:43
      |
    3 | secrets: { TOKEN: hunter2, KEY: { env: A, file: b } }
      |                                           ^^^^
      |
      = help: keep one and take out the others
    "#);
}

#[test]
fn addresses_that_nothing_can_listen_on() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", r"name: staging
type: staging
local: { listen: localhost }
")]), @r#"
    error: expected an address and a port like 127.0.0.1:8080
     --> environments/staging.yaml:3:18
      |
    3 | local: { listen: localhost }
      |                  ^^^^^^^^^
    "#);
}

#[test]
fn a_freeze_that_ends_before_it_begins() {
    insta::assert_snapshot!(problems(r"service: a b
freeze: [{ from: 2026-12-20T00:00:00Z, until: 2026-12-19T00:00:00Z }]
", &[]), @r#"
    error: this cannot be the name of a service
     --> greenroom.yaml:1:10
      |
    1 | service: a b
      |          ^^^
      |
      = help: use 1 to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or digit

    error: the freeze ends before it begins
     --> greenroom.yaml:2:10
      |
    2 | freeze: [{ from: 2026-12-20T00:00:00Z, until: 2026-12-19T00:00:00Z }]
      |          ^
      |
      = help: `until` is the first instant after it
    "#);
}

#[test]
fn units_of_a_command_that_are_named_twice_or_not_at_all() {
    insta::assert_snapshot!(problems(ALL, &[("environments/a.yaml", r"name: a
type: staging
command: { deploy: [d], status: [s], units: [x, x], count: 2 }
"), ("environments/b.yaml", r"name: b
type: staging
command: { deploy: [d], status: [s], units: [] }
")]), @r#"
    error: both `units` and `count` are given
     --> environments/a.yaml:3:45
      |
    3 | command: { deploy: [d], status: [s], units: [x, x], count: 2 }
      |                                             ^
      |
      = help: keep the names, or the number

    error: the unit `x` is named twice
     --> environments/a.yaml:3:49
      |
    3 | command: { deploy: [d], status: [s], units: [x, x], count: 2 }
      |                                                 ^
      |
      = help: take one out

    error: there are no units to deploy to
     --> environments/b.yaml:3:45
      |
    3 | command: { deploy: [d], status: [s], units: [] }
      |                                             ^
      |
      = help: name at least one, or leave `units` out
    "#);
}

#[test]
fn environments_that_are_no_list() {
    insta::assert_snapshot!(problems(r"service: app
environments: environments/*.yaml
", &[]), @r#"
    error: expected a list of files or environments
     --> greenroom.yaml:2:15
      |
    2 | environments: environments/*.yaml
      |               ^^^^^^^^^^^^^^^^^^^
      |
      = help: write [environments/*.yaml]
    "#);
}

#[test]
fn a_scan_that_could_not_be_made_or_would_stop_nothing() {
    insta::assert_snapshot!(problems(r#"service: app
image: { repository: app }
scan:
  run: [trivy, "{{ image }}"]
  report: found.json
  block: [HIGH, MEDIUM]
  severity: [CRITICAL, HIGH]
  maxDatabaseAge: 0
  allow:
    - { id: CVE-2026-1, reason: "  " }
    - { id: cve-2026-1, reason: again, until: tomorrow }
    - { id: "", reason: nothing }
  levels: { production: stop, prod: warn }
"#, &[]), @r#"
error: a scan is a command to run, or a report that is there
 --> greenroom.yaml:4:3
  |
4 |   run: [trivy, "{{ image }}"]
  |   ^
  |
  = help: give exactly one of `run` and `report`

error: MEDIUM is to block and is not to be shown
 --> greenroom.yaml:6:17
  |
6 |   block: [HIGH, MEDIUM]
  |                 ^^^^^^
  |
  = help: add it to `severity`, or take it out here

error: every database is older than that
 --> greenroom.yaml:8:19
  |
8 |   maxDatabaseAge: 0
  |                   ^
  |
  = help: write a period like 5d, or take it out

error: the allowance gives no reason
  --> greenroom.yaml:10:33
   |
10 |     - { id: CVE-2026-1, reason: "  " }
   |                                 ^^^^
   |
   = help: say why it is put up with: it goes into the record

error: "tomorrow" is neither a day nor an instant
  --> greenroom.yaml:11:47
   |
11 |     - { id: cve-2026-1, reason: again, until: tomorrow }
   |                                               ^^^^^^^^
   |
   = help: write 2027-01-31 for the last day, or 2027-01-31T12:00:00Z

error: the allowance names no vulnerability
  --> greenroom.yaml:12:13
   |
12 |     - { id: "", reason: nothing }
   |             ^^
   |
   = help: write its id: CVE-2024-1234

error: `stop` is none of `off`, `warn` or `block`
  --> greenroom.yaml:13:25
   |
13 |   levels: { production: stop, prod: warn }
   |                         ^^^^

error: unknown key `prod`
  --> greenroom.yaml:13:31
   |
13 |   levels: { production: stop, prod: warn }
   |                               ^^^^
   |
   = help: did you mean `production`?
"#);
    insta::assert_snapshot!(problems(r"service: app
scan:
  run: [trivy]
  timeout: 0
  findingsExitCode: 1
  block: []
", &[]), @r#"
error: there is nothing to scan: the service has no `image`
 --> greenroom.yaml:3:3
  |
3 |   run: [trivy]
  |   ^
  |
  = help: add `image:`, or take out `scan`

error: `block` is empty, so nothing would ever count
 --> greenroom.yaml:3:3
  |
3 |   run: [trivy]
  |   ^
  |
  = help: name severities, or say `levels: { production: warn }` to be told only

error: the scanner gets no time
 --> greenroom.yaml:4:12
  |
4 |   timeout: 0
  |            ^
  |
  = help: write a period like 10m, or take it out

error: this exit code cannot mean findings
 --> greenroom.yaml:5:21
  |
5 |   findingsExitCode: 1
  |                     ^ 0 is success, and scanners fail with 1
  |
  = help: let the scanner use another one, from 2 to 255: trivy --exit-code 10
"#);
    insta::assert_snapshot!(problems(r"service: app
image: { repository: app }
scan: { report: found.json, findingsExitCode: 10, severity: [LOW], blok: [LOW] }
", &[]), @r#"
error: neither CRITICAL nor HIGH is shown, so nothing would count
 --> greenroom.yaml:3:7
  |
3 | scan: { report: found.json, findingsExitCode: 10, severity: [LOW], blok: [LOW] }
  |       ^
  |
  = help: say what counts: `block: [MEDIUM]`

error: only a command has an exit code
 --> greenroom.yaml:3:47
  |
3 | scan: { report: found.json, findingsExitCode: 10, severity: [LOW], blok: [LOW] }
  |                                               ^^
  |
  = help: take out `findingsExitCode`

error: unknown key `blok`
 --> greenroom.yaml:3:68
  |
3 | scan: { report: found.json, findingsExitCode: 10, severity: [LOW], blok: [LOW] }
  |                                                                    ^^^^
  |
  = help: did you mean `block`?
"#);
    insta::assert_snapshot!(problems(r"service: app
image: { repository: app }
scan:
  run: trivy image app | tee report
  block: [high]
  allow: [{ id: CVE-2026-1 }]
", &[]), @r#"
error: a command is a list of words, not a line for a shell
 --> greenroom.yaml:4:8
  |
4 |   run: trivy image app | tee report
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write [sh, "-c", "trivy image app | tee report"]

error: `high` is none of `UNKNOWN`, `NEGLIGIBLE`, `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`
 --> greenroom.yaml:5:11
  |
5 |   block: [high]
  |           ^^^^
  |
  = help: did you mean `HIGH`?

error: `reason` is missing
 --> greenroom.yaml:6:11
  |
6 |   allow: [{ id: CVE-2026-1 }]
  |           ^
  |
  = help: add `reason`
"#);
}

/// A secret of a project that loads, with its files.
fn loaded_secret() -> (greenroom::config::Sources, Located<SecretSource>) {
    let file = "name: staging\ntype: staging\nsecrets: { DB_PASSWORD: { env: STAGING_DB } }\n";
    let loaded = load(
        "greenroom.yaml",
        ALL.to_owned(),
        &given(&[("environments/staging.yaml", file)]),
    );
    let project = loaded.outcome.expect("it loads");
    let environment = &project.environments[&"staging".parse().unwrap()];
    (loaded.sources, environment.secrets["DB_PASSWORD"].clone())
}

#[test]
fn a_missing_secret_is_shown_where_its_source_is_written() {
    let (sources, secret) = loaded_secret();
    let report = Report {
        diagnostics: &[Diagnostic::missing_secret("DB_PASSWORD", &secret)],
        sources: &sources,
    };
    insta::assert_snapshot!(report.render(false), @r"
    error: the secret `DB_PASSWORD` is missing: the environment variable STAGING_DB is not set
     --> environments/staging.yaml:3:25
      |
    3 | secrets: { DB_PASSWORD: { env: STAGING_DB } }
      |                         ^
      |
      = help: set STAGING_DB for this command, or change the source of `DB_PASSWORD`
    ");
    assert!(report.render(true).contains("\u{1b}["), "coloured");
}

#[test]
fn machines_get_every_problem_with_its_place() {
    let loaded = load(
        "greenroom.yaml",
        "service: app\ntrigers: []\n".to_owned(),
        &given(&[]),
    );
    assert_eq!(
        serde_json::to_value(loaded.report()).unwrap(),
        json!([{
            "severity": "error",
            "message": "unknown key `trigers`",
            "file": "greenroom.yaml",
            "line": 2,
            "column": 1,
            "length": 7,
            "help": "did you mean `triggers`?",
        }])
    );
}

#[test]
fn a_file_that_could_not_be_read_is_reported_where_it_is_named() {
    struct Unreadable;
    impl Files for Unreadable {
        fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String> {
            Ok(vec![FoundFile {
                path: pattern.to_owned(),
                text: Err("the file is larger than 1 MiB".to_owned()),
            }])
        }
    }
    let loaded = load(
        "greenroom.yaml",
        "service: app\nenvironments: [huge.yaml]\n".to_owned(),
        &Unreadable,
    );
    insta::assert_snapshot!(loaded.report().render(false), @r"
    error: cannot read huge.yaml: the file is larger than 1 MiB
     --> greenroom.yaml:2:16
      |
    2 | environments: [huge.yaml]
      |                ^^^^^^^^^
    ");
}

#[test]
fn a_text_of_fifty_megabytes_is_refused_before_it_is_parsed() {
    let huge = "# ".repeat(25 * 1024 * 1024);
    let loaded = load("greenroom.yaml", huge, &given(&[]));
    let problems = loaded.outcome.unwrap_err();
    assert_eq!(problems[0].message, "the file is larger than 1 MiB");
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let shown = problems("service: \"\\e[31mred\"\n\"\\e[2Jkey\": 1\n", &[]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// Generous for a build without optimisation on a busy machine; the figure is in docs/performance.md.
#[test]
fn two_hundred_environments_load_without_quadratic_work() {
    let files: Vec<(String, String)> = (0..200)
        .map(|number| {
            let text = format!(
                "name: e{number}\ntype: test\nextends: base\n\
                 network: {{ subnet: 10.{number}.0.0/16, gateway: 10.{number}.0.1 }}\n\
                 variables: {{ NUMBER: {number}, region: eu }}\nlocal: {{ instances: 2 }}\n"
            );
            (format!("environments/e{number}.yaml"), text)
        })
        .chain([(
            "environments/base.yaml".to_owned(),
            "name: base\nvariables: { a: b }\n".to_owned(),
        )])
        .collect();
    let begun = Instant::now();
    let loaded = load("greenroom.yaml", ALL.to_owned(), &Given(files));
    let took = begun.elapsed();
    assert_eq!(loaded.outcome.unwrap().environments.len(), 200);
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
}

const FULL: &str = include_str!("../../docs/configuration.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", other in "[-a-z:{}\\[\\],&*!|>'\"# \n\t]{0,200}") {
        for root in [&text, &other] {
            let loaded = load("greenroom.yaml", root.clone(), &Given(vec![("environments/x.yaml".into(), other.clone())]));
            loaded.report().render(true);
        }
        let loaded = load("greenroom.yaml", ALL.into(), &Given(vec![("environments/x.yaml".into(), text)]));
        loaded.report().render(false);
    }

    #[test]
    fn no_damage_to_a_good_file_makes_it_panic(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0usize..40, "[-a-z0-9:{}\\[\\],&*!|>'\"#% \nüñ]{0,12}"), 1..6)
    ) {
        let mut text: Vec<char> = FULL.chars().collect();
        for (at, length, replacement) in edits {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, replacement.chars());
        }
        let loaded = load("greenroom.yaml", text.into_iter().collect(), &given(&[]));
        let shown = loaded.report().render(false);
        prop_assert!(loaded.outcome.is_ok() || !shown.is_empty());
    }
}

#[test]
fn acceptance_deployments_that_cannot_be() {
    insta::assert_snapshot!(problems(ALL, &[("environments/staging.yaml", "\
name: staging
type: staging
acceptance:
  createNewVm: true
  vmNamePrefix: Acceptance_
  ttl: 5m
  testSuite: smoke
  configuration: prod
")]), @"
    error: an acceptance deployment may exist for 5m and its suite may take 30m: it would be collected while it is tested
     --> environments/staging.yaml:4:3
      |
    4 |   createNewVm: true
      |   ^
      |
      = help: make `ttl` longer than `testTimeout`

    error: unknown key `createNewVm`
     --> environments/staging.yaml:4:3
      |
    4 |   createNewVm: true
      |   ^^^^^^^^^^^
      |
      = help: did you mean `createNewVM`?

    error: this cannot begin the name of a host
     --> environments/staging.yaml:5:17
      |
    5 |   vmNamePrefix: Acceptance_
      |                 ^^^^^^^^^^^
      |
      = help: use 1 to 32 lower-case letters, digits and `-`, beginning with a letter

    error: there is no suite `smoke`
     --> environments/staging.yaml:7:14
      |
    7 |   testSuite: smoke
      |              ^^^^^
      |
      = help: add it under `suites` in the pipeline file

    error: there is no environment `prod`
     --> environments/staging.yaml:8:18
      |
    8 |   configuration: prod
      |                  ^^^^
      |
      = help: list its file under `environments`
    ");
}
