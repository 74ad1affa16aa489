//! What a probe sends, and what it makes of every answer and of none.

use crate::support::address::free_address;
use crate::support::server::{Server, Then};
use greenroom::adapters::probe::{Commands, ServiceProbe};
use greenroom::domain::analysis::CheckFinding;
use greenroom::domain::analysis::expect::judge;
use greenroom::domain::model::{
    Check, CheckKind, ErrorKind, HttpExpectation, HttpProbe, Observation, Period, PortError, ProbeSpec,
    Sample, Verdict,
};
use greenroom::host::clock::SystemClock;
use greenroom::host::http::{Client, HttpSettings};
use greenroom::ports::{Clock, Command, Finished, Probe, Runner};
use greenroom::testing;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

struct NoCommands;

impl Runner for NoCommands {
    fn run(&self, _: &Command) -> Result<Finished, PortError> {
        Err(PortError::new(
            ErrorKind::Unsupported,
            "running",
            "no commands here",
        ))
    }
}

fn probe_with(settings: &HttpSettings) -> ServiceProbe {
    let commands = Commands {
        runner: Arc::new(NoCommands),
        render: Arc::new(|text, _| Ok(text.to_owned())),
        directory: None,
        variables: BTreeMap::new(),
        secrets: BTreeMap::new(),
    };
    let client = Client::new(settings).unwrap();
    ServiceProbe::new(client, Arc::new(SystemClock::new()), commands)
}

fn probe() -> ServiceProbe {
    probe_with(&HttpSettings::default())
}

fn check(probe: ProbeSpec, timeout_millis: u64) -> Check {
    Check {
        name: "health".to_owned(),
        kind: CheckKind::Health,
        probe,
        timeout: Period::from_millis(timeout_millis),
    }
}

fn request(method: &str, expect: HttpExpectation) -> HttpProbe {
    HttpProbe {
        method: method.to_owned(),
        path: "/health?detailed=true".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        expect,
    }
}

fn get() -> Check {
    expecting(HttpExpectation::default())
}

fn expecting(expect: HttpExpectation) -> Check {
    check(ProbeSpec::Http(request("GET", expect)), 10_000)
}

fn impatient(timeout_millis: u64) -> Check {
    Check {
        timeout: Period::from_millis(timeout_millis),
        ..get()
    }
}

fn take(probe: &ServiceProbe, check: &Check, url: &str) -> Sample {
    probe.sample(check, &url.parse().unwrap()).unwrap()
}

fn find(check: &Check, url: &str) -> CheckFinding {
    judge(check, &take(&probe(), check, url))
}

/// Why there was no answer, with the server's address replaced by `HOST`.
fn unanswered(check: &Check, authority: &str) -> String {
    match take(&probe(), check, &format!("http://{authority}")).seen {
        Observation::Unanswered(reason) => reason.replace(authority, "HOST"),
        other => panic!("{other:?}"),
    }
}

/// An address where nothing listens.
fn dead() -> String {
    free_address().to_string()
}

#[test]
fn the_probe_keeps_the_contract_of_its_port() {
    let server = Server::answering(OK);
    let up = server.url().parse().unwrap();
    let down = format!("http://{}", dead()).parse().unwrap();
    testing::probe::contract(&probe(), &up, &down).unwrap();
}

#[test]
fn the_request_is_the_one_that_was_asked_for() {
    let server = Server::answering(OK);
    let post = HttpProbe {
        headers: BTreeMap::from([("X-Api-Version".to_owned(), "2".to_owned())]),
        body: Some("{\"ping\":1}".to_owned()),
        ..request("POST", HttpExpectation::default())
    };
    let post = check(ProbeSpec::Http(post), 10_000);
    assert!(find(&post, &format!("{}/app/", server.url())).passed());
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(
        head.starts_with("post /app/health?detailed=true http/1.1\r\n"),
        "{head}"
    );
    for line in [
        "x-api-version: 2",
        "content-length: 10",
        concat!("user-agent: greenroom/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.lines().any(|sent| sent == line), "{line} not in {head}");
    }
    assert_eq!(body, "{\"ping\":1}");
}

#[test]
fn the_health_document_is_read_over_the_wire() {
    let server = Server::answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
          1a\r\n{\"status\":\"ok\",\"database\":\r\n1a\r\n{\"status\":\"disconnected\"}}\r\n0\r\n\r\n",
    );
    let expect = HttpExpectation {
        headers: BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned())]),
        json: BTreeMap::from([
            ("status".to_owned(), "ok".into()),
            ("database.status".to_owned(), "connected".into()),
        ]),
        ..HttpExpectation::default()
    };
    assert_eq!(
        find(&expecting(expect), &server.url()),
        CheckFinding::fail("answered 200, but database.status is \"disconnected\", expected \"connected\"")
    );
}

#[test]
fn twenty_samples_share_one_connection() {
    let server = Server::answering(OK);
    let probe = probe();
    for _ in 0..20 {
        assert!(judge(&get(), &take(&probe, &get(), &server.url())).passed());
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 20));
}

#[test]
fn a_kept_connection_that_the_server_gave_up_is_no_finding() {
    // Every second request of a connection is cut without an answer.
    let server = Server::start({
        let served = std::sync::Mutex::new(BTreeMap::<u16, usize>::new());
        move |_, stream| {
            let peer = stream.peer_addr().unwrap().port();
            let mut served = served.lock().unwrap();
            let count = served.entry(peer).or_default();
            *count += 1;
            if *count == 2 {
                return Then::Close;
            }
            stream.write_all(OK).unwrap();
            Then::Keep
        }
    });
    let probe = probe();
    for _ in 0..3 {
        let sample = take(&probe, &get(), &server.url());
        assert!(judge(&get(), &sample).passed(), "{:?}", sample.seen);
    }
    // What is not idempotent is sent once: its failure is what was seen.
    let post = check(
        ProbeSpec::Http(request("POST", HttpExpectation::default())),
        10_000,
    );
    let sample = take(&probe, &post, &server.url());
    assert!(
        matches!(sample.seen, Observation::Unanswered(_)),
        "{:?}",
        sample.seen
    );
}

#[test]
fn a_service_that_closes_without_an_answer_is_seen_doing_so_once() {
    let server = Server::start(|_, _| Then::Close);
    assert_eq!(
        unanswered(&get(), &server.authority),
        "connection closed by HOST before it answered"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn no_body_is_an_answer() {
    let server = Server::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert!(find(&get(), &server.url()).reason.starts_with("answered 204 in "));
}

#[test]
fn a_redirect_is_an_observation_and_not_followed() {
    let server = Server::answering(
        b"HTTP/1.1 301 Moved Permanently\r\nlocation: https://a.test/b\r\ncontent-length: 0\r\n\r\n",
    );
    let finding = find(&get(), &server.url());
    assert!(
        finding
            .reason
            .starts_with("answered 301 to \"https://a.test/b\", expected 2xx"),
        "{}",
        finding.reason
    );
    assert_eq!(server.requests().len(), 1);
    let expect = HttpExpectation {
        status: vec![301],
        ..HttpExpectation::default()
    };
    assert!(find(&expecting(expect), &server.url()).passed());
}

#[test]
fn text_where_json_was_expected_is_cited() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<h1>hello");
    let expect = HttpExpectation {
        json: BTreeMap::from([("status".to_owned(), "ok".into())]),
        ..HttpExpectation::default()
    };
    let finding = find(&expecting(expect), &server.url());
    assert!(finding.reason.ends_with(": \"<h1>hello\""), "{}", finding.reason);
}

#[test]
fn repeated_headers_are_joined() {
    let server = Server::answering(
        b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nCache-Control: private\r\ncontent-length: 0\r\n\r\n",
    );
    let expect = HttpExpectation {
        headers: BTreeMap::from([("cache-control".to_owned(), "no-store, private".to_owned())]),
        ..HttpExpectation::default()
    };
    assert!(find(&expecting(expect), &server.url()).passed());
}

#[test]
fn an_answer_that_takes_too_long_fails_its_latency() {
    let server = Server::start(|_, stream| {
        SystemClock::new().sleep(Duration::from_millis(120)).unwrap();
        stream.write_all(OK).unwrap();
        Then::Keep
    });
    let expect = HttpExpectation {
        latency: Some(Period::from_millis(100)),
        ..HttpExpectation::default()
    };
    let finding = find(&expecting(expect), &server.url());
    assert_eq!(finding.verdict, Verdict::Fail);
    assert!(
        finding.reason.starts_with("answered 200, but took "),
        "{}",
        finding.reason
    );
    assert!(finding.reason.ends_with("expected at most 100ms"));
}

#[test]
fn an_answer_that_is_cut_short_is_no_answer() {
    let server = Server::start(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
            .unwrap();
        Then::Close
    });
    assert_eq!(
        unanswered(&get(), &server.authority),
        "HOST answered 200, but the connection was cut before the body's end (3 bytes came)"
    );
    let server = Server::start(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab")
            .unwrap();
        Then::Close
    });
    assert_eq!(
        unanswered(&get(), &server.authority),
        "HOST answered 200, but the connection was cut before the body's end (2 bytes came)"
    );
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n");
    assert_eq!(
        unanswered(&get(), &server.authority),
        "HOST answered 200, but the body is not proper HTTP (0 bytes came): chunk expected crlf as next \
         character"
    );
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncont").unwrap();
        Then::Close
    });
    assert_eq!(
        unanswered(&get(), &server.authority),
        "connection closed by HOST before it answered"
    );
}

#[test]
fn a_body_may_end_with_the_connection() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nbye").unwrap();
        Then::Close
    });
    match take(&probe(), &get(), &server.url()).seen {
        Observation::Answer { body, .. } => assert_eq!(body, b"bye"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_body_longer_than_announced_is_cut_and_its_connection_not_used_again() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello");
    let probe = probe();
    for _ in 0..2 {
        match take(&probe, &get(), &server.url()).seen {
            Observation::Answer { body, .. } => assert_eq!(body, b"he"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn only_the_first_64_kib_of_a_body_are_kept() {
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 300_000).unwrap();
        stream.write_all(&[b'x'; 300_000]).unwrap();
        Then::Keep
    });
    let probe = probe();
    for _ in 0..2 {
        match take(&probe, &get(), &server.url()).seen {
            Observation::Answer { body, .. } => assert_eq!(body.len(), 64 * 1024),
            other => panic!("{other:?}"),
        }
    }
    // The rest was read too, so that the connection could serve again.
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_body_without_end_is_left_and_its_beginning_judged() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        Then::Close
    });
    assert!(find(&get(), &server.url()).passed());
}

#[test]
fn a_service_that_never_answers_costs_no_more_than_the_timeout() {
    let server = Server::start(|_, stream| {
        let _ = stream.read(&mut [0]);
        Then::Close
    });
    let began = Instant::now();
    assert_eq!(
        unanswered(&impatient(150), &server.authority),
        "no answer from HOST within 150ms"
    );
    let took = began.elapsed();
    assert!(
        (Duration::from_millis(150)..Duration::from_secs(2)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn an_answer_that_drips_does_not_outlast_the_timeout() {
    for beginning in [
        "HTTP/1.1 200 OK\r\nx: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n",
    ] {
        let server = Server::start(move |_, stream| {
            let clock = SystemClock::new();
            stream.write_all(beginning.as_bytes()).unwrap();
            while stream.write_all(b"x").is_ok() {
                clock.sleep(Duration::from_millis(20)).unwrap();
            }
            Then::Close
        });
        let began = Instant::now();
        let reason = unanswered(&impatient(200), &server.authority);
        assert!(reason.contains("within 200ms"), "{reason}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let authority = dead();
    assert_eq!(unanswered(&get(), &authority), "connection refused by HOST");
    let reason = unanswered(&get(), "no-such-host.invalid:8080");
    assert!(
        reason.starts_with("the name no-such-host.invalid could not be resolved"),
        "{reason}"
    );
}

#[test]
fn a_service_that_does_not_take_connections_costs_no_more_than_the_timeout() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(
        &listener,
        &"127.0.0.1:0".parse::<std::net::SocketAddrV4>().unwrap(),
    )
    .unwrap();
    listen(&listener, 0).unwrap();
    let address = std::net::SocketAddrV4::try_from(getsockname(&listener).unwrap()).unwrap();
    // Once the queue is full the kernel drops what else knocks.
    let knock = || std::net::TcpStream::connect_timeout(&address.into(), Duration::from_millis(100));
    let queued: Vec<_> = std::iter::from_fn(|| knock().ok()).take(64).collect();
    assert!(queued.len() < 64, "the queue never filled");
    for (check, told) in [
        (impatient(200), "no connection to HOST within 180ms"),
        (
            check(ProbeSpec::Tcp(None), 200),
            "no connection to HOST within 200ms",
        ),
    ] {
        let began = Instant::now();
        assert_eq!(unanswered(&check, &address.to_string()), told);
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn what_is_not_http_is_told() {
    let server = Server::answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    let reason = unanswered(&get(), &server.authority);
    assert!(
        reason.starts_with("HOST did not answer in proper HTTP: "),
        "{reason}"
    );
    let big = Server::start(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
        Then::Close
    });
    let reason = unanswered(&get(), &big.authority);
    assert_eq!(reason, "HOST answered with more than 32768 bytes of headers");
}

#[test]
fn https_to_a_service_without_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let sample = take(&probe(), &get(), &format!("https://{authority}"));
    server.join().unwrap();
    match sample.seen {
        Observation::Unanswered(reason) => {
            assert!(
                reason.starts_with(&format!("no TLS with {authority}: ")),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_makes_no_sense_cannot_be_measured() {
    let probe = probe();
    let endpoint = "http://127.0.0.1:1".parse().unwrap();
    let bad_method = check(ProbeSpec::Http(request("GE T", HttpExpectation::default())), 1000);
    let no_port = check(ProbeSpec::Tcp(Some("localhost".to_owned())), 1000);
    for check in [bad_method, no_port] {
        let error = probe.sample(&check, &endpoint).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert!(error.to_string().starts_with("check health: "), "{error}");
        assert!(!error.to_string().contains("detailed=true"), "{error}");
    }
}

#[test]
fn a_tcp_check_may_name_another_address() {
    let server = Server::answering(OK);
    let tcp = check(ProbeSpec::Tcp(Some(server.authority.clone())), 1000);
    let finding = find(&tcp, &format!("http://{}", dead()));
    assert!(finding.reason.starts_with("connected in "), "{}", finding.reason);
}

/// `openssl s_server` with a certificate for `localhost` that it signed itself.
struct TlsServer {
    authority: String,
    certificate: tempfile::NamedTempFile,
    process: std::process::Child,
    /// Kept open: writing to a closed one would end the server.
    _output: BufReader<std::process::ChildStdout>,
}

impl TlsServer {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key.pem");
        let certificate = tempfile::NamedTempFile::new().unwrap();
        let made = std::process::Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(certificate.path())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "openssl req");
        let mut process = std::process::Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(certificate.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // It says "ACCEPT 127.0.0.1:PORT" once it listens.
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let port = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:").map(str::to_owned))
            .unwrap();
        Self {
            authority: format!("localhost:{port}"),
            certificate,
            process,
            _output: output,
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_certificate_counts_only_when_its_issuer_is_trusted() {
    let server = TlsServer::start();
    let url = format!("https://{}", server.authority);
    match take(&probe(), &get(), &url).seen {
        Observation::Unanswered(reason) => assert_eq!(
            reason,
            format!(
                "no TLS with {}: invalid peer certificate: UnknownIssuer",
                server.authority
            )
        ),
        other => panic!("{other:?}"),
    }
    let trusting = probe_with(&HttpSettings {
        ca_file: Some(server.certificate.path().to_owned()),
        proxy: None,
        ..HttpSettings::default()
    });
    let sample = take(&trusting, &get(), &url);
    assert!(
        matches!(sample.seen, Observation::Answer { .. }),
        "{:?}",
        sample.seen
    );
}
