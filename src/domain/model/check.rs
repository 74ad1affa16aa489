//! Checks: what is asked of a running service, and what is expected of the answer.

use super::Period;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a check is about; decides where it shows in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// Is it up?
    Health,
    /// Does it do what it is for?
    Functional,
    /// Is it fast enough?
    Performance,
    /// Is it safe?
    Security,
}

/// One named check with its time limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Shown in reports; unique within its suite.
    pub name: String,
    /// What it is about.
    pub kind: CheckKind,
    /// How one sample is taken, and what is expected of it.
    pub probe: ProbeSpec,
    /// The longest that one sample may take.
    pub timeout: Period,
}

/// A named list of checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    /// Shown in reports and used as the JUnit suite name.
    pub name: String,
    /// In the order in which they are reported.
    pub checks: Vec<Check>,
}

/// How one sample is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeSpec {
    /// An HTTP request below the service's base URL.
    Http(HttpProbe),
    /// A TCP connection: to this `host:port`, or to the service's own address.
    Tcp(Option<String>),
    /// A command and its exit code.
    Command(CommandProbe),
    /// The time from the start of the instance until it was first ready must be at most this.
    Startup(Period),
}

/// An HTTP request and what is expected of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpProbe {
    /// `GET` where nothing else is said.
    pub method: String,
    /// Path and query below the base URL (`/api/health?detailed=true`).
    pub path: String,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the answer must be.
    pub expect: HttpExpectation,
}

/// What is expected of an HTTP answer; every part that is given must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HttpExpectation {
    /// One of these status codes; any 2xx where empty.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Header name → text that its value must contain, ASCII case ignored in names.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Dotted path into the JSON body → the value there (`database.status` → `"connected"`,
    /// `items.0.id` → `1`).
    #[serde(default)]
    pub json: BTreeMap<String, serde_json::Value>,
    /// Text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The longest that the answer may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Period>,
}

/// A command as an argument list, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandProbe {
    /// The program and its arguments; templates are rendered before each sample, and an argument that
    /// holds one stays one argument.
    pub argv: Vec<String>,
    /// The exit code that means success.
    pub exit_code: i32,
}
