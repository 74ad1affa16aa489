//! Clients that keep asking and count every answer.

use super::client::{Answer, ask};
use super::project::pause;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client thinks between two requests.
const THINKS: Duration = Duration::from_millis(1);
/// What the clients have seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Answers with status 200, by the version that gave them.
    pub(crate) answers: BTreeMap<String, u64>,
    /// Answers with status 500 and the words of a candidate that was deployed to give just these; no
    /// other version does, and the router has other words.
    pub(crate) meant: u64,
    /// Everything else: other statuses, refused connections, answers that broke off or did not come.
    pub(crate) failures: Vec<String>,
}

impl Seen {
    pub(crate) fn requests(&self) -> u64 {
        self.answers.values().sum::<u64>() + self.meant + self.failures.len() as u64
    }
}

/// Clients with a keep-alive connection each.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let clients = (0..clients)
            .map(|_| {
                let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
                std::thread::spawn(move || client(address, &stop, &seen))
            })
            .collect();
        Self { stop, seen, clients }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// What was seen in all.
    pub(crate) fn stop(mut self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        self.seen()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

fn client(address: SocketAddr, stop: &AtomicBool, seen: &Mutex<Seen>) {
    let mut connection = None;
    while !stop.load(Ordering::SeqCst) {
        let answer = ask(address, &mut connection);
        let mut seen = seen.lock().unwrap();
        match answer {
            Ok(Answer { status: 200, body }) if body.starts_with("hello from ") => {
                let version = body.trim_start_matches("hello from ").trim().to_owned();
                *seen.answers.entry(version).or_default() += 1;
            }
            Ok(Answer { status: 500, body }) if body == "failed\n" => seen.meant += 1,
            Ok(Answer { status, body }) => seen.failures.push(format!("{status}: {body}")),
            Err(error) => {
                connection = None;
                seen.failures.push(error.to_string());
            }
        }
        drop(seen);
        pause(THINKS);
    }
}
