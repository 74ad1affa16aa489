//! Oddities of lists and deletions.

use super::server::{Server, answer, manifest, refusal};
use greenroom::domain::model::{Digest, ErrorKind, Tag};
use greenroom::ports::{Catalog, Discard};
use serde_json::json;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn page(tags: &[&str]) -> super::server::Answer {
    answer(200).body(json!({"name": "app", "tags": tags}).to_string())
}

#[test]
fn pages_are_followed_by_their_links_relative_or_not() {
    let server = Server::with(|request, _| {
        let host = request.header("host");
        Some(match request.parameter("last") {
            None => page(&["b", "a"]).header("link", "</v2/app/tags/list?n=2&last=b>; rel=\"next\""),
            Some("b") => page(&["c"]).header(
                "link",
                format!("<http://{host}/v2/app/tags/list?last=c>; rel=next"),
            ),
            Some(_) => page(&["d", "not a tag", "a"]),
        })
    });
    let tags = server.client().tags(&server.repository("app")).unwrap();
    assert_eq!(tags, [tag("a"), tag("b"), tag("c"), tag("d")]);
    let asked = server.seen()[0].target.clone();
    assert_eq!(
        asked, "/v2/app/tags/list?n=1000",
        "Amazon's registry takes no more"
    );
}

#[test]
fn no_tags_may_be_null_or_no_repository() {
    let null = Server::with(|_, _| Some(answer(200).body(r#"{"name":"app","tags":null}"#)));
    assert_eq!(null.client().tags(&null.repository("app")).unwrap(), []);
    let none = Server::plain();
    assert_eq!(none.client().tags(&none.repository("app")).unwrap(), []);
}

#[test]
fn a_web_servers_404_is_no_empty_list() {
    let server = Server::with(|_, _| Some(answer(404).body("<html>not here</html>")));
    let error = server.client().tags(&server.repository("app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    let discarded = server
        .client()
        .discard(&server.repository("app"), &Discard::Manifest(Digest::of(b"x")));
    assert_eq!(discarded.unwrap_err().kind, ErrorKind::Missing);
}

#[test]
fn pages_in_a_circle_or_elsewhere_are_an_error() {
    for link in [
        "</v2/app/tags/list?n=1000&last=a>; rel=\"next\"",
        "<http://127.0.0.1:1/v2/app/tags/list>; rel=\"next\"",
    ] {
        let server = Server::with(move |_, _| Some(page(&["a"]).header("link", link)));
        let error = server.client().tags(&server.repository("app")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert!(server.seen().len() <= 3);
    }
}

#[test]
fn images_are_their_tags_by_digest() {
    let server = Server::plain();
    let (one, two) = (manifest("one"), manifest("two"));
    for name in ["1.0", "1", "latest"] {
        server.store.add_manifest("app", &one, name);
    }
    let other = server.store.add_manifest("app", &two, "0.9");
    let images = server.client().images(&server.repository("app")).unwrap();
    assert_eq!(images.len(), 2);
    let first = images
        .iter()
        .find(|image| image.digest == Digest::of(&one))
        .unwrap();
    assert_eq!(first.tags, [tag("1"), tag("1.0"), tag("latest")]);
    assert!(
        images
            .iter()
            .any(|image| image.digest == other && image.tags == [tag("0.9")])
    );
}

#[test]
fn github_deletes_nothing_and_dockers_registry_no_single_tag() {
    let tag = Discard::Tag(tag("1.0"));
    let digest = Discard::Manifest(Digest::of(b"x"));
    for (status, code, what) in [
        (405, "UNSUPPORTED", &tag),
        (405, "UNSUPPORTED", &digest),
        (400, "DIGEST_INVALID", &tag),
    ] {
        let server = Server::with(move |_, _| Some(refusal(status, code, "the operation is unsupported")));
        let error = server
            .client()
            .discard(&server.repository("app"), what)
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn what_is_said_to_be_gone_is_looked_for() {
    let server = Server::with(|request, _| (request.method == "DELETE").then(|| answer(202)));
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let error = server
        .client()
        .discard(&server.repository("app"), &Discard::Manifest(digest))
        .unwrap_err();
    assert!(error.to_string().contains("still has it"), "{error}");
    let plain = Server::plain();
    let digest = plain.store.add_manifest("app", &manifest("x"), "1.0");
    for _ in 0..2 {
        plain
            .client()
            .discard(&plain.repository("app"), &Discard::Manifest(digest.clone()))
            .unwrap();
    }
}
