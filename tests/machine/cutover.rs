//! Eight blue-green deployments while wrk keeps 32 connections busy: no answer other than 2xx, no
//! socket error.

use crate::kill::client::version_at;
use crate::kill::project::{Project, pause};
use crate::support::wrk::Wrk;
use std::time::{Duration, Instant};

/// How often the live version changes.
const FLIPS: u32 = 8;
/// Fewer answers than this are no load.
const FEWEST: u64 = 3_000;

#[test]
fn eight_blue_green_flips_under_wrk_lose_no_request() {
    let project = Project::new();
    project.configure("1.0.0", "ok");
    let deploy = |version: &str, more: &[&str]| {
        project.configure(version, "ok");
        let mut arguments = vec!["deploy", "-e", "staging", "--strategy", "blue-green"];
        arguments.extend(["--version", version]);
        arguments.extend(more);
        let code = project.run(&arguments);
        assert_eq!(code, 0, "{version}:\n{}", project.last_said());
        assert_eq!(version_at(project.listen), Ok(version.to_owned()));
    };
    deploy("1.0.0", &[]);
    let image = project.image();

    let wrk = Wrk::start(project.listen);
    // A moment under load before the first flip.
    pause(Duration::from_millis(500));
    let begun = Instant::now();
    for flip in 1..=FLIPS {
        deploy(&format!("1.0.{flip}"), &["--image", &image]);
    }
    let took = begun.elapsed();
    let requests = wrk.stop();

    assert_eq!(requests.non_2xx, None, "{requests:?}");
    assert_eq!(requests.socket_errors, None, "{requests:?}");
    assert!(requests.count >= FEWEST, "{requests:?}");
    println!(
        "{FLIPS} flips in {took:.1?} under wrk: {} requests, all answered 2xx",
        requests.count
    );
}
