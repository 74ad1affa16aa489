//! Lists of tags.

use super::common::{REGISTRY, STRANGER, abroad, app, app_abroad, shown_to, tag};
use crate::registry::server::{Answer, Server, answer, manifest, refusal};
use greenroom::domain::model::{ErrorKind, Tag};
use greenroom::ports::Catalog;
use serde_json::json;

fn page(tags: &[&str]) -> Answer {
    answer(200).body(json!({"name": "app", "tags": tags}).to_string())
}

fn list(server: &Server) -> Result<Vec<Tag>, greenroom::domain::model::PortError> {
    server.client().tags(&app(server))
}

const FIRST: &str = "/v2/app/tags/list?n=1000";

#[test]
fn no_tags_may_be_null_or_left_out() {
    for body in [
        r#"{"name":"app","tags":null}"#,
        r#"{"name":"app"}"#,
        r#"{"tags":[]}"#,
    ] {
        let server = Server::with(move |_, _| Some(answer(200).body(body)));
        assert_eq!(list(&server).unwrap(), [], "{body}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn ecr_refuses_more_than_1000_at_once() {
    let server = Server::with(|request, _| {
        let count: u32 = request.parameter("n").unwrap_or("0").parse().unwrap();
        (count > 1000).then(|| refusal(405, "UNSUPPORTED", "n must be at most 1000"))
    });
    server.store.add_manifest("app", &manifest("x"), "1.0");
    assert_eq!(list(&server).unwrap(), [tag("1.0")]);
    assert_eq!(server.seen()[0].target, FIRST);
}

#[test]
fn pages_are_followed_by_their_links_however_these_are_written() {
    let server = Server::with(|request, _| {
        let host = request.header("host");
        let link = |link: String| format!("<{link}>; rel=\"next\"");
        Some(match request.parameter("last") {
            None => page(&["b", "a"]).header("link", link("/v2/app/tags/list?last=b".to_owned())),
            Some("b") => page(&["c"]).header("Link", link(format!("http://{host}/v2/app/tags/list?last=c"))),
            Some("c") => page(&[]).header("link", link("list?last=d&x=%3D".to_owned())),
            Some("d") => page(&["e"]).header("link", link("?last=e".to_owned())),
            Some(_) => page(&["f", "a", "no tag"]),
        })
    });
    let expected: Vec<Tag> = ["a", "b", "c", "e", "f"].map(tag).to_vec();
    assert_eq!(list(&server).unwrap(), expected);
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets[0], FIRST);
    assert_eq!(targets[3], "/v2/app/tags/list?last=d&x=%3D");
    assert_eq!(targets.len(), 5);
}

#[test]
fn pages_that_lead_in_a_circle_end() {
    let server = Server::with(|request, _| {
        let next = if request.parameter("last") == Some("a") {
            "b"
        } else {
            "a"
        };
        let link = format!("</v2/app/tags/list?last={next}>; rel=\"next\"");
        Some(page(&[next]).header("link", link))
    });
    let error = list(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("circle"), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_list_that_goes_on_at_another_server_is_refused() {
    for there in [
        format!("http://{STRANGER}/v2/app/tags/list?last=a"),
        format!("http://{REGISTRY}:8080/v2/app/tags/list?last=a"),
        "//169.254.169.254/latest".to_owned(),
    ] {
        let server =
            Server::with(move |_, _| Some(page(&["a"]).header("link", format!("<{there}>; rel=\"next\""))));
        let error = abroad(&server).tags(&app_abroad()).unwrap_err();
        assert!(error.to_string().contains("another server"), "{error}");
        assert_eq!(shown_to(&server, REGISTRY).len(), server.seen().len());
    }
}

#[test]
fn a_page_that_is_gone_is_an_error_and_not_the_end_of_the_list() {
    let server = Server::with(|request, _| {
        Some(match request.parameter("last") {
            None => page(&["a"]).header("link", "</v2/app/tags/list?last=a>; rel=\"next\""),
            Some(_) => refusal(404, "NAME_UNKNOWN", "repository name not known to registry"),
        })
    });
    let error = list(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn an_unknown_repository_has_no_tags_and_a_web_servers_404_says_nothing() {
    let unknown = Server::with(|_, _| Some(refusal(404, "NAME_UNKNOWN", "not known to registry")));
    assert_eq!(list(&unknown).unwrap(), []);
    let page = Server::with(|_, _| Some(answer(404).body("<html>Not Found</html>")));
    assert_eq!(list(&page).unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(page.seen().len(), 1);
}

#[test]
fn what_is_no_list_is_an_error() {
    for body in ["<html>Sign in</html>", "[]", r#"{"tags":[1]}"#, ""] {
        let server = Server::with(move |_, _| Some(answer(200).body(body)));
        let error = list(&server).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{body}: {error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_tag_that_went_away_while_it_was_listed_is_not_held() {
    let server = Server::with(|request, _| request.is("GET", "/tags/list").then(|| page(&["1.0", "gone"])));
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let images = server.client().images(&app(&server)).unwrap();
    assert_eq!(images.len(), 1);
    assert_eq!((&images[0].digest, &images[0].tags), (&digest, &vec![tag("1.0")]));
    assert_eq!(server.count("HEAD", "/manifests/"), 2);
}
