//! Asking and reading.

use super::calls;
use super::fault::{Fault, FaultClass};
use super::request::{ApiRequest, Transport};
use super::task::{LogLine, Status, TaskState};
use super::upid::Upid;
use crate::domain::model::Explanation;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// What an empty log says instead of nothing.
const NO_CONTENT: &str = "no content";

/// Sends requests, each once, and reads what comes back. Cheap to copy.
#[derive(Clone)]
pub struct Api {
    transport: Arc<dyn Transport>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Value,
}

impl Api {
    /// Asks through this.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// Whom it asks, for messages.
    pub fn peer(&self) -> String {
        self.transport.peer()
    }

    /// Asks for a value.
    ///
    /// # Errors
    /// When it is refused, or the answer is no such value.
    pub fn ask<T: DeserializeOwned>(&self, doing: &str, request: &ApiRequest) -> Result<T, Fault> {
        let data = self.data(doing, request)?;
        serde_json::from_value(data).map_err(|error| {
            let why = Explanation::new(format!("the answer to {request} cannot be read")).because(&error);
            Fault::unreadable(doing, request, &why)
        })
    }

    /// Asks for something about a thing that may not be there.
    ///
    /// # Errors
    /// When it is refused for another reason, or the answer is no such value.
    pub fn find<T: DeserializeOwned>(&self, doing: &str, request: &ApiRequest) -> Result<Option<T>, Fault> {
        match self.ask(doing, request) {
            Ok(found) => Ok(Some(found)),
            Err(fault) if is_missing(&fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Changes something. It is done, or a task does it.
    ///
    /// # Errors
    /// When it is refused, or the answer is neither nothing nor a task: then nobody knows.
    pub fn change(&self, doing: &str, request: &ApiRequest) -> Result<Option<Upid>, Fault> {
        match self.data(doing, request)? {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            data => task_of(doing, request, &data).map(Some),
        }
    }

    /// Begins something that only a task can do.
    ///
    /// # Errors
    /// When it is refused, or the answer is no task: `OK` to a backup on the wrong node means that there
    /// is none.
    pub fn begin(&self, doing: &str, request: &ApiRequest) -> Result<Upid, Fault> {
        let data = self.data(doing, request)?;
        task_of(doing, request, &data)
    }

    /// How a task stands.
    ///
    /// # Errors
    /// When it cannot be asked for; [`FaultClass::MissingTask`] when its node knows no such task.
    pub fn task(&self, task: &Upid) -> Result<TaskState, Fault> {
        let doing = format!("asking about task {} on {}", task.kind, task.node);
        let status: Status = self.ask(&doing, &calls::task::status(task))?;
        Ok(status.state())
    }

    /// The log of a task from line `start` on, at most `limit` lines; nothing where there is none yet.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub fn log(&self, task: &Upid, start: u64, limit: u64) -> Result<Vec<LogLine>, Fault> {
        let doing = format!("reading the log of task {} on {}", task.kind, task.node);
        let mut lines: Vec<LogLine> = self.ask(&doing, &calls::task::log(task, start, limit))?;
        if matches!(lines.as_slice(), [only] if only.t == NO_CONTENT) {
            lines.clear();
        }
        Ok(lines)
    }

    fn data(&self, doing: &str, request: &ApiRequest) -> Result<Value, Fault> {
        let answer = self
            .transport
            .send(request)
            .map_err(|none| Fault::unanswered(doing, request, &none))?;
        if !(200..300).contains(&answer.status) {
            return Err(Fault::answered(doing, request, &self.peer(), &answer));
        }
        let envelope: Envelope = serde_json::from_slice(&answer.body).map_err(|error| {
            let peer = self.peer();
            let message = format!("what {peer} answered to {request} is not Proxmox's JSON");
            Fault::unreadable(doing, request, &Explanation::new(message).because(&error))
        })?;
        Ok(envelope.data)
    }
}

/// Whether a fault says that there is no such thing.
fn is_missing(fault: &Fault) -> bool {
    matches!(
        fault.class,
        FaultClass::MissingGuest | FaultClass::Missing | FaultClass::MissingTask
    )
}

fn task_of(doing: &str, request: &ApiRequest, data: &Value) -> Result<Upid, Fault> {
    let task = data.as_str().and_then(|text| text.parse().ok());
    task.ok_or_else(|| {
        let shown: String = data.to_string().chars().take(60).collect();
        let text = format!("{request} was answered with {shown}, which is no task: nothing was begun");
        Fault::unreadable(doing, request, &text.into())
    })
}
