//! Faults on demand.

use crate::adapters::proxmox::ApiRequest;
use std::fmt;
use std::time::Duration;

/// Which requests a fault is for.
pub enum FaultTiming {
    /// The n-th request from now on, from 1.
    Nth(usize),
    /// Every request that this holds for, this many of them.
    Matching(Box<dyn Fn(&ApiRequest) -> bool + Send + Sync>, usize),
}

impl FaultTiming {
    /// The next request with this method and a path that ends so.
    pub fn next(method: &'static str, end: &'static str) -> Self {
        Self::Matching(
            Box::new(move |request| request.method.as_str() == method && request.path.ends_with(end)),
            1,
        )
    }
}

impl fmt::Debug for FaultTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nth(nth) => write!(f, "Nth({nth})"),
            Self::Matching(_, times) => write!(f, "Matching({times} times)"),
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is refused with this status and text, and nothing happens.
    Refuse(u16, String),
    /// It happens, and the answer is this status and text: 596 while the work goes on.
    DoneBut(u16, String),
    /// The connection is cut before anything happens.
    Cut,
    /// It happens, and the connection is cut before the answer.
    DoneButCut,
    /// No host can be reached.
    Unreachable,
    /// It takes so long.
    Slow(Duration),
    /// The task that it begins ends so: an error, `WARNINGS: 1` or `unexpected status`.
    Task(TaskFault),
    /// The answer is not Proxmox's: 200 with this body.
    Nonsense(String),
}

/// How a task ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFault {
    /// Its exit status.
    pub exit: String,
    /// Whether it has done its work nevertheless. One that ends as `unexpected status` without it leaves
    /// its lock behind.
    pub done: bool,
}

/// A fault that is to come.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) when: FaultTiming,
    pub(super) what: What,
}

impl Planned {
    /// Whether its time has come with this request; counts it.
    pub(super) fn is_due(&mut self, request: &ApiRequest) -> bool {
        match &mut self.when {
            FaultTiming::Nth(nth) => {
                *nth = nth.saturating_sub(1);
                *nth == 0
            }
            FaultTiming::Matching(holds, times) => {
                let is_due = *times > 0 && holds(request);
                if is_due {
                    *times -= 1;
                }
                is_due
            }
        }
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.when, FaultTiming::Nth(0) | FaultTiming::Matching(_, 0))
    }
}
