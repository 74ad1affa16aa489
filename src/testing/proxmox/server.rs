//! The fake cluster behind HTTP/1.1, with the manners of Proxmox's own server (libpve-http-server-perl):
//! it closes the connection with every refusal, takes forms and JSON and nothing in chunks, and no content
//! with DELETE.

use super::FakeCluster;
use super::form::{self, Body};
use crate::adapters::proxmox::{ApiMethod, ApiRequest, ApiResponse, NoAnswer};
use crate::domain::model::Secret;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Largest body of a form, in bytes (512 KiB since PVE 8.4).
const LARGEST_FORM: u64 = 512 * 1024;
/// Largest file that is taken in, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// Most headers, and the longest line.
const HEADERS: usize = 64;
const LINE: u64 = 8 * 1024;
/// A client that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a client still sends after a refusal is read for so long.
const LINGER: Duration = Duration::from_secs(1);

/// A server of a fake cluster on this machine, until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    cluster: Arc<FakeCluster>,
    tokens: BTreeMap<String, Secret>,
    /// How long a wrong token has to wait for its refusal.
    penance: Duration,
    stopped: AtomicBool,
    connections: AtomicUsize,
    /// The connections, to be cut when it ends.
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1. `tokens` are the secrets of the tokens it knows, by
    /// `USER@REALM!TOKENID`; a wrong one waits for `penance`, on the cluster's clock, which is three seconds
    /// on a real one.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(
        cluster: Arc<FakeCluster>,
        tokens: BTreeMap<String, Secret>,
        penance: Duration,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            cluster,
            tokens,
            penance,
            stopped: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let serving = shared.clone();
        let listening = thread::Builder::new()
            .name("proxmox".to_owned())
            .spawn(move || listen(&listener, &serving))?;
        Ok(Self {
            address,
            shared,
            listening: Some(listening),
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            // One that has panicked has ended, too.
            let _ = listening.join();
        }
        for stream in self.shared.open().drain(..) {
            // One that has ended cannot be cut any more.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            continue;
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        shared.open().extend(stream.try_clone());
        let shared = shared.clone();
        // A connection that breaks off is its client's business.
        let _ = thread::Builder::new().spawn(move || {
            let _ = serve(&stream, &shared);
            let _ = part(&stream);
        });
    }
}

/// Ends a connection so that the client gets to read what was written last.
fn part(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let mut rest = stream.take(LARGEST_FORM);
    io::copy(&mut rest, &mut io::sink())?;
    stream.shutdown(Shutdown::Both)
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut connection = BufReader::new(stream);
    while let Some(head) = Head::read(&mut connection)? {
        let Some(reply) = shared.reply(&head, &mut connection)? else {
            return Ok(());
        };
        connection.get_mut().write_all(&reply.bytes())?;
        if reply.status >= 400 || shared.stopped.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
    Ok(())
}

/// The head of a request.
struct Head {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
}

impl Head {
    /// Reads one; `None` where the client has gone.
    fn read(connection: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(connection)?;
        let mut words = first.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1")) = (words.next(), words.next(), words.next())
        else {
            return Ok(None);
        };
        let mut headers = BTreeMap::new();
        for _ in 0..HEADERS {
            let line = line(connection)?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok(Some(Self {
                    method: method.to_owned(),
                    target: target.to_owned(),
                    headers,
                }));
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Err(io::Error::other("too many http header lines"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    connection.take(LINE).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A reply, with what stands beside its status.
struct Reply {
    status: u16,
    reason: String,
    /// JSON, else plain and without a type.
    json: bool,
    body: Vec<u8>,
}

impl Reply {
    fn plain(status: u16, text: &str) -> Self {
        Self {
            status,
            reason: text.to_owned(),
            json: false,
            body: text.as_bytes().to_vec(),
        }
    }

    fn bare(status: u16, text: &str) -> Self {
        Self {
            body: Vec::new(),
            ..Self::plain(status, text)
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let connection = if self.status >= 400 { "close" } else { "Keep-Alive" };
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nConnection: {connection}\r\n",
            self.status, self.reason
        );
        if !self.body.is_empty() || self.status < 400 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        if self.json {
            head.push_str("Content-Type: application/json;charset=UTF-8\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl From<ApiResponse> for Reply {
    fn from(answer: ApiResponse) -> Self {
        Self {
            status: answer.status,
            reason: answer.reason,
            json: answer.json,
            body: answer.body,
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replies to a request; `None` where the connection is to be cut.
    fn reply(&self, head: &Head, connection: &mut impl Read) -> io::Result<Option<Reply>> {
        let method = match head.method.as_str() {
            "GET" => ApiMethod::Get,
            "POST" => ApiMethod::Post,
            "PUT" => ApiMethod::Put,
            "DELETE" => ApiMethod::Delete,
            other => return Ok(Some(Reply::bare(501, &format!("method '{other}' not available")))),
        };
        if !head.header("transfer-encoding").is_empty() {
            return Ok(Some(Reply::plain(501, "chunked transfer encoding not supported")));
        }
        let user = match self.user(head.header("authorization")) {
            Ok(user) => user,
            Err(reply) => return Ok(Some(reply)),
        };
        let Some(target) = head.target.strip_prefix("/api2/json") else {
            return Ok(Some(Reply::plain(501, "no such file")));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = match self.body(head, method, connection)? {
            Ok(body) => body,
            Err(reply) => return Ok(Some(reply)),
        };
        let (Some(path), Some(mut params)) = (form::decoded(path, false), form::form(query)) else {
            return Ok(Some(Reply::plain(400, "bad encoding")));
        };
        params.extend(body.params);
        let request = ApiRequest {
            method,
            path,
            params,
            upload: body.upload,
        };
        match self.cluster.answer(&user, &request) {
            Ok(answer) => Ok(Some(answer.into())),
            Err(NoAnswer { .. }) => Ok(None),
        }
    }

    /// Whose token it is.
    fn user(&self, authorization: &str) -> Result<String, Reply> {
        let Some(token) = authorization.strip_prefix("PVEAPIToken=") else {
            return Err(Reply::bare(401, "No ticket"));
        };
        let known = token.split_once('=').filter(|(user, secret)| {
            self.tokens
                .get(*user)
                .is_some_and(|known| known.expose() == *secret)
        });
        match known {
            Some((user, _)) => Ok(user.to_owned()),
            None => {
                // A signal ends the wait of whoever asks; here it only shortens it.
                let _ = self.cluster.clock.sleep(self.penance);
                Err(Reply::bare(401, "Authentication failed!"))
            }
        }
    }

    /// The content of a request, or why it is not taken.
    fn body(
        &self,
        head: &Head,
        method: ApiMethod,
        connection: &mut impl Read,
    ) -> io::Result<Result<Body, Reply>> {
        let length: u64 = head.header("content-length").parse().unwrap_or(0);
        if length == 0 {
            return Ok(Ok(Body::default()));
        }
        if matches!(method, ApiMethod::Get | ApiMethod::Delete) {
            let text = format!("Unexpected content for method '{method}'");
            return Ok(Err(Reply::plain(501, &text)));
        }
        let kind = head.header("content-type");
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let most = if essence == "multipart/form-data" {
            LARGEST_FILE
        } else {
            LARGEST_FORM
        };
        if length > most {
            return Ok(Err(Reply::plain(501, "for data too large")));
        }
        let mut bytes = Vec::new();
        connection.take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let body = match essence {
            "application/x-www-form-urlencoded" => form::form(&String::from_utf8_lossy(&bytes))
                .map(Body::of)
                .ok_or_else(|| Reply::plain(400, "bad encoding")),
            "application/json" => form::json(&bytes)
                .map(Body::of)
                .map_err(|error| Reply::plain(500, &format!("{error}, at character offset {length}"))),
            "multipart/form-data" => form::multipart(kind, &bytes).map_err(|text| Reply::plain(501, &text)),
            _ => Err(Reply::plain(
                506,
                &format!("upload 'Content-Type '{kind}' not implemented"),
            )),
        };
        Ok(body)
    }
}
