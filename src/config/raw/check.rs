//! Checks of a suite.

use super::super::argv::Argv;
use super::super::place::Located;
use super::super::range::share;
use super::super::scalar::{Json, StatusCodes, Texts};
use crate::domain::model::{CheckKind, Period};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One check: a name, and exactly one of `http`, `tcp`, `command`, `startup` and `load`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Check")]
pub(crate) struct RawCheck {
    /// Shown in reports; unique within its suite.
    pub(crate) name: Located<String>,
    /// What it is about; `functional` where absent.
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<CheckKind>,
    /// An HTTP request and what is expected of the answer.
    #[serde(default)]
    pub(crate) http: Option<RawHttp>,
    /// A TCP connection.
    #[serde(default)]
    pub(crate) tcp: Option<RawTcp>,
    /// A command, run without a shell.
    #[serde(default)]
    pub(crate) command: Option<Located<Argv>>,
    /// The exit code of `command` that means success; 0 where absent.
    #[serde(default)]
    pub(crate) expected_exit_code: Option<Located<i32>>,
    /// How long the service may take to be ready for the first time.
    #[serde(default)]
    pub(crate) startup: Option<RawStartup>,
    /// A load test.
    #[serde(default)]
    pub(crate) load: Option<RawLoad>,
    /// The longest that it may take: 10 s, of a command 300 s, where absent.
    #[serde(default)]
    pub(crate) timeout: Option<Period>,
}

/// An HTTP request below the service's URL, and what is expected of the answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Http")]
pub(crate) struct RawHttp {
    /// `GET` where absent.
    #[serde(default)]
    pub(crate) method: Option<Located<String>>,
    /// Path and query; `/` where absent.
    #[serde(default)]
    pub(crate) path: Option<Located<String>>,
    /// Request headers.
    #[serde(default)]
    pub(crate) headers: Texts,
    /// Request body.
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// Expected status code, or a list; any 2xx where absent.
    #[serde(default)]
    pub(crate) status: StatusCodes,
    /// Expected headers: name → text that the value must contain.
    #[serde(default)]
    pub(crate) expect_headers: Texts,
    /// Expected values in a JSON body: dotted path → value.
    #[serde(default)]
    pub(crate) json: BTreeMap<String, Json>,
    /// Text that the body must contain.
    #[serde(default)]
    pub(crate) contains: Option<String>,
    /// The longest that the answer may take.
    #[serde(default)]
    pub(crate) latency: Option<Period>,
}

/// A TCP connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Tcp")]
pub(crate) struct RawTcp {
    /// `host:port`; the service's own address where absent.
    #[serde(default)]
    pub(crate) address: Option<Located<String>>,
}

/// How long the service may take to be ready for the first time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Startup")]
pub(crate) struct RawStartup {
    /// At most this.
    pub(crate) within: Period,
}

/// A load test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Load")]
#[expect(
    dead_code,
    reason = "read and checked in full, though this version has no load tests"
)]
pub(crate) struct RawLoad {
    /// Path and query.
    pub(crate) path: String,
    /// Requests per second.
    #[serde(deserialize_with = "super::super::range::within::<_, _, 1, 1_000_000>")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) rate: u32,
    /// How long.
    #[serde(rename = "for")]
    pub(crate) period: Period,
    /// What is expected of the answers.
    #[serde(default)]
    pub(crate) expect: Option<RawLoadExpectation>,
}

/// What is expected of the answers of a load test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LoadExpectation")]
#[expect(
    dead_code,
    reason = "read and checked in full, though this version has no load tests"
)]
pub(crate) struct RawLoadExpectation {
    /// Highest 95th percentile of the time to answer.
    #[serde(default)]
    pub(crate) p95: Option<Period>,
    /// Highest share of failed answers, 0 to 1.
    #[serde(default, deserialize_with = "share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) error_rate: f64,
}
