//! Tasks: what they do is done when their time has come.

use super::fault::TaskFault;
use super::refusal::FakeRefusal;
use super::state::State;
use crate::adapters::proxmox::GuestRef;
use serde_json::{Value, json};
use std::time::Duration;

/// How a task ends that was killed.
pub(super) const UNEXPECTED: &str = "unexpected status";

/// What a task does at its end: its warnings, or what went wrong.
pub(super) type Effect = Box<dyn FnOnce(&mut State) -> Result<u32, String> + Send>;

/// A task of the fake cluster.
pub(super) struct Task {
    pub(super) upid: String,
    pub(super) node: String,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) started: i64,
    /// When it ends, on the monotonic clock.
    pub(super) ends: Duration,
    pub(super) effect: Option<Effect>,
    pub(super) fault: Option<TaskFault>,
    /// How it has ended.
    pub(super) exit: Option<String>,
    pub(super) ended: i64,
    pub(super) log: Vec<String>,
    /// Guests whose file it has locked.
    flocks: Vec<u32>,
    /// Guests whose configuration it has locked.
    locks: Vec<u32>,
    /// The guest that it makes.
    makes: Option<u32>,
}

/// A task that is to be begun.
pub(super) struct Begin {
    node: String,
    kind: &'static str,
    id: String,
    flocks: Vec<u32>,
    locks: Vec<u32>,
    makes: Option<u32>,
    log: Vec<String>,
    least: Duration,
}

impl Begin {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts come as they are")]
    pub(super) fn new(node: &str, kind: &'static str, id: impl ToString) -> Self {
        Self {
            node: node.to_owned(),
            kind,
            id: id.to_string(),
            flocks: Vec::new(),
            locks: Vec::new(),
            makes: None,
            log: Vec::new(),
            least: Duration::ZERO,
        }
    }

    /// Holds the file of a guest.
    pub(super) fn flock(mut self, guest: u32) -> Self {
        self.flocks.push(guest);
        self
    }

    /// Has locked the configuration of a guest.
    pub(super) fn lock(mut self, guest: u32) -> Self {
        self.locks.push(guest);
        self
    }

    /// Makes a guest, which is gone again when that fails.
    pub(super) fn makes(mut self, guest: u32) -> Self {
        self.makes = Some(guest);
        self.lock(guest)
    }

    pub(super) fn line(mut self, line: String) -> Self {
        self.log.push(line);
        self
    }

    /// Takes at least so long.
    pub(super) fn at_least(mut self, least: Duration) -> Self {
        self.least = least;
        self
    }
}

impl State {
    /// Begins a task.
    pub(super) fn begin(
        &mut self,
        begin: Begin,
        effect: impl FnOnce(&mut Self) -> Result<u32, String> + Send + 'static,
    ) -> Value {
        self.pid += 1;
        let upid = format!(
            "UPID:{}:{:08X}:{:08X}:{:08X}:{}:{}:{}:",
            begin.node,
            self.pid,
            0x1000 + self.pid,
            self.unix,
            begin.kind,
            begin.id,
            self.user
        );
        let lasts = self.durations.get(begin.kind).copied().unwrap_or_default();
        for id in &begin.flocks {
            if let Some(guest) = self.guests.get_mut(id) {
                guest.flock = Some(upid.clone());
            }
        }
        self.tasks.push(Task {
            upid: upid.clone(),
            node: begin.node,
            kind: begin.kind.to_owned(),
            id: begin.id,
            user: self.user.clone(),
            started: self.unix,
            ends: self.now + lasts.max(begin.least),
            effect: Some(Box::new(effect)),
            fault: self.next_task.take(),
            exit: None,
            ended: 0,
            log: begin.log,
            flocks: begin.flocks,
            locks: begin.locks,
            makes: begin.makes,
        });
        self.settle();
        json!(upid)
    }

    /// Ends every task whose time has come, in the order of their ends.
    pub(super) fn settle(&mut self) {
        loop {
            let now = self.now;
            let due = (0..self.tasks.len())
                .filter(|at| self.tasks[*at].exit.is_none() && self.tasks[*at].ends <= now)
                .min_by_key(|at| (self.tasks[*at].ends, *at));
            let Some(at) = due else {
                return;
            };
            self.finish(at);
        }
    }

    fn finish(&mut self, at: usize) {
        let task = &mut self.tasks[at];
        let (effect, fault) = (task.effect.take(), task.fault.take());
        let (upid, makes) = (task.upid.clone(), task.makes);
        let (flocks, locks) = (std::mem::take(&mut task.flocks), std::mem::take(&mut task.locks));
        // Ended before its effect: what that begins is another task.
        task.exit = Some(String::new());
        for id in flocks {
            if let Some(guest) = self.guests.get_mut(&id)
                && guest.flock.as_deref() == Some(&upid)
            {
                guest.flock = None;
            }
        }
        let (done, wished) = match fault {
            Some(fault) => (fault.done, Some(fault.exit)),
            None => (true, None),
        };
        // One that was killed leaves its lock and what it has half made.
        let is_killed = !done && wished.as_deref() == Some(UNEXPECTED);
        if !is_killed {
            for id in locks {
                if let Some(guest) = self.guests.get_mut(&id) {
                    guest.lock = None;
                }
            }
        }
        let outcome = match effect {
            Some(effect) if done => effect(self),
            _ if done => Ok(0),
            _ => Err(String::new()),
        };
        if outcome.is_err()
            && !is_killed
            && let Some(id) = makes
        {
            self.guests.remove(&id);
        }
        let mut exit = wished.unwrap_or_else(|| match outcome {
            Ok(0) => "OK".to_owned(),
            Ok(warnings) => format!("WARNINGS: {warnings}"),
            Err(text) => text,
        });
        exit = exit.replace('\n', " ");
        let unix = self.unix;
        let task = &mut self.tasks[at];
        task.log.push(match exit.as_str() {
            "OK" => "TASK OK".to_owned(),
            warnings if warnings.starts_with("WARNINGS: ") => format!("TASK {warnings}"),
            text => format!("TASK ERROR: {text}"),
        });
        task.exit = Some(exit);
        task.ended = unix;
    }

    pub(super) fn task_status(&self, node: &str, upid: &str) -> Result<Value, FakeRefusal> {
        let task = self.visible(node, upid)?;
        let (user, token) = task.user.split_once('!').unwrap_or((&task.user, ""));
        let mut status = json!({
            "upid": task.upid, "node": task.node, "type": task.kind, "id": task.id, "user": user,
            "starttime": task.started, "pid": 1, "pstart": 1,
            "status": if task.exit.is_some() { "stopped" } else { "running" },
        });
        if !token.is_empty() {
            status["tokenid"] = json!(token);
        }
        if let Some(exit) = &task.exit {
            status["exitstatus"] = json!(exit);
        }
        Ok(status)
    }

    pub(super) fn task_log(
        &self,
        node: &str,
        upid: &str,
        start: usize,
        limit: usize,
    ) -> Result<Value, FakeRefusal> {
        let task = self.visible(node, upid)?;
        let limit = if limit == 0 { usize::MAX } else { limit };
        if task.log.is_empty() {
            return Ok(json!([{"n": 1, "t": "no content"}]));
        }
        let lines = task.log.iter().enumerate().skip(start).take(limit);
        let lines: Vec<Value> = lines.map(|(at, line)| json!({"n": at + 1, "t": line})).collect();
        Ok(json!(lines))
    }

    pub(super) fn stop_task(&mut self, node: &str, upid: &str) -> Result<Value, FakeRefusal> {
        self.visible(node, upid)?;
        if let Some(at) = self.tasks.iter().position(|task| task.upid == upid) {
            self.abort(at);
        }
        Ok(Value::Null)
    }

    /// Kills a task that runs: nobody knows then what it did, which is nothing here. One that makes a
    /// guest clears up after itself (qemu-server, `API2/Qemu.pm`: `interrupted by signal`).
    pub(super) fn abort(&mut self, at: usize) {
        if self.tasks[at].exit.is_some() {
            return;
        }
        let exit = match self.tasks[at].makes {
            Some(_) => "clone failed: interrupted by signal",
            None => UNEXPECTED,
        };
        self.tasks[at].fault = Some(TaskFault {
            exit: exit.to_owned(),
            done: false,
        });
        self.finish(at);
    }

    pub(super) fn tasks_of(&self, node: &str, id: Option<&str>, limit: usize) -> Value {
        let user = self.user.clone();
        let rows = self
            .tasks
            .iter()
            .rev()
            .filter(|task| task.node == node && task.user == user && id.is_none_or(|id| task.id == id));
        let rows: Vec<Value> = rows
            .take(limit)
            .map(|task| {
                let mut row = json!({
                    "upid": task.upid, "node": task.node, "type": task.kind, "id": task.id,
                    "starttime": task.started, "user": task.user,
                });
                if let Some(exit) = &task.exit {
                    row["endtime"] = json!(task.ended);
                    row["status"] = json!(exit);
                }
                row
            })
            .collect();
        json!(rows)
    }

    fn visible(&self, node: &str, upid: &str) -> Result<&Task, FakeRefusal> {
        let found = self
            .tasks
            .iter()
            .find(|task| task.upid == upid && task.node == node && task.user == self.user);
        found.ok_or_else(|| FakeRefusal::parameter("upid", "no such task"))
    }
}

/// The type of a task that does `what` to a guest of this kind: `qmstart`, `vzstart`.
pub(super) fn type_of(at: &GuestRef, vm: &'static str, container: &'static str) -> &'static str {
    match at.kind {
        crate::adapters::proxmox::GuestKind::Vm => vm,
        crate::adapters::proxmox::GuestKind::Container => container,
    }
}
