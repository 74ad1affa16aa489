//! Backends on loopback whose every byte the test decides about.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request as the backend reads it, and the connection to answer on.
pub(crate) struct Exchange<'a> {
    pub(crate) head: String,
    pub(crate) reader: &'a mut BufReader<TcpStream>,
    pub(crate) stream: &'a TcpStream,
}

impl Exchange<'_> {
    pub(crate) fn write(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(text.as_ref()).is_ok()
    }

    pub(crate) fn ok(&mut self, body: &str) -> bool {
        self.write(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    pub(crate) fn target(&self) -> &str {
        self.head.split_whitespace().nth(1).unwrap_or_default()
    }
}

/// A server with one thread per connection; ends with the value.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicU64>,
    stopping: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Backend {
    /// `answer` gets each request; the connection is closed when it says false.
    pub(crate) fn start(answer: impl Fn(&mut Exchange<'_>) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stopping) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let connections: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (counted, stop, open, answer) = (
            Arc::clone(&requests),
            Arc::clone(&stopping),
            Arc::clone(&connections),
            Arc::new(answer),
        );
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_nodelay(true).unwrap();
                open.lock().unwrap().push(stream.try_clone().unwrap());
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(head) = read_head(&mut reader) {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let mut exchange = Exchange {
                            head,
                            reader: &mut reader,
                            stream: &stream,
                        };
                        if !answer(&mut exchange) {
                            break;
                        }
                    }
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self {
            address,
            requests,
            stopping,
            connections,
            accepting: Some(accepting),
        }
    }

    /// Answers every request with 200 and this text.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::start(move |exchange| exchange.ok(text))
    }

    pub(crate) fn served(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Closes the listener and every connection.
    pub(crate) fn stop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
        for stream in self.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if &head[before..] == "\r\n" {
            return Some(head);
        }
    }
}

/// Reads one chunk of a chunked body; empty at the end (the trailers stay unread).
pub(crate) fn read_chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let size = usize::from_str_radix(line.trim(), 16).ok()?;
    let mut chunk = vec![0; size];
    reader.read_exact(&mut chunk).ok()?;
    if size > 0 {
        let mut end = [0; 2];
        reader.read_exact(&mut end).ok()?;
    }
    Some(chunk)
}
