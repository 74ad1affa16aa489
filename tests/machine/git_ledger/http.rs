//! A git server over HTTP on 127.0.0.1: `git http-backend` behind just enough of a web server, which asks
//! for a password and can cut its answers off.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What happens to the next pushes.
#[derive(Default)]
pub(crate) struct Faults {
    /// So many are done, and nothing is answered.
    pub(crate) unanswered: AtomicU32,
    /// So many are thrown away, and nothing is answered.
    pub(crate) lost: AtomicU32,
    /// No fetch is answered.
    pub(crate) deaf: AtomicBool,
    /// How many pushes were seen.
    pub(crate) pushes: AtomicU32,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) faults: Arc<Faults>,
}

/// What the server wants to see: `Basic` and base64 of `x-access-token:t0ken`.
pub(crate) const CREDENTIALS: &str = "basic eC1hY2Nlc3MtdG9rZW46dDBrZW4=";

impl Server {
    /// Serves the bare repositories in `root`; ends with the test's process.
    pub(crate) fn start(root: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, faults) = (root.clone(), Arc::clone(&shared));
                std::thread::spawn(move || serve(&stream, &root, &faults));
            }
        });
        Self { port, faults }
    }
}

fn take(counter: &AtomicU32) -> bool {
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

/// One request per connection.
fn serve(stream: &TcpStream, root: &Path, faults: &Faults) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut writer = stream;
    let allowed = headers
        .get("authorization")
        .is_some_and(|value| value.eq_ignore_ascii_case(CREDENTIALS));
    if !allowed {
        let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\
                      Connection: close\r\n\r\n";
        return writer.write_all(answer.as_bytes()).ok();
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let push = method == "POST" && path.ends_with("/git-receive-pack");
    if target.contains("upload-pack") && faults.deaf.load(Ordering::SeqCst) {
        return None;
    }
    if push {
        faults.pushes.fetch_add(1, Ordering::SeqCst);
        if take(&faults.lost) {
            return None;
        }
    }
    let mut backend = Command::new("git")
        .args(["-c", "http.receivepack=true", "http-backend"])
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .envs([
            ("REQUEST_METHOD", method.as_str()),
            ("PATH_INFO", path),
            ("QUERY_STRING", query),
        ])
        .env(
            "CONTENT_TYPE",
            headers.get("content-type").map_or("", String::as_str),
        )
        .env(
            "HTTP_CONTENT_ENCODING",
            headers.get("content-encoding").map_or("", String::as_str),
        )
        .env(
            "GIT_PROTOCOL",
            headers.get("git-protocol").map_or("", String::as_str),
        )
        .env("REMOTE_USER", "ci")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    backend.stdin.take()?.write_all(&body).ok()?;
    let output = backend.wait_with_output().ok()?.stdout;
    if push && take(&faults.unanswered) {
        return None;
    }
    let end = output.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let heading = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = heading
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let rest = &output[end..];
    let heading = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{heading}",
        rest.len()
    );
    writer.write_all(heading.as_bytes()).ok()?;
    writer.write_all(rest).ok()
}
