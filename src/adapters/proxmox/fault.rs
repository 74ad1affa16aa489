//! What went wrong, by one table. Proxmox has no status codes for most of it: a guest that is locked,
//! missing or already there is `500` with a sentence.

use super::guest::GuestRef;
use super::request::{ApiRequest, ApiResponse, NoAnswer, NoAnswerKind};
use crate::domain::model::{ErrorKind, Explanation, PortError, one_line};

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How much of a foreign text is shown, in characters.
const SHOWN: usize = 300;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultClass {
    /// Another process held the guest's file for longer than Proxmox waits. Passes by itself.
    FileLock,
    /// A storage or a file of the cluster was held. Passes by itself.
    StorageLock,
    /// The guest is locked by an operation under way, or by one that died: `clone`, `backup`.
    ConfigLock(String),
    /// The guest's id is taken.
    Exists,
    /// A name (of a file, snapshot or pool) is taken.
    NameTaken,
    /// There is no such guest, at least not on this node.
    MissingGuest,
    /// There is no such task.
    MissingTask,
    /// Something else is not there: a pool, storage, snapshot or volume.
    Missing,
    /// The guest runs, and must not.
    Running,
    /// The guest does not run, and must.
    NotRunning,
    /// The guest did not shut down in time.
    ShutdownTimeout,
    /// The guest is protected.
    Protected,
    /// The guest is managed by the cluster's high availability.
    HaManaged,
    /// Something depends on it: linked clones on a template, guests on a pool.
    InUse,
    /// Only the newest snapshot can be gone back to on this storage.
    NotNewest,
    /// No room is left.
    NoSpace,
    /// The configuration was changed by somebody else meanwhile.
    Changed,
    /// No agent is configured for the guest.
    NoAgent,
    /// The agent in the guest does not answer.
    AgentSilent,
    /// The token may not.
    Denied {
        /// Where: `/vms/101`; empty where it is not said.
        path: String,
        /// What is needed there: `VM.PowerMgmt`.
        privilege: String,
    },
    /// The token is wrong, unknown or expired.
    Unauthenticated,
    /// A parameter makes no sense.
    Invalid,
    /// This version of Proxmox does not know the call.
    Unsupported,
    /// The cluster has no majority and changes nothing. Passes by itself.
    NoQuorum,
    /// No host could be reached: nothing was sent.
    Unreachable,
    /// The server could not show who it is: nothing was sent.
    Untrusted,
    /// What became of the request is not known: it was cut off, or a node gave up on another one while
    /// that goes on.
    Unknown,
    /// The answer cannot be read, or is none that this request can have.
    Unreadable,
    /// Anything else, in its own words.
    Other,
}

/// A request that did not do what it was meant to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {}", self.line())]
pub struct Fault {
    /// What it is.
    pub class: FaultClass,
    /// What was being done: "starting VM 101 on pve1".
    pub doing: String,
    /// What was said about it, as one line and bounded.
    pub text: String,
    /// What that came from, the nearest first, each as one line and bounded.
    pub causes: Vec<String>,
    /// Whether the request may have changed something.
    pub wrote: bool,
    /// Status of the answer, where there was one.
    pub status: Option<u16>,
}

impl Fault {
    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        use FaultClass as C;
        match &self.class {
            C::FileLock
            | C::StorageLock
            | C::NoQuorum
            | C::Unreachable
            | C::AgentSilent
            | C::ShutdownTimeout => ErrorKind::Transient,
            C::Unknown | C::Unreadable if self.wrote => ErrorKind::Ambiguous,
            C::Unknown => ErrorKind::Transient,
            C::ConfigLock(_)
            | C::Exists
            | C::NameTaken
            | C::Running
            | C::NotRunning
            | C::InUse
            | C::NotNewest
            | C::Changed => ErrorKind::Conflict,
            C::MissingGuest | C::MissingTask | C::Missing => ErrorKind::Missing,
            C::Protected | C::HaManaged | C::Denied { .. } | C::Unauthenticated | C::Untrusted => {
                ErrorKind::Denied
            }
            C::NoAgent | C::Unsupported => ErrorKind::Unsupported,
            C::NoSpace | C::Invalid | C::Unreadable | C::Other => ErrorKind::Invalid,
        }
    }

    /// What helps, where that is known.
    fn advice(&self) -> Option<String> {
        use FaultClass as C;
        let advice = match &self.class {
            C::Denied { path, privilege } if !privilege.is_empty() => {
                return Some(format!(
                    "the token needs {privilege} on {path}: give it a role with that there, or on the environment's pool, and its user as well"
                ));
            }
            C::Unauthenticated => {
                "the token has the form USER@REALM!TOKENID=SECRET and must not have expired (pveum user token list USER@REALM)"
            }
            C::NoAgent => {
                "switch the agent on in the template (qm set ID --agent enabled=1) and install it there"
            }
            C::Unsupported => "this needs a newer Proxmox VE",
            C::Untrusted => {
                "name the cluster's certificate as caFile (/etc/pve/pve-root-ca.pem on a node), or its fingerprint"
            }
            C::Protected => "greenroom leaves it alone: to give it up, switch its protection off",
            C::HaManaged => "take it out of the cluster's high availability first",
            _ => return None,
        };
        Some(advice.to_owned())
    }

    /// What happened, what it came from, and what helps where that is known.
    fn explanation(&self) -> Explanation {
        Explanation {
            message: self.text.clone(),
            causes: self.causes.clone(),
            fix: self.advice(),
        }
    }

    fn line(&self) -> String {
        self.explanation().cause_line()
    }

    /// The same while doing something else.
    pub fn while_doing(mut self, doing: impl Into<String>) -> Self {
        self.doing = doing.into();
        self
    }

    /// A fault of something that was asked of a guest, without an answer that says so.
    pub(super) fn unreadable(doing: &str, request: &ApiRequest, why: &Explanation) -> Self {
        let why = why.map(|text| one_line(text, SHOWN));
        Self {
            class: FaultClass::Unreadable,
            doing: doing.to_owned(),
            text: why.message,
            causes: why.causes,
            wrote: request.writes(),
            status: None,
        }
    }

    /// No answer came.
    pub(super) fn unanswered(doing: &str, request: &ApiRequest, none: &NoAnswer) -> Self {
        let class = match none.kind {
            NoAnswerKind::Invalid => FaultClass::Invalid,
            NoAnswerKind::Unreachable => FaultClass::Unreachable,
            NoAnswerKind::Untrusted => FaultClass::Untrusted,
            NoAnswerKind::Unanswered => FaultClass::Unknown,
        };
        let why = none.why.map(|text| one_line(text, SHOWN));
        Self {
            class,
            doing: doing.to_owned(),
            text: why.message,
            causes: why.causes,
            wrote: request.writes(),
            status: None,
        }
    }

    /// An answer that is no success.
    pub(super) fn answered(doing: &str, request: &ApiRequest, peer: &str, answer: &ApiResponse) -> Self {
        let said = said(answer);
        Self {
            class: classify(Some(answer.status), &said),
            doing: doing.to_owned(),
            text: if said.is_empty() {
                format!("{peer} answered {}", answer.status)
            } else {
                format!("{peer} answered {}: {said}", answer.status)
            },
            causes: Vec::new(),
            wrote: request.writes(),
            status: Some(answer.status),
        }
    }
}

impl From<Fault> for PortError {
    fn from(fault: Fault) -> Self {
        let why = fault.explanation();
        Self::new(fault.kind(), fault.doing, why)
    }
}

/// What a person has to do about a lock whose operation has died: no token can take it away.
pub fn unlock_hint(guest: &GuestRef) -> String {
    format!(
        "if no operation is under way, run `{} unlock {}` as root on {}",
        guest.kind.program(),
        guest.id,
        guest.node
    )
}

#[derive(Deserialize, Default)]
struct Body {
    #[serde(default)]
    errors: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    message: Option<String>,
}

/// What an answer says went wrong: the errors of its parameters, else its message, else the text beside
/// its status, else its body's first line.
fn said(answer: &ApiResponse) -> String {
    let body: Body = if answer.json {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    } else {
        Body::default()
    };
    if let Some(errors) = body.errors.filter(|errors| !errors.is_empty()) {
        let errors: Vec<String> = errors
            .iter()
            .map(|(name, what)| match what {
                Value::String(what) => format!("{name}: {}", what.trim()),
                what => format!("{name}: {what}"),
            })
            .collect();
        return one_line(&errors.join("; "), SHOWN);
    }
    if let Some(message) = body.message.filter(|message| !message.trim().is_empty()) {
        return one_line(&message, SHOWN);
    }
    if !answer.reason.trim().is_empty() {
        return one_line(&answer.reason, SHOWN);
    }
    let text = String::from_utf8_lossy(&answer.body);
    let first = text.trim_start().lines().next().unwrap_or_default();
    // A page or a document is none of Proxmox's words.
    if first.starts_with(['<', '{']) {
        return String::new();
    }
    one_line(first, SHOWN)
}

/// What a text of Proxmox's means, with the status that it came with; a task's has none.
pub(super) fn classify(status: Option<u16>, text: &str) -> FaultClass {
    if let Some(class) = by_text(text) {
        return class;
    }
    match status {
        Some(401) => FaultClass::Unauthenticated,
        Some(403) => denied(text),
        Some(400 | 413 | 414) => FaultClass::Invalid,
        Some(404 | 405 | 501 | 506) => FaultClass::Unsupported,
        // A node that gave up on another one or on its own daemon, which may go on (AnyEvent::HTTP's
        // codes), and what a proxy in front of it says.
        Some(408 | 499 | 502 | 504 | 522 | 524 | 595..=599) => FaultClass::Unknown,
        Some(429 | 503) => FaultClass::StorageLock,
        _ => FaultClass::Other,
    }
}

/// Texts, all parts of which are there in this order, and what they mean; the first that fits. They are
/// of qemu-server, pve-container, pve-storage and pve-common.
const TEXTS: &[(&[&str], FaultClass)] = &[
    (&["for data too large"], FaultClass::Invalid),
    (&["pve-storage-", "got timeout"], FaultClass::StorageLock),
    (&["cfs-lock", "timeout"], FaultClass::StorageLock),
    (&["can't lock file", "got timeout"], FaultClass::FileLock),
    (&["can't acquire lock"], FaultClass::FileLock),
    (&["refusing to override existing"], FaultClass::NameTaken),
    (&["already used"], FaultClass::NameTaken),
    (&["protection mode enabled"], FaultClass::Protected),
    (&["used in HA resources"], FaultClass::HaManaged),
    (&["checksum mismatch"], FaultClass::Changed),
    (&["detected modified configuration"], FaultClass::Changed),
    (&["no quorum"], FaultClass::NoQuorum),
    (&["No QEMU guest agent configured"], FaultClass::NoAgent),
    (&["guest agent is not running"], FaultClass::AgentSilent),
    (&["command 'guest-", "got timeout"], FaultClass::AgentSilent),
    (&["is not most recent snapshot"], FaultClass::NotNewest),
    (&["powerdown failed", "timeout"], FaultClass::ShutdownTimeout),
    (&["still in use"], FaultClass::InUse),
    (&["is not empty"], FaultClass::InUse),
    (&["No space left on device"], FaultClass::NoSpace),
    (&["not enough free space"], FaultClass::NoSpace),
    (&["out of space"], FaultClass::NoSpace),
    (
        &["Configuration file", "does not exist"],
        FaultClass::MissingGuest,
    ),
    (&["no such task"], FaultClass::MissingTask),
    (&["already running"], FaultClass::Running),
    (&["is running"], FaultClass::Running),
    (&["not running"], FaultClass::NotRunning),
    (&["not a valid snapshot"], FaultClass::Missing),
    (&["no such"], FaultClass::Missing),
    (&["does not exist"], FaultClass::Missing),
];

fn by_text(text: &str) -> Option<FaultClass> {
    if let Some(lock) = between(text, " is locked (", ")") {
        return Some(FaultClass::ConfigLock(lock.to_owned()));
    }
    if text.contains("Permission check failed") {
        return Some(denied(text));
    }
    if let Some((before, _)) = text.split_once(" already exists") {
        let is_guest = ends_with_guest(before) || before.ends_with("config file");
        return Some(if is_guest {
            FaultClass::Exists
        } else {
            FaultClass::NameTaken
        });
    }
    let fits = |parts: &[&str]| {
        let mut rest = text;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    let found = TEXTS.iter().find(|(parts, _)| fits(parts));
    found.map(|(_, class)| class.clone())
}

/// Whether the words end with a guest: `VM 101`.
fn ends_with_guest(words: &str) -> bool {
    let mut last = words.rsplit(' ');
    let is_id = last
        .next()
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    let noun = last
        .next()
        .map(|noun| noun.trim_start_matches(|c: char| !c.is_ascii_alphabetic()));
    is_id && matches!(noun, Some("VM" | "CT" | "vm" | "ct"))
}

/// `Permission check failed (/vms/101, VM.PowerMgmt)`; of several privileges all are named.
fn denied(text: &str) -> FaultClass {
    let (path, privilege) = between(text, "(", ")")
        .and_then(|inside| inside.split_once(", "))
        .unwrap_or_default();
    FaultClass::Denied {
        path: path.to_owned(),
        privilege: privilege.to_owned(),
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(inside, _)| inside)
}
