//! What proved itself in one environment goes to the next, and nothing else does.

use crate::support::address::free_port;
use crate::support::daemon::Daemon;
use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use greenroom::adapters::registry::oci::OciRegistry;
use greenroom::domain::model::{Digest, Tag};
use greenroom::ports::{Catalog as _, Registry as _};
use serde_json::Value;

const QUICK: &str = "  strategy: direct\n  rollback: { watch: 0 }";
const PROMOTE: [&str; 5] = ["promote", "--from", "staging", "--to", "production"];

/// A staging environment in the project's own store, and production in a registry.
struct Shop {
    project: Project,
    daemon: Daemon,
    client: OciRegistry,
    repository: String,
}

impl Shop {
    fn new() -> Self {
        let (project, daemon) = (Project::new(QUICK), Daemon::open());
        let repository = daemon.repository("acme/production");
        let port = free_port();
        project.write(
            "greenroom.yaml",
            format!("{PIPELINE}promotion: [staging, production]\n"),
        );
        project.write(
            "environments/production.yaml",
            format!(
                "name: production\ntype: production\nimage: {{ repository: {repository} }}\n\
                 local: {{ instances: 1, listen: \"127.0.0.1:{port}\" }}\nsuites: [smoke]\n\
                 deployment:\n  healthCheckInterval: 50ms\n  healthCheckTimeout: 20s\n{QUICK}\n"
            ),
        );
        let client = daemon.client(false);
        Self {
            project,
            daemon,
            client,
            repository,
        }
    }

    /// Brings a version to staging; its digest.
    fn stage(&self, version: &str, words: &[&str]) -> Digest {
        self.project.version(version, "");
        let ran = self
            .project
            .must(&[&["deploy", "-e", "staging", "--format", "json"], words].concat());
        drop(ran);
        let status = json(&self.project.must(&["history", "staging", "--format", "json"]));
        let artifact = &status["deployments"][0]["plan"]["candidate"]["artifact"];
        artifact["digest"].as_str().unwrap().parse().unwrap()
    }

    fn promote(&self, words: &[&str]) -> Ran {
        self.project.run(&[&PROMOTE[..], words].concat())
    }

    fn named(&self, tag: &str) -> Option<Digest> {
        self.client
            .resolve(&self.repository, &tag.parse::<Tag>().unwrap())
            .unwrap()
    }

    fn live(&self) -> Value {
        json(&self.project.must(&["status", "production", "--format", "json"]))
    }
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

#[test]
fn the_image_that_proved_itself_goes_on_with_its_proof() {
    let shop = Shop::new();
    let image = shop.stage("1.0.0", &[]);
    let preview = json(&shop.promote(&["--dry-run", "--format", "json"]));
    assert_eq!(preview["image"]["isThere"], false);
    let text = shop.promote(&["--dry-run"]).out;
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("note: "))
        .collect();
    assert_eq!(preview["notes"], serde_json::json!(told), "{text}");
    assert_eq!(
        preview["plan"]["candidate"]["artifact"]["repository"],
        shop.repository.as_str()
    );
    assert_eq!(shop.named("1.0.0"), None, "a dry run touches nothing");
    assert_eq!(shop.project.records("production", ""), 0);

    let ran = shop.promote(&[]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    for tag in ["1.0.0", "latest"] {
        assert_eq!(
            shop.named(tag),
            Some(image.clone()),
            "{tag}: the very same digest"
        );
    }
    assert!(shop.live().to_string().contains(image.as_str()));

    // Whoever has staging's ledger can look the proof up.
    let history = json(&shop.project.must(&["history", "production", "--format", "json"]));
    for proof in [
        &history["promotions"][0]["proof"],
        &history["deployments"][0]["plan"]["grounds"]["proof"],
    ] {
        assert_eq!(proof["environment"], "staging", "{history}");
        assert_eq!(proof["image"], image.as_str());
        let file = format!(
            ".greenroom/ledger/staging/{:020}.json",
            proof["seq"].as_u64().unwrap()
        );
        let record = shop.project.read(&file);
        assert_eq!(Digest::of(record.as_bytes()).as_str(), proof["hash"]);
        assert!(record.contains("succeeded"), "{record}");
    }
    let text = shop.project.must(&["history", "production"]).out;
    assert!(
        text.contains("promoted 1.0.0 from staging") && text.contains("proof: staging record"),
        "{text}"
    );
    shop.project.must(&["audit", "verify"]);

    // Again: nothing is sent, nothing is deployed.
    let again = shop.promote(&[]);
    assert_eq!(again.status, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("was there already") && again.out.contains("is live in production already"));
    drop(shop.daemon);
}

#[test]
fn what_did_not_prove_itself_stays_where_it_is() {
    let shop = Shop::new();
    shop.project.version("1.0.0", "");
    let refused = shop.project.run(&["deploy", "-e", "production"]);
    assert_eq!(refused.status, 6, "{}{}", refused.out, refused.err);
    assert!(
        refused.err.contains("this image was never deployed to staging"),
        "{}",
        refused.err
    );
    let nothing = shop.promote(&[]);
    assert_eq!(nothing.status, 2);
    assert!(
        nothing.err.contains("nothing is live in staging"),
        "{}",
        nothing.err
    );

    shop.stage("1.0.0", &["--skip-tests"]);
    let skipped = shop.promote(&[]);
    assert_eq!(skipped.status, 6, "{}{}", skipped.out, skipped.err);
    assert!(
        skipped.err.contains("the checks before the build were skipped"),
        "{}",
        skipped.err
    );

    // A suite that production requires and staging has, and that was not run there.
    let load = "  load:\n    - { name: fast, type: performance, http: { path: /health, status: 200 } }\n";
    shop.stage("1.0.1", &[]);
    shop.project.write(
        "greenroom.yaml",
        format!("{PIPELINE}{load}promotion: [staging, production]\n"),
    );
    for name in ["staging", "production"] {
        let file = format!("environments/{name}.yaml");
        let text = shop
            .project
            .read(&file)
            .replace("suites: [smoke]", "suites: [smoke, load]");
        shop.project.write(&file, text);
    }
    let lacking = shop.promote(&[]);
    assert_eq!(lacking.status, 6, "{}{}", lacking.out, lacking.err);
    assert!(
        lacking.err.contains("suite load was not run on it in staging"),
        "{}",
        lacking.err
    );
    assert_eq!(
        shop.client.tags(&shop.repository).unwrap(),
        [],
        "nothing was copied"
    );
    assert_eq!(shop.project.records("production", ""), 0, "and nothing recorded");

    let image = shop.stage("1.0.2", &[]);
    assert_eq!(shop.promote(&["--image-only"]).status, 0);
    assert_eq!(shop.named("1.0.2"), Some(image));
}

#[test]
fn latest_moves_forwards_only_and_others_move_all_the_same() {
    let shop = Shop::new();
    let new = shop.stage("2.0.0", &[]);
    assert_eq!(shop.promote(&["--image-only"]).status, 0);
    assert_eq!(shop.named("latest"), Some(new.clone()));
    let old = shop.stage("1.9.0", &[]);
    let ran = shop.promote(&["--image-only"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(
        ran.out
            .contains("note: latest stays where it is: 1.9.0 is older than 2.0.0"),
        "{}",
        ran.out
    );
    assert_eq!(
        (shop.named("1.9.0"), shop.named("latest")),
        (Some(old), Some(new.clone()))
    );
    // The version that was live before can be named, by version or by digest.
    let pinned = shop.promote(&["--image-only", "--version", "2.0.0", "--image", new.as_str()]);
    assert_eq!(pinned.status, 0, "{}{}", pinned.out, pinned.err);
    let wrong = shop.promote(&["--image-only", "--version", "3.0.0"]);
    assert_eq!(wrong.status, 2);
    assert!(
        wrong
            .err
            .contains("that was never live in staging; live now is 1.9.0"),
        "{}",
        wrong.err
    );
}
