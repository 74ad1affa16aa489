//! Requests as data, and who sends them.

use crate::domain::model::Explanation;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use thiserror::Error;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiMethod {
    /// Reads.
    Get,
    /// Makes or starts something.
    Post,
    /// Changes something.
    Put,
    /// Removes something.
    Delete,
}

impl ApiMethod {
    /// As it is written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for ApiMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Opens content from its beginning.
pub type Open = dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// A file that goes out with a request, after its parameters.
#[derive(Clone)]
pub struct Upload {
    /// The name that it gets in the storage.
    pub filename: String,
    /// Its length in bytes.
    pub length: u64,
    /// Opens it: again for every attempt.
    pub open: Arc<Open>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({}, {} bytes)", self.filename, self.length)
    }
}

/// One request, in the words of the API: nothing in it is encoded yet.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// What it does.
    pub method: ApiMethod,
    /// Path below `/api2/json`: `/nodes/pve1/qemu/101/config`.
    pub path: String,
    /// Parameters in order; one that is a list is there once for each element.
    pub params: Vec<(String, String)>,
    /// The file that goes with it.
    pub upload: Option<Upload>,
}

impl ApiRequest {
    pub(super) fn new(method: ApiMethod, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            params: Vec::new(),
            upload: None,
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Get, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Post, path)
    }

    pub(super) fn put(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Put, path)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Delete, path)
    }

    /// With this parameter.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts come as they are")]
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.params.push((name.to_owned(), value.to_string()));
        self
    }

    /// With this parameter, where there is a value.
    pub(super) fn maybe<T: ToString>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With this switch. Forms know only `0` and `1`.
    pub(super) fn switch(self, name: &str, value: bool) -> Self {
        self.with(name, u8::from(value))
    }

    /// The value of a parameter; the first of a list.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it may change something, so that no answer leaves open whether it did.
    pub fn writes(&self) -> bool {
        self.method != ApiMethod::Get && !self.path.ends_with("/agent/ping")
    }
}

/// Without parameter values, which may be private.
impl fmt::Display for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiResponse {
    /// Status code.
    pub status: u16,
    /// The text beside the status code. Before PVE 8.4 it is the only place of an error's text.
    pub reason: String,
    /// Whether the body says that it is JSON.
    pub json: bool,
    /// The body, bounded.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswerKind {
    /// The request could never be sent: an address or a setting makes no sense.
    Invalid,
    /// No host could be reached: nothing was sent.
    Unreachable,
    /// The server could not show who it is: nothing was sent.
    Untrusted,
    /// It was sent, and what became of it is not known.
    Unanswered,
}

/// There is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct NoAnswer {
    /// Why.
    pub kind: NoAnswerKind,
    /// What happened, naming the server, and what it came from. Holds no secret.
    #[source]
    pub why: Explanation,
}

/// Sends requests to a cluster, each once.
pub trait Transport: Send + Sync {
    /// Sends one request and reads its answer, whatever its status.
    fn send(&self, request: &ApiRequest) -> Result<ApiResponse, NoAnswer>;
    /// Whom the requests go to, for messages: `pve1.example:8006`.
    fn peer(&self) -> String;
}
