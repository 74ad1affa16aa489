//! HTTP/1.1 on a free port, one thread for each connection.

use super::{Shared, act};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The largest body that is taken in, in bytes.
const LARGEST: usize = 32 << 20;
/// A client that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request, read to its end.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What goes back.
pub(super) enum Reply {
    /// An answer; null is no body.
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Value,
    },
    /// A page of somebody on the way.
    Page(u16),
    /// An answer that does not end.
    Endless,
    /// Nothing: the connection is cut.
    Cut,
}

pub(super) struct Server {
    address: SocketAddr,
    ending: Arc<Ending>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Ending {
    stopped: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let ending = Arc::new(Ending::default());
        let own = Arc::clone(&ending);
        let listening = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.stopped.load(Ordering::SeqCst) {
                    return;
                }
                own.open.lock().unwrap().extend(stream.try_clone());
                let shared = Arc::clone(&shared);
                // A connection that breaks off is its client's business.
                thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        Self {
            address,
            ending,
            listening: Some(listening),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn stop(&mut self) {
        self.ending.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            // One that has panicked has ended, too.
            let _ = listening.join();
        }
        for stream in self.ending.open.lock().unwrap().drain(..) {
            // One that has ended cannot be cut any more.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut connection = BufReader::new(stream);
    while let Some(request) = read(&mut connection)? {
        let out = connection.get_mut();
        match act::reply(shared, &request) {
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let body = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let mut head = format!("HTTP/1.1 {status} X\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                if status != 204 {
                    head.push_str(&format!(
                        "content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n",
                        body.len()
                    ));
                }
                out.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
            Reply::Page(status) => {
                let page = "<html><h1>Unicorn!</h1></html>";
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: text/html\r\n");
                let length = page.len();
                out.write_all(format!("{head}content-length: {length}\r\n\r\n{page}").as_bytes())?;
            }
            Reply::Endless => {
                out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")?;
                while out.write_all(&[b' '; 65536]).is_ok() {}
                return Ok(());
            }
            Reply::Cut => return stream.shutdown(Shutdown::Both),
        }
    }
    Ok(())
}

/// Reads a request; `None` where the client has gone.
fn read(connection: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0).min(LARGEST)];
    connection.read_exact(&mut body)?;
    Ok(Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body,
    }))
}
