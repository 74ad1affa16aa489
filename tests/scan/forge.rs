//! GitHub's code scanning, played by a server that holds every request against GitHub's own description.

use crate::{TRIVY, assessment, now, report};
use flate2::read::GzDecoder;
use greenroom::forge::github::GitHub;
use greenroom::host::http::{Client, Settings};
use greenroom::model::Secret;
use greenroom::ports::{CodeScanning as _, ErrorKind, PortError, SarifUpload};
use greenroom::report::sarif;
use greenroom::scan::Policy;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

const DESCRIPTION: &str = include_str!("../fixtures/github/sarifs.openapi.json");
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const RECEIPT: &str = r#"{"id":"47177e22-5596-11eb-80a1-c1e54ef945c6","url":"https://api.github.com/x"}"#;

/// A request as it came: the line and headers in lower case, and the body.
struct Asked {
    head: String,
    body: Vec<u8>,
}

/// Answers one request, and hands it over.
fn server(status: u16, headers: &str, body: &str) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    );
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let head = head.to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        sender.send(Asked { head, body }).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (url, receiver)
}

fn github(url: &str) -> GitHub {
    let client = Client::new(&Settings::default()).unwrap();
    GitHub::new(client, url, "acme/hello", Secret::new("ghs_swordfish".to_owned())).unwrap()
}

fn upload() -> SarifUpload {
    SarifUpload {
        commit: COMMIT.parse().unwrap(),
        reference: "refs/heads/main".to_owned(),
        sarif: sarif::render(&assessment(report(TRIVY), &Policy::default())),
        tool: "greenroom".to_owned(),
        started: now(),
    }
}

/// Follows `$ref` within the description.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// Holds a body against the request's schema: required and known fields, types, lengths.
fn check(body: &Value) {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let post = &description["paths"]["/repos/{owner}/{repo}/code-scanning/sarifs"]["post"];
    let schema = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["additionalProperties"], false);
    for required in schema["required"].as_array().unwrap() {
        assert!(
            body.get(required.as_str().unwrap()).is_some(),
            "{required} is missing"
        );
    }
    for (name, value) in body.as_object().unwrap() {
        let property = schema["properties"]
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not one of GitHub's fields"));
        let property = resolved(&description, property);
        assert_eq!(property["type"], "string", "{name}");
        let text = value.as_str().unwrap();
        let length = text.len() as u64;
        assert!(
            property["minLength"].as_u64().is_none_or(|least| length >= least),
            "{name}"
        );
        assert!(
            property["maxLength"].as_u64().is_none_or(|most| length <= most),
            "{name}"
        );
        match property["pattern"].as_str() {
            None => {}
            Some("^([0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?)$") => {
                assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()) && [40, 64].contains(&text.len()));
            }
            Some("^refs/(heads|tags|pull)/.*$") => {
                let kinds = ["refs/heads/", "refs/tags/", "refs/pull/"];
                assert!(kinds.iter().any(|kind| text.starts_with(kind)));
            }
            Some(other) => panic!("a pattern that this test does not know: {other}"),
        }
        if property["format"] == "date-time" {
            assert!(text.parse::<greenroom::model::Timestamp>().is_ok(), "{text}");
        }
    }
}

/// Base64 of RFC 4648, read without the crate that wrote it.
fn unbase64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = alphabet.iter().position(|letter| *letter == byte).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn findings_are_uploaded_as_github_describes_it() {
    let (url, asked) = server(202, "", RECEIPT);
    let upload = upload();
    let id = github(&url).upload_sarif(&upload).unwrap();
    assert_eq!(id, "47177e22-5596-11eb-80a1-c1e54ef945c6");
    let asked = asked.recv().unwrap();
    assert!(
        asked
            .head
            .starts_with("post /repos/acme/hello/code-scanning/sarifs http/1.1\r\n"),
        "{}",
        asked.head
    );
    for header in [
        "authorization: bearer ghs_swordfish",
        "accept: application/vnd.github+json",
        "x-github-api-version: 2022-11-28",
        "content-type: application/json",
    ] {
        assert!(asked.head.contains(header), "{header}: {}", asked.head);
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    check(&body);
    assert_eq!(body["commit_sha"], json!(COMMIT));
    let mut text = String::new();
    GzDecoder::new(unbase64(body["sarif"].as_str().unwrap()).as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, upload.sarif);
}

fn refused(status: u16, headers: &str, body: &str) -> PortError {
    let (url, _asked) = server(status, headers, body);
    github(&url).upload_sarif(&upload()).unwrap_err()
}

#[test]
fn every_refusal_says_what_to_do() {
    for (status, headers, kind, fix) in [
        (400, "", ErrorKind::Invalid, "push it first"),
        (401, "", ErrorKind::Denied, "check GITHUB_TOKEN"),
        (403, "", ErrorKind::Denied, "security-events: write"),
        (
            403,
            "x-ratelimit-remaining: 0\r\n",
            ErrorKind::Transient,
            "rate limit",
        ),
        (404, "", ErrorKind::Missing, "no such repository"),
        (413, "", ErrorKind::Invalid, "show fewer"),
        (429, "retry-after: 60\r\n", ErrorKind::Transient, "rate limit"),
        (503, "", ErrorKind::Transient, "try again later"),
        (302, "", ErrorKind::Invalid, "not one that GitHub documents"),
    ] {
        let error = refused(
            status,
            headers,
            r#"{"message":"Code scanning is not enabled for this repository."}"#,
        );
        let text = error.to_string();
        assert_eq!(error.kind, kind, "{text}");
        assert!(
            text.contains(fix) && text.contains("is not enabled") && text.contains(&status.to_string()),
            "{text}"
        );
        assert!(!text.contains("swordfish"), "{text}");
    }
}

#[test]
fn an_answer_without_an_id_is_no_success() {
    for body in ["", "{}", "<html>"] {
        assert_eq!(refused(202, "", body).kind, ErrorKind::Ambiguous);
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = github(&format!("http://{closed}"))
        .upload_sarif(&upload())
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
}

#[test]
fn what_is_too_large_for_github_is_not_sent() {
    let mut upload = upload();
    // Random enough not to shrink below the bound.
    let mut state = 1_u64;
    upload.sarif = (0..30_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + u8::try_from(state >> 58).unwrap())
        })
        .collect();
    let error = github("http://127.0.0.1:9").upload_sarif(&upload).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("GitHub takes 10485760"), "{error}");
}

#[test]
fn the_token_goes_nowhere_in_the_clear_and_the_repository_has_to_be_one() {
    let open = |api: &str, repository: &str| {
        let client = Client::new(&Settings::default()).unwrap();
        GitHub::new(client, api, repository, Secret::new("ghs_swordfish".to_owned())).map(|_| ())
    };
    assert!(open("https://api.github.com", "acme/hello").is_ok());
    assert!(open("http://localhost:1", "acme/hello").is_ok());
    for (api, repository) in [
        ("http://api.github.com", "acme/hello"),
        ("http://127.0.0.1.evil.test", "acme/hello"),
        ("https://api.github.com", "acme"),
        ("https://api.github.com", "acme/hello/.."),
        ("https://api.github.com", "../x"),
    ] {
        let error = open(api, repository).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{api} {repository}");
        assert!(!error.to_string().contains("swordfish"));
    }
}
