//! A scripted HTTP server on a free loopback port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the script does with the connection after a request.
#[derive(PartialEq)]
pub(crate) enum Then {
    Keep,
    Close,
}

/// Answers one request by writing whatever it likes.
pub(crate) type Script = dyn Fn(&str, &mut TcpStream) -> Then + Send + Sync;

pub(crate) struct Server {
    pub(crate) authority: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&str, &mut TcpStream) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let script: Arc<Script> = Arc::new(script);
        let accepting = thread::spawn({
            let (connections, requests, stop) = (connections.clone(), requests.clone(), stop.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (requests, script) = (requests.clone(), script.clone());
                    thread::spawn(move || serve(stream.unwrap(), &requests, &*script));
                }
            }
        });
        Self {
            authority,
            connections,
            requests,
            stop,
            accepting: Some(accepting),
        }
    }

    /// Answers every request with these bytes and keeps the connection.
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |_, stream| {
            stream.write_all(answer).unwrap();
            Then::Keep
        })
    }

    /// Answers every request by its method and its path (without the query) with a status and a body, and
    /// closes the connection.
    pub(crate) fn of<B: Into<Vec<u8>>>(
        answer: impl Fn(&str, &str) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request, stream| {
            let mut words = request.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let (status, body) = answer(method, target.split('?').next().unwrap());
            let body: Vec<u8> = body.into();
            let head = format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            // A client that has read enough may be gone.
            let _ = stream.write_all(&[head.into_bytes(), body].concat());
            Then::Close
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Method and path of every request that came.
    pub(crate) fn asked(&self) -> Vec<String> {
        let words = |request: &String| {
            let mut words = request.split([' ', '?']);
            format!("{} {}", words.next().unwrap(), words.next().unwrap())
        };
        self.requests().iter().map(words).collect()
    }

    /// Head and body of every request that came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The listener waits for a connection: give it one, then it sees that it is to stop.
        let _ = TcpStream::connect(&self.authority);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>, script: &Script) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read_request(&mut reader) {
        requests.lock().unwrap().push(request.clone());
        if script(&request, &mut stream) == Then::Close {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}
