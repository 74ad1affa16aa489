//! Clients that keep asking, and count every answer.

use crate::domain::model::Endpoint;
use crate::host::http::{Client, HttpRequest, HttpSettings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many ask at the same time.
const CLIENTS: usize = 4;
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rest between two requests of one client: enough load to notice, little enough for a laptop.
const REST: Duration = Duration::from_millis(1);

/// What the clients saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Requests that were sent.
    pub(super) requests: u64,
    /// Answers other than 200, and requests without an answer.
    pub(super) failed: u64,
    /// Of the answers with 200: how many came from each version.
    pub(super) versions: BTreeMap<String, u64>,
}

/// Clients at work.
pub(super) struct Clients {
    stop: Arc<AtomicBool>,
    count: Arc<Mutex<Count>>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Starts asking `url`.
    pub(super) fn start(url: &Endpoint) -> Self {
        let (stop, count) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(Mutex::new(Count::default())),
        );
        let threads = (0..CLIENTS)
            .map(|_| {
                let (stop, count, url) = (Arc::clone(&stop), Arc::clone(&count), url.join("/"));
                std::thread::spawn(move || keep_asking(&url, &stop, &count))
            })
            .collect();
        Self { stop, count, threads }
    }

    /// Lets each finish its request, and gives what they saw together.
    pub(super) fn stop(self) -> Count {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let _ = thread.join();
        }
        self.count.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn keep_asking(url: &str, stop: &AtomicBool, count: &Mutex<Count>) {
    let Ok(client) = Client::new(&HttpSettings::default()) else {
        return;
    };
    while !stop.load(Ordering::SeqCst) {
        let version = ask(&client, url);
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        count.requests += 1;
        match version {
            Some(version) => *count.versions.entry(version).or_default() += 1,
            None => count.failed += 1,
        }
        drop(count);
        std::thread::park_timeout(REST);
    }
}

/// The version that answered; `None` for anything but a greeting with status 200.
pub(super) fn ask(client: &Client, url: &str) -> Option<String> {
    let request = HttpRequest {
        method: "GET",
        url,
        headers: &BTreeMap::new(),
        body: None,
        timeout: PATIENCE,
    };
    let answer = client.send(&request).ok().filter(|answer| answer.status == 200)?;
    let text = String::from_utf8(answer.body).ok()?;
    text.trim().strip_prefix("hello from ").map(str::to_owned)
}
