//! Taking things out.

use super::common::{Times, app, challenge, tag};
use crate::registry::server::{Server, answer, hang_up, manifest, refusal};
use greenroom::domain::model::{Digest, ErrorKind, PortError};
use greenroom::ports::{Catalog, Discard};

fn image() -> Discard {
    Discard::Manifest(Digest::of(&manifest("x")))
}

/// Takes it out of a repository that holds the manifest `x` as `1.0`.
fn discard(server: &Server, what: &Discard) -> Result<(), PortError> {
    server.store.add_manifest("app", &manifest("x"), "1.0");
    server.client().discard(&app(server), what)
}

#[test]
fn ghcr_answers_405_on_delete() {
    for what in [image(), Discard::Tag(tag("1.0"))] {
        let server = Server::with(|request, _| {
            let unsupported = || refusal(405, "UNSUPPORTED", "The operation is unsupported.");
            (request.method == "DELETE").then(unsupported)
        });
        let error = discard(&server, &what).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(error.to_string().contains("this registry"), "{error}");
        assert_eq!(server.seen().len(), 1, "it is not tried again");
    }
}

#[test]
fn dockers_registry_takes_out_no_single_tag() {
    for (status, code) in [
        (400, "DIGEST_INVALID"),
        (405, "UNSUPPORTED"),
        (501, "UNSUPPORTED"),
    ] {
        let server = Server::with(move |request, _| {
            (request.method == "DELETE").then(|| refusal(status, code, "provided digest did not match"))
        });
        let error = discard(&server, &Discard::Tag(tag("1.0"))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{status}");
        assert!(error.to_string().contains("takes out no single tags"), "{error}");
        assert_eq!(server.asked(), ["DELETE app/manifests/1.0"]);
    }
}

#[test]
fn docker_hub_keeps_what_has_a_tag_and_its_words_are_shown() {
    let server = Server::with(|request, _| {
        let kept = || refusal(403, "DENIED", "manifest is referenced by tags");
        (request.method == "DELETE").then(kept)
    });
    let error = discard(&server, &image()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("referenced by tags"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn harbor_keeps_a_child_of_an_index_and_that_is_a_conflict() {
    let server = Server::with(|request, _| {
        let kept = || refusal(412, "PRECONDITION", "artifact is referenced by others");
        (request.method == "DELETE").then(kept)
    });
    let error = discard(&server, &image()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.to_string().contains("referenced by others"), "{error}");
}

#[test]
fn deleting_asks_for_its_own_right_and_for_no_more() {
    let server = Server::with(|request, _| {
        if request.target.starts_with("/token") {
            let scope = request.parameter("scope").unwrap_or_default();
            return Some(answer(200).body(format!("{{\"token\":\"{}\"}}", scope.replace(':', "."))));
        }
        let action = if request.method == "DELETE" {
            "delete"
        } else {
            "pull"
        };
        let good = request.header("authorization") == format!("Bearer repository.app.{action}");
        (!good).then(|| challenge(request, &format!("repository:app:{action}")))
    });
    discard(&server, &image()).unwrap();
    let scopes: Vec<String> = server
        .seen()
        .iter()
        .filter_map(|seen| {
            seen.target
                .split_once("scope=")
                .map(|(_, scope)| scope.to_owned())
        })
        .collect();
    assert_eq!(scopes, ["repository:app:delete", "repository:app:pull"]);
}

#[test]
fn what_was_said_to_be_gone_and_is_still_there_is_an_error() {
    for what in [image(), Discard::Tag(tag("1.0"))] {
        let server = Server::with(|request, _| (request.method == "DELETE").then(|| answer(202)));
        let error = discard(&server, &what).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(error.to_string().contains("still has it"), "{error}");
        assert_eq!((server.count("DELETE", ""), server.count("HEAD", "")), (1, 4));
    }
}

#[test]
fn what_goes_a_little_later_is_waited_for() {
    let looks = Times::default();
    let server = Server::with(move |request, _| {
        let late = request.method == "HEAD" && looks.next() <= 2;
        late.then(|| answer(200).header("docker-content-digest", Digest::of(&manifest("x")).as_str()))
    });
    discard(&server, &image()).unwrap();
    assert_eq!(server.count("HEAD", ""), 3);
    assert!(server.waited() > std::time::Duration::ZERO);
}

#[test]
fn what_is_gone_already_is_done() {
    let server = Server::plain();
    let client = server.client();
    client.discard(&app(&server), &image()).unwrap();
    assert_eq!(server.asked(), ["DELETE app/manifests/"]);
    let page = Server::with(|_, _| Some(answer(404).body("<html>")));
    let error = page.client().discard(&app(&page), &image()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "a web server's 404 says nothing");
}

#[test]
fn a_deletion_without_an_answer_is_made_again_and_is_done() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        (request.method == "DELETE" && times.next() == 1).then(|| {
            store.answer(request);
            hang_up()
        })
    });
    discard(&server, &image()).unwrap();
    assert_eq!(server.asked(), ["DELETE app/manifests/"; 2]);
}

#[test]
fn a_digest_goes_with_all_its_tags_and_a_tag_alone() {
    let server = Server::plain();
    server.store.add_manifest("app", &manifest("x"), "latest");
    discard(&server, &Discard::Tag(tag("1.0"))).unwrap();
    assert_eq!(server.client().tags(&app(&server)).unwrap(), [tag("latest")]);
    discard(&server, &image()).unwrap();
    assert_eq!(server.client().tags(&app(&server)).unwrap(), []);
    assert_eq!(server.count("DELETE", ""), 2);
}
