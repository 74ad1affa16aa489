//! What the agents in guests answer with.

use crate::adapters::proxmox::decode::{count, maybe_number, maybe_words, switch, text, words};
use serde::Deserialize;
use serde_json::Value;

/// What the agent in a guest said. A refusal of the guest's own comes with status 200.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AgentResult {
    /// A value, or `{"error": {"desc": …}}`.
    #[serde(default)]
    pub result: Value,
}

impl AgentResult {
    /// What went wrong in the guest.
    pub fn error(&self) -> Option<String> {
        let error = self.result.get("error")?;
        Some(
            error
                .get("desc")
                .and_then(text)
                .unwrap_or_else(|| error.to_string()),
        )
    }

    /// The network cards, where that is what was asked for.
    pub fn cards(&self) -> Vec<Card> {
        let rows = self.result.as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter()
            .map(|row| Card {
                name: row.get("name").and_then(text).unwrap_or_default(),
                mac: row.get("hardware-address").and_then(text).unwrap_or_default(),
                addresses: row
                    .get("ip-addresses")
                    .and_then(Value::as_array)
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|address| address.get("ip-address").and_then(text))
                    .collect(),
            })
            .collect()
    }
}

/// A network card as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name: `eth0`.
    pub name: String,
    /// Its hardware address.
    pub mac: String,
    /// Its addresses, without prefixes.
    pub addresses: Vec<String>,
}

/// A container's network card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContainerCard {
    /// Its name: `eth0`.
    #[serde(default, deserialize_with = "words")]
    pub name: String,
    /// Its hardware address.
    #[serde(
        default,
        rename = "hwaddr",
        alias = "hardware-address",
        deserialize_with = "maybe_words"
    )]
    pub mac: Option<String>,
    /// Its IPv4 address with the prefix.
    #[serde(default, deserialize_with = "maybe_words")]
    pub inet: Option<String>,
    /// Its IPv6 address with the prefix.
    #[serde(default, deserialize_with = "maybe_words")]
    pub inet6: Option<String>,
}

/// A command that the agent has started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Started {
    /// Its process id in the guest.
    #[serde(deserialize_with = "count")]
    pub pid: u64,
}

/// What became of a command in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExecStatus {
    /// Whether it has ended.
    #[serde(deserialize_with = "switch")]
    pub exited: bool,
    /// How, where it ended by itself.
    #[serde(default, deserialize_with = "maybe_number")]
    pub exitcode: Option<i64>,
    /// The signal that ended it.
    #[serde(default, deserialize_with = "maybe_number")]
    pub signal: Option<i64>,
    /// What it wrote.
    #[serde(default, deserialize_with = "maybe_words")]
    pub out_data: Option<String>,
    /// What it wrote as errors.
    #[serde(default, deserialize_with = "maybe_words")]
    pub err_data: Option<String>,
    /// Whether it wrote more than that.
    #[serde(default, deserialize_with = "switch")]
    pub out_truncated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_agent_says_may_be_an_error() {
        let said: AgentResult =
            serde_json::from_value(json!({"result": {"error": {"class": "x", "desc": "no"}}})).unwrap();
        assert_eq!(said.error().as_deref(), Some("no"));
        let said: AgentResult = serde_json::from_value(json!({"result": [
            {"name": "eth0", "hardware-address": "aa:bb", "ip-addresses": [{"ip-address": "10.0.0.5", "prefix": 24}]},
            {"name": "lo"},
        ]}))
        .unwrap();
        assert_eq!(said.error(), None);
        assert_eq!(said.cards()[0].addresses, ["10.0.0.5"]);
        assert_eq!(said.cards().len(), 2);
    }
}
