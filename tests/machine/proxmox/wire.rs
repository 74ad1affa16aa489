//! The client over HTTP, and the manners of the fake's server.

use crate::proxmox::{data, every};

use greenroom::adapters::proxmox::{
    Api, ApiMethod, ApiRequest, FaultClass, GuestRef, HttpTransport, NoAnswerKind, ProxmoxSettings,
    Transport, Upload, calls,
};
use greenroom::domain::model::Secret;
use greenroom::host::http::HttpSettings;
use greenroom::testing::FakeClock;
use greenroom::testing::proxmox::{FakeCluster, FaultTiming, Server, USER, What};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "3f1c2b1a-0000-4000-8000-000000000000";

pub(crate) fn serve(cluster: &Arc<FakeCluster>) -> Server {
    let tokens = BTreeMap::from([(USER.to_owned(), Secret::new(SECRET.to_owned()))]);
    Server::start(cluster.clone(), tokens, Duration::from_secs(3)).unwrap()
}

pub(crate) fn transport(hosts: &[&str]) -> HttpTransport {
    transport_with(hosts, HttpSettings::default())
}

pub(crate) fn transport_with(hosts: &[&str], http: HttpSettings) -> HttpTransport {
    HttpTransport::new(&ProxmoxSettings {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        token: Secret::new(format!("{USER}={SECRET}")),
        http,
    })
    .unwrap()
}

fn cluster() -> Arc<FakeCluster> {
    let cluster = Arc::new(FakeCluster::new(Arc::new(FakeClock::default())));
    cluster.add_guest(GuestRef::vm("pve1", 101), "web");
    cluster
}

/// What a server says to these bytes, until it closes the connection or is done with `answers` of them.
fn raw(server: &Server, request: &[u8]) -> String {
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap();
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let length = text
            .to_lowercase()
            .split_once("content-length: ")
            .and_then(|(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<usize>().ok()
            });
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        let is_whole = length.is_some() && body >= length && text.contains("Keep-Alive");
        if count == 0 || is_whole {
            return text;
        }
    }
}

#[test]
fn what_is_sent_arrives_as_it_was_meant() {
    let cluster = cluster();
    let server = serve(&cluster);
    let transport = transport(&[&server.url()]);
    for request in every::requests() {
        transport.send(&request).unwrap();
        let logged = cluster.log().pop().unwrap();
        assert_eq!(logged.method, request.method.as_str());
        assert_eq!((&logged.path, &logged.params), (&request.path, &request.params));
        assert_eq!(logged.user, USER);
        assert!(!matches!(logged.status, Some(401 | 501 | 506)), "{logged:?}");
    }
}

#[test]
fn connections_are_kept_for_what_succeeds() {
    let cluster = cluster();
    let server = serve(&cluster);
    let transport = transport(&[&server.url()]);
    for _ in 0..20 {
        assert_eq!(transport.send(&calls::cluster::version()).unwrap().status, 200);
    }
    assert_eq!(server.connections(), 1);
    let gone = transport.send(&calls::guest::config(&every::vm())).unwrap();
    assert_eq!(gone.status, 500);
    assert_eq!(
        gone.reason,
        "Configuration file 'nodes/pve1/qemu-server/2000.conf' does not exist"
    );
    assert_eq!(transport.send(&calls::cluster::version()).unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_text_that_stands_only_beside_the_status_is_heard() {
    let cluster = cluster();
    cluster.set_version("8.3.2");
    cluster.edit(101, |guest| guest.lock = Some("backup".to_owned()));
    let server = serve(&cluster);
    let api = Api::new(Arc::new(transport(&[&server.url()])));
    let start = calls::guest::start(&GuestRef::vm("pve1", 101));
    let fault = api.change("starting", &start).unwrap_err();
    assert_eq!(fault.class, FaultClass::ConfigLock("backup".to_owned()));
    assert!(fault.text.ends_with(": VM is locked (backup)"), "{fault}");
}

#[test]
fn the_next_host_is_asked_only_where_nothing_was_sent() {
    let cluster = cluster();
    let (one, two) = (serve(&cluster), serve(&cluster));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let transport = transport(&[&nobody, &one.url(), &two.url()]);
    assert_eq!(transport.send(&calls::cluster::version()).unwrap().status, 200);
    assert!(one.url().ends_with(&transport.peer()), "{}", transport.peer());

    // Cut off after the request: it may have been done, nobody else is asked.
    cluster.fault(FaultTiming::next("POST", "/start"), What::DoneButCut);
    let start = calls::guest::start(&GuestRef::vm("pve1", 101));
    let none = transport.send(&start).unwrap_err();
    assert_eq!(none.kind, NoAnswerKind::Unanswered, "{none}");
    assert!(!none.to_string().contains(SECRET));
    assert_eq!(two.connections(), 0);
    let starts = cluster
        .log()
        .iter()
        .filter(|logged| logged.path.ends_with("/start"))
        .count();
    assert_eq!(starts, 1);

    drop(one);
    assert_eq!(transport.send(&calls::cluster::version()).unwrap().status, 200);
    assert!(two.url().ends_with(&transport.peer()));
    drop(two);
    let none = transport.send(&calls::cluster::version()).unwrap_err();
    assert_eq!(none.kind, NoAnswerKind::Unreachable, "{none}");
    assert!(none.to_string().contains("; "), "names every host: {none}");
}

#[test]
fn a_wrong_token_is_refused_after_a_while_and_shown_nowhere() {
    let clock = Arc::new(FakeClock::default());
    let cluster = Arc::new(FakeCluster::new(clock.clone()));
    let server = serve(&cluster);
    let wrong = HttpTransport::new(&ProxmoxSettings {
        hosts: vec![server.url()],
        token: Secret::new(format!("{USER}=hunter2-hunter2")),
        http: HttpSettings::default(),
    })
    .unwrap();
    assert!(!format!("{wrong:?}").contains("hunter2"));
    let api = Api::new(Arc::new(wrong));
    let fault = api
        .change("starting", &calls::guest::start(&every::vm()))
        .unwrap_err();
    assert_eq!(fault.class, FaultClass::Unauthenticated);
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
    assert_eq!(
        greenroom::ports::Clock::monotonic(&*clock),
        Duration::from_secs(3)
    );
    assert_eq!(cluster.log(), [], "nothing came through");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (host, token, said) in [
        ("", "a@b!c=d", "is not a host"),
        ("http://pve.example", "a@b!c=d", "is not a host"),
        ("pve.example", "a@b=d", "USER@REALM!TOKENID=SECRET"),
        ("pve.example", "a@b!c=d\r\nx: y", "USER@REALM!TOKENID=SECRET"),
    ] {
        let error = HttpTransport::new(&ProxmoxSettings {
            hosts: vec![host.to_owned()],
            token: Secret::new(token.to_owned()),
            http: HttpSettings::default(),
        })
        .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_not_sent() {
    let cluster = cluster();
    let server = serve(&cluster);
    let transport = transport(&[&server.url()]);
    for node in ["..", "pve1/../..", "", "."] {
        let none = transport
            .send(&calls::guest::config(&GuestRef::vm(node, 101)))
            .unwrap_err();
        assert_eq!(none.kind, NoAnswerKind::Invalid, "{node}");
    }
    assert_eq!(cluster.log(), []);
}

fn upload(content: &'static [u8], length: u64) -> Upload {
    Upload {
        filename: "app-1.tar".to_owned(),
        length,
        open: Arc::new(move || Ok(Box::new(content))),
    }
}

#[test]
fn a_file_goes_out_behind_its_fields_with_its_length() {
    let cluster = cluster();
    let server = serve(&cluster);
    let api = Api::new(Arc::new(transport(&[&server.url()])));
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let request = calls::storage::upload_template("pve1", "local", upload(b"abc", 3), sha256);
    let task = api.begin("uploading", &request).unwrap();
    assert_eq!(task.kind, "imgcopy");
    let stored = cluster.storage("local").unwrap();
    assert_eq!(stored.volumes["local:vztmpl/app-1.tar"].bytes, b"abc");
    let logged = cluster.log().pop().unwrap();
    let names: Vec<&str> = logged.params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content", "checksum-algorithm", "checksum"]);

    let wrong = calls::storage::upload_template("pve1", "local", upload(b"abd", 3), sha256);
    assert!(
        api.begin("uploading", &wrong).is_err(),
        "the checksum is another one"
    );
    let short = calls::storage::upload_template("pve1", "local", upload(b"ab", 3), sha256);
    let fault = api.begin("uploading", &short).unwrap_err();
    assert_eq!(fault.class, FaultClass::Unknown, "it was cut off: {fault}");
    let longer = calls::storage::upload_template("pve1", "local", upload(b"abcdef", 3), sha256);
    api.begin("uploading", &longer).unwrap();
}

/// Status line and body of the server's refusals, as the real one has them.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_server_has_the_manners_of_the_real_one() {
    let cluster = cluster();
    let server = serve(&cluster);
    let token = format!("Authorization: PVEAPIToken={USER}={SECRET}\r\n");
    let start = "/api2/json/nodes/pve1/qemu/101/status/start";
    for (request, line, body) in [
        (
            format!(
                "DELETE /api2/json/nodes/pve1/qemu/101 HTTP/1.1\r\n{token}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\npurge=1"
            ),
            "HTTP/1.1 501 Unexpected content for method 'DELETE'",
            "Unexpected content for method 'DELETE'",
        ),
        (
            format!("POST {start} HTTP/1.1\r\n{token}Transfer-Encoding: chunked\r\n\r\n"),
            "HTTP/1.1 501 chunked transfer encoding not supported",
            "chunked transfer encoding not supported",
        ),
        (
            format!("POST {start} HTTP/1.1\r\n{token}Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"),
            "HTTP/1.1 506 upload 'Content-Type 'text/plain' not implemented",
            "upload 'Content-Type 'text/plain' not implemented",
        ),
        (
            format!("PATCH {start} HTTP/1.1\r\n{token}\r\n"),
            "HTTP/1.1 501 method 'PATCH' not available",
            "",
        ),
        (
            format!(
                "PUT {start} HTTP/1.1\r\n{token}Content-Type: application/json\r\nContent-Length: 600000\r\n\r\n"
            ),
            "HTTP/1.1 501 for data too large",
            "for data too large",
        ),
        (
            format!("POST {start} HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 401 No ticket",
            "",
        ),
        (
            format!("GET /api2/json/nosuch/path HTTP/1.1\r\n{token}\r\n"),
            "HTTP/1.1 501 Method 'GET /nosuch/path' not implemented",
            "",
        ),
    ] {
        let answer = raw(&server, request.as_bytes());
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().next().unwrap(), line);
        assert!(head.contains("Connection: close"), "{head}");
        if !body.is_empty() {
            assert_eq!(content, body);
        }
    }
    let good = raw(
        &server,
        format!("POST {start} HTTP/1.1\r\n{token}\r\n").as_bytes(),
    );
    assert!(
        good.starts_with("HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n"),
        "{good}"
    );
    assert!(
        good.contains("Content-Type: application/json;charset=UTF-8"),
        "{good}"
    );
}

/// Transcripts that cannot be replayed, by a part of their command, and why.
const BEYOND: &[(&str, &str)] = &[
    ("@", "the file's content is not in the transcript"),
    ("/qemu/403/", "the rights there are not in the transcript"),
    ("/qemu/778/", "its file was locked by another process"),
    ("/qemu/779/", "two lines that no call says"),
    ("{\"newid\":101,\n", "the words of Perl's JSON parser"),
    (
        "destroy-unreferenced-disks",
        "the fake refuses what greenroom must not send",
    ),
    ("tags=b;a,c", "the same"),
];

/// Replays the transcripts of the real server to the fake.
#[test]
fn the_server_answers_as_in_the_transcripts() {
    let Some(golden) = data::read("http-golden.txt") else {
        return;
    };
    let cluster = cluster();
    cluster.add_template(GuestRef::vm("pve1", 9000), "template");
    cluster.add_guest(GuestRef::vm("pve1", 777), "locked");
    cluster.edit(777, |guest| guest.lock = Some("clone".to_owned()));
    let server = serve(&cluster);
    let mut replayed = 0;
    for transcript in golden.split("### curl ").skip(1) {
        let (command, answer) = transcript.split_once("HTTP/1.1 ").unwrap();
        if BEYOND.iter().any(|(part, _)| command.contains(part)) {
            continue;
        }
        cluster.remove(101);
        if command.contains("/qemu/101") {
            cluster.add_guest(GuestRef::vm("pve1", 101), "web");
            cluster.edit(101, |guest| guest.running = command.contains("/agent/"));
        } else if command.contains("/lxc/101") {
            cluster.add_guest(GuestRef::container("pve1", 101), "web");
        }
        let expected = answer.lines().next().unwrap();
        let said = raw(&server, &bytes_of(command.trim_end()));
        let said = said.strip_prefix("HTTP/1.1 ").unwrap();
        assert_eq!(said.lines().next().unwrap(), expected, "{command}");
        if expected.starts_with("400") {
            assert_eq!(errors_in(said), errors_in(answer), "{command}");
        }
        replayed += 1;
    }
    assert!(replayed >= 25, "{replayed}");
}

/// The errors in the JSON of an answer; the time that it took stands behind it.
fn errors_in(answer: &str) -> serde_json::Value {
    let body = answer.lines().find(|line| line.starts_with('{')).unwrap();
    let end = body.rfind('}').unwrap();
    let body: serde_json::Value = serde_json::from_str(&body[..=end]).unwrap();
    body["errors"].clone()
}

/// The bytes that curl sends for a command line of the transcripts.
fn bytes_of(command: &str) -> Vec<u8> {
    let (mut method, mut rest) = ("GET".to_owned(), command);
    if let Some(after) = rest.strip_prefix("-X ") {
        let (word, after) = after.split_once(' ').unwrap();
        (method, rest) = (word.to_owned(), after);
    }
    let (path, options) = rest.split_once(' ').unwrap_or((rest, ""));
    let (mut headers, mut fields) = (String::new(), Vec::new());
    let mut kind = "application/x-www-form-urlencoded".to_owned();
    let marked = ["-d ", "-H ", "--data-urlencode ", "--data-binary "]
        .iter()
        .fold(format!(" {options}"), |text, flag| {
            text.replace(&format!(" {flag}"), &format!("\0{flag}"))
        });
    for option in marked.split('\0').skip(1) {
        let (flag, value) = option.split_once(' ').unwrap();
        match flag {
            "--data-urlencode" => {
                let (name, value) = value.split_once('=').unwrap();
                let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
                fields.push(format!("{name}={encoded}"));
            }
            "-H" => match value.to_lowercase().strip_prefix("content-type: ") {
                Some(given) => given.clone_into(&mut kind),
                None => headers.push_str(&format!("{value}\r\n")),
            },
            _ => fields.push(value.to_owned()),
        }
    }
    let has_body = !fields.is_empty();
    let body = fields.join("&");
    let mut head = format!(
        "{method} /api2/json{path} HTTP/1.1\r\nAuthorization: PVEAPIToken={USER}={SECRET}\r\n{headers}"
    );
    if has_body {
        head.push_str(&format!("Content-Type: {kind}\r\n"));
        if !headers.contains("chunked") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
    }
    format!("{head}\r\n{body}").into_bytes()
}

#[test]
fn a_request_says_what_it_is_without_its_values() {
    let request = ApiRequest {
        method: ApiMethod::Post,
        path: "/pools".to_owned(),
        params: vec![("comment".to_owned(), "private".to_owned())],
        upload: None,
    };
    assert_eq!(request.to_string(), "POST /pools");
}
