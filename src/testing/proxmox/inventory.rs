//! What the cluster holds: ids, lists, pools.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeGuest, State};
use crate::adapters::proxmox::ApiMethod;
use serde_json::{Value, json};

impl State {
    pub(super) fn next_id(&self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        if let Some(wanted) = asked.param("vmid") {
            let id: u32 = asked.number("vmid");
            return if self.guests.contains_key(&id) {
                Err(FakeRefusal::parameter(
                    "vmid",
                    format!("VM {wanted} already exists"),
                ))
            } else {
                // The schema says a number, real answers are text.
                Ok(json!(wanted))
            };
        }
        let free = (100..1_000_000).find(|id| !self.guests.contains_key(id));
        free.map(|id| json!(id.to_string()))
            .ok_or_else(|| FakeRefusal::died("unable to get any free VMID"))
    }

    pub(super) fn resources(&self, asked: &Asked<'_>) -> Value {
        let mut rows = Vec::new();
        let kind = asked.param("type");
        if kind.is_none_or(|kind| kind == "vm") {
            let visible = self
                .guests
                .values()
                .filter(|guest| self.may(&format!("/vms/{}", guest.id()), "VM.Audit"));
            rows.extend(visible.map(|guest| self.resource(guest)));
        }
        if kind.is_none_or(|kind| kind == "storage") {
            for node in self.nodes.keys() {
                for (name, storage) in &self.storages {
                    if self.may(&format!("/storage/{name}"), "Datastore.Audit") {
                        let content: Vec<&str> = storage.content.iter().map(String::as_str).collect();
                        rows.push(json!({
                            "id": format!("storage/{node}/{name}"), "type": "storage", "storage": name,
                            "node": node, "plugintype": storage.kind, "content": content.join(","),
                            "status": "available", "maxdisk": storage.total, "disk": storage.used,
                        }));
                    }
                }
            }
        }
        json!(rows)
    }

    fn resource(&self, guest: &FakeGuest) -> Value {
        let kind = guest.at.kind.segment();
        let mut row = json!({
            "id": format!("{kind}/{}", guest.id()), "type": kind, "vmid": guest.id(),
            "node": guest.at.node, "status": "unknown",
        });
        // These come from the status daemon, which is seconds behind.
        if guest.known_from <= self.now {
            row["name"] = json!(guest.name());
            row["status"] = json!(if guest.running { "running" } else { "stopped" });
            row["template"] = json!(u8::from(guest.is_template()));
        }
        if let Some(tags) = guest.config.get("tags").filter(|_| !guest.is_half_made()) {
            row["tags"] = json!(tags);
        }
        if let Some(lock) = &guest.lock {
            row["lock"] = json!(lock);
        }
        if let Some(pool) = &guest.pool {
            row["pool"] = json!(pool);
        }
        row
    }

    pub(super) fn node_list(&self) -> Value {
        let rows: Vec<Value> = self
            .nodes
            .iter()
            .map(|(name, node)| {
                json!({
                    "node": name, "id": format!("node/{name}"), "type": "node",
                    "status": if node.online { "online" } else { "offline" },
                    "ssl_fingerprint": vec!["0A"; 32].join(":"),
                })
            })
            .collect();
        json!(rows)
    }

    pub(super) fn pool_call(&mut self, method: ApiMethod, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let pool = asked.param("poolid").unwrap_or_default().to_owned();
        let unknown = || FakeRefusal::died(format!("pool '{pool}' does not exist"));
        match method {
            ApiMethod::Get => {
                let names: Vec<&String> = self
                    .pools
                    .keys()
                    .filter(|name| pool.is_empty() || **name == pool)
                    .filter(|name| self.may(&format!("/pool/{name}"), "Pool.Audit"))
                    .collect();
                if names.is_empty() && !pool.is_empty() {
                    return Err(unknown());
                }
                let rows: Vec<Value> = names
                    .into_iter()
                    .map(|name| {
                        let mut row = json!({"poolid": name, "comment": self.pools.get(name)});
                        if !pool.is_empty() {
                            row["members"] = json!(self.members(name));
                        }
                        row
                    })
                    .collect();
                Ok(json!(rows))
            }
            ApiMethod::Post => {
                if self.pools.contains_key(&pool) {
                    return Err(FakeRefusal::died(format!("pool '{pool}' already exists")));
                }
                let comment = asked.param("comment").unwrap_or_default();
                self.pools.insert(pool, comment.to_owned());
                Ok(Value::Null)
            }
            ApiMethod::Put => {
                if !self.pools.contains_key(&pool) {
                    return Err(unknown());
                }
                let id: u32 = asked.number("vms");
                self.need(&format!("/vms/{id}"), "VM.Allocate")?;
                let Some(guest) = self.guests.get_mut(&id) else {
                    return Err(FakeRefusal::died(format!("VM {id} does not exist")));
                };
                if let Some(other) = guest.pool.as_ref().filter(|other| **other != pool) {
                    return Err(FakeRefusal::died(format!(
                        "VM {id} belongs already to pool '{other}'"
                    )));
                }
                guest.pool = Some(pool);
                Ok(Value::Null)
            }
            ApiMethod::Delete => {
                if !self.members(&pool).is_empty() {
                    return Err(FakeRefusal::died(format!("pool '{pool}' is not empty")));
                }
                self.pools.remove(&pool).ok_or_else(unknown)?;
                Ok(Value::Null)
            }
        }
    }

    fn members(&self, pool: &str) -> Vec<Value> {
        let inside = self
            .guests
            .values()
            .filter(|guest| guest.pool.as_deref() == Some(pool));
        inside
            .map(|guest| {
                let kind = guest.at.kind.segment();
                json!({
                    "id": format!("{kind}/{}", guest.id()), "type": kind, "vmid": guest.id(),
                    "node": guest.at.node,
                })
            })
            .collect()
    }
}
