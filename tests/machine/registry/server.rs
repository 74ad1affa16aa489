//! A registry whose answers are written by the test. What the test leaves open a well-behaved registry
//! in memory answers, so that a case says only what is odd.

use super::store::Store;
use greenroom::adapters::registry::oci::credentials::Credentials;
use greenroom::adapters::registry::oci::{OciRegistry, OciSettings};
use greenroom::domain::model::{Digest, PortError};
use greenroom::ports::{Blob, Clock, Registry, in_memory};
use greenroom::testing::FakeClock;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request, as the script sees it.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    body: OnceCell<Vec<u8>>,
    connection: RefCell<BufReader<TcpStream>>,
}

impl Request {
    /// Whether it has this method and its target holds this text.
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }

    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A parameter of the query, as it is written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The body, read when it is first asked for.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.get_or_init(|| {
            let length = self.header("content-length").parse().unwrap_or(0);
            let mut connection = self.connection.borrow_mut();
            if self.header("expect") == "100-continue" {
                connection
                    .get_mut()
                    .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                    .unwrap();
            }
            let mut body = Vec::new();
            // A client may go away in the middle.
            let _ = (&mut *connection).take(length).read_to_end(&mut body);
            body
        })
    }
}

/// What was asked, for the test to look at afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes of the body after which the connection is cut.
    cut: Option<usize>,
    /// The request's body is not read, and the connection is closed.
    deaf: bool,
    /// Nothing is sent at all.
    silent: bool,
    /// Where the answer ends too early the connection stays open, until the client has had enough.
    stalls: bool,
}

/// An answer with this status and no body.
pub(crate) fn answer(status: u16) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        cut: None,
        deaf: false,
        silent: false,
        stalls: false,
    }
}

/// A registry's refusal.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
    answer(status)
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// The connection is closed instead of an answer.
pub(crate) fn hang_up() -> Answer {
    Answer {
        silent: true,
        ..answer(0)
    }
}

impl Answer {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Without this header, where the well-behaved registry has one.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// A header's value, where it has one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body ends after so many bytes, and with it the connection.
    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Answers before the request's body has come, and closes the connection.
    pub(crate) fn deaf(mut self) -> Self {
        self.deaf = true;
        self
    }

    /// Stops where it would be cut, and leaves the connection open.
    pub(crate) fn stalls(mut self) -> Self {
        self.stalls = true;
        self
    }

    fn write(&self, stream: &mut TcpStream, head: bool) -> std::io::Result<()> {
        let mut text = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = ["content-length", "transfer-encoding"];
        if !self
            .headers
            .iter()
            .any(|(name, _)| framed.contains(&name.to_ascii_lowercase().as_str()))
        {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        if !head {
            bytes.extend_from_slice(&self.body[..self.cut.unwrap_or(self.body.len())]);
        }
        stream.write_all(&bytes)
    }
}

type Script = dyn Fn(&Request, &Store) -> Option<Answer> + Send + Sync;

/// A scripted registry on a free port of this machine.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: Arc<Store>,
    seen: Arc<Mutex<Vec<Seen>>>,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// One without any oddity.
    pub(crate) fn plain() -> Self {
        Self::with(|_, _| None)
    }

    /// One with an oddity: where the script has no answer the well-behaved registry answers.
    pub(crate) fn with(script: impl Fn(&Request, &Store) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            clock: Arc::new(FakeClock::default()),
            store: Arc::default(),
            seen: Arc::default(),
            ended: Arc::default(),
        };
        let script: Arc<Script> = Arc::new(script);
        let (store, seen, ended) = (server.store.clone(), server.seen.clone(), server.ended.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (script, store, seen) = (script.clone(), store.clone(), seen.clone());
                thread::spawn(move || {
                    let stream = BufReader::new(stream.unwrap());
                    serve(stream, &*script, &store, &seen);
                });
            }
        });
        server
    }

    /// A repository's name with this registry's host.
    pub(crate) fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A URL of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client that nobody knows, whose waits take no time.
    pub(crate) fn client(&self) -> OciRegistry {
        self.client_with(&[])
    }

    /// A client with these variables in its environment.
    pub(crate) fn client_with(&self, variables: &[(&str, &str)]) -> OciRegistry {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = OciSettings {
            credentials: Credentials::new(&variables.collect(), Some(&self.address.to_string())),
            ..OciSettings::default()
        };
        OciRegistry::new(settings, self.clock.clone()).unwrap()
    }

    /// A client that logs in as `ci` with `s3cret`.
    pub(crate) fn client_of_ci(&self) -> OciRegistry {
        self.client_with(&[
            ("GREENROOM_REGISTRY_USERNAME", "ci"),
            ("GREENROOM_REGISTRY_PASSWORD", "s3cret"),
        ])
    }

    /// Everything that was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests so far as `METHOD target`, without the digests' and sessions' details.
    pub(crate) fn asked(&self) -> Vec<String> {
        let seen = self.seen();
        seen.iter()
            .map(|seen| {
                let target = seen.target.split('?').next().unwrap_or_default();
                let short = target.split("sha256:").next().unwrap_or_default();
                let short = short.split("/uploads/").next().unwrap_or_default();
                format!("{} {}", seen.method, short.strip_prefix("/v2/").unwrap_or(short))
            })
            .collect()
    }

    /// How many requests had this method and held this text in their target.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let seen = self.seen();
        seen.iter()
            .filter(|seen| seen.method == method && seen.target.contains(part))
            .count()
    }

    /// How long the client has waited by its clock.
    pub(crate) fn waited(&self) -> std::time::Duration {
        self.clock.monotonic()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut connection: BufReader<TcpStream>, script: &Script, store: &Store, seen: &Mutex<Vec<Seen>>) {
    while let Some((method, target, headers)) = head(&mut connection) {
        // As a proxy it is every server that the client asks for.
        if method == "CONNECT" {
            connection
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                .unwrap();
            continue;
        }
        let request = Request {
            method,
            target,
            headers,
            body: OnceCell::new(),
            connection: RefCell::new(connection),
        };
        let answer = script(&request, store).unwrap_or_else(|| store.answer(&request));
        if !answer.deaf {
            request.body();
        }
        let Request {
            method,
            target,
            headers,
            body,
            connection: kept,
        } = request;
        let is_head = method == "HEAD";
        seen.lock().unwrap().push(Seen {
            method,
            target,
            headers,
            body: body.into_inner().unwrap_or_default(),
        });
        connection = kept.into_inner();
        let written = if answer.silent {
            Ok(())
        } else {
            answer.write(connection.get_mut(), is_head)
        };
        if answer.stalls {
            // Until the client closes it.
            let _ = connection.read(&mut [0; 1]);
        }
        if written.is_err() || answer.silent || answer.deaf || answer.cut.is_some() {
            return;
        }
    }
}

/// Method, target and headers of the next request; `None` when the client is gone.
fn head(connection: &mut BufReader<TcpStream>) -> Option<(String, String, BTreeMap<String, String>)> {
    let mut line = String::new();
    connection.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.split_once(':') else {
            return Some((method, target, headers));
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// Pushes bytes as a blob.
pub(crate) fn push(registry: &dyn Registry, repository: &str, content: &[u8]) -> Result<Digest, PortError> {
    push_from(registry, repository, content, None)
}

/// Pushes bytes as a blob that another repository is said to hold.
pub(crate) fn push_from(
    registry: &dyn Registry,
    repository: &str,
    content: &[u8],
    from: Option<&str>,
) -> Result<Digest, PortError> {
    let digest = Digest::of(content);
    let blob = Blob {
        digest: &digest,
        size: content.len() as u64,
        from,
        open: &in_memory(content),
    };
    registry.push_blob(repository, &blob).map(|()| digest)
}

/// Reads a blob to its end.
pub(crate) fn pull(registry: &dyn Registry, repository: &str, digest: &Digest) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    registry
        .blob(repository, digest)
        .map_err(|error| error.to_string())?
        .read_to_end(&mut content)
        .map_err(|error| error.to_string())?;
    Ok(content)
}

/// The bytes of a manifest whose only blob is `{}`.
pub(crate) fn manifest(note: &str) -> Vec<u8> {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest::of(b"{}"), "size": 2},
        "layers": [],
        "annotations": {"note": note},
    })
    .to_string()
    .into_bytes()
}
