//! From a request to who answers it.

use super::check::check;
use super::refusal::FakeRefusal;
use super::state::{State, Touch};
use super::table;
use crate::adapters::proxmox::{ApiMethod, ApiRequest, ApiResponse, GuestKind, GuestRef};
use serde_json::{Value, json};

/// A request, taken apart.
pub(super) struct Asked<'r> {
    pub(super) request: &'r ApiRequest,
    vars: Vec<(&'static str, &'r str)>,
}

impl<'r> Asked<'r> {
    /// A variable of the path; empty where there is none.
    pub(super) fn var(&self, name: &str) -> &'r str {
        let found = self.vars.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(super) fn param(&self, name: &str) -> Option<&'r str> {
        self.request.param(name)
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.param(name) == Some("1")
    }

    pub(super) fn number<T: std::str::FromStr + Default>(&self, name: &str) -> T {
        let value = self.param(name).unwrap_or_default();
        value.parse().unwrap_or_default()
    }

    /// The guest of the path.
    pub(super) fn guest(&self) -> GuestRef {
        GuestRef {
            kind: if self.request.path.contains("/lxc") {
                GuestKind::Container
            } else {
                GuestKind::Vm
            },
            node: self.var("node").to_owned(),
            id: self.var("vmid").parse().unwrap_or_default(),
        }
    }
}

impl State {
    pub(super) fn respond(&mut self, request: &ApiRequest) -> ApiResponse {
        match self.handle(request) {
            Ok(data) => ApiResponse {
                status: 200,
                reason: "OK".to_owned(),
                json: true,
                body: json!({ "data": data }).to_string().into_bytes(),
            },
            Err(refusal) => self.refused(&refusal),
        }
    }

    pub(super) fn refused(&self, refusal: &FakeRefusal) -> ApiResponse {
        let mut body = json!({ "data": Value::Null });
        if !self.old_messages {
            body["message"] = json!(format!("{}\n", refusal.text));
        }
        if !refusal.errors.is_empty() {
            body["errors"] = json!(refusal.errors);
        }
        // 401 and the codes of a node that gave up on another have no body.
        let json = !matches!(refusal.status, 401 | 501 | 506 | 595..=599);
        ApiResponse {
            status: refusal.status,
            reason: refusal.text.lines().next().unwrap_or_default().to_owned(),
            json,
            body: if json {
                body.to_string().into_bytes()
            } else {
                Vec::new()
            },
        }
    }
}

impl State {
    /// Does what a request asks for.
    pub(super) fn handle(&mut self, request: &ApiRequest) -> Result<Value, FakeRefusal> {
        let (method, path) = (request.method, request.path.as_str());
        let Some((call, vars)) = table::find(method.as_str(), path) else {
            return Err(FakeRefusal::new(
                501,
                format!("Method '{method} {path}' not implemented"),
            ));
        };
        let asked = Asked { request, vars };
        self.note(&asked);
        let outcome = self.checked(call, &asked);
        if outcome.is_err()
            && let Some(touch) = self.touches.last_mut()
            && touch.what == request.to_string()
        {
            touch.refused = true;
        }
        outcome
    }

    fn checked(&mut self, call: &table::ApiCall, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let mut params = asked.request.params.clone();
        if let Some(upload) = &asked.request.upload {
            params.push(("filename".to_owned(), upload.filename.clone()));
        }
        check(call, &params)?;
        let node = asked.var("node");
        if !node.is_empty() {
            match self.nodes.get(node) {
                None => {
                    let text =
                        format!("hostname lookup '{node}' failed - failed to get address info for: {node}");
                    return Err(FakeRefusal::died(text));
                }
                Some(known) if !known.online => return Err(FakeRefusal::new(595, "No route to host")),
                Some(_) => {}
            }
        }
        if asked.request.writes() && !self.quorate {
            return Err(FakeRefusal::died("cluster not ready - no quorum?"));
        }
        if let Some((template, privileges)) = call.privilege {
            let mut path = template.to_owned();
            for (name, value) in &asked.vars {
                path = path.replace(&format!("{{{name}}}"), value);
            }
            path = path.replace("{poolid}", asked.param("poolid").unwrap_or_default());
            self.need(&path, privileges)?;
        }
        self.dispatch(call.path, asked)
    }

    /// Notes a write about a guest that is there, or about the backup of one.
    fn note(&mut self, asked: &Asked<'_>) {
        let request = asked.request;
        let path = request.path.as_str();
        if !request.writes() || path.ends_with("/clone") {
            return;
        }
        // A new container is no guest that is there, even where its id is taken.
        let named = if path.ends_with("/vzdump") || path.ends_with("/qemu") || asked.is_on("restore") {
            asked.param("vmid")
        } else if path == "/pools" {
            asked.param("vms")
        } else {
            Some(asked.var("vmid"))
        };
        let id = named.and_then(|id| id.parse().ok()).unwrap_or_default();
        let storage = self.storages.get(asked.var("storage"));
        let volume = storage.and_then(|storage| storage.volumes.get(asked.var("volume")));
        let saved = volume.and_then(|volume| volume.saved.as_deref());
        let Some(guest) = self.guests.get(&id).or(saved) else {
            return;
        };
        let touch = Touch {
            serial: guest.serial,
            id: guest.id(),
            maker: guest.maker.clone(),
            user: self.user.clone(),
            what: request.to_string(),
            refused: false,
        };
        self.touches.push(touch);
    }

    fn dispatch(&mut self, path: &str, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let method = asked.request.method;
        if let Some(rest) = path
            .strip_prefix("/nodes/{node}/qemu/{vmid}")
            .or_else(|| path.strip_prefix("/nodes/{node}/lxc/{vmid}"))
        {
            return self.guest_call(method, rest, asked);
        }
        if let Some(rest) = path.strip_prefix("/nodes/{node}/storage") {
            return self.storage_call(method, rest, asked);
        }
        match (method, path) {
            (ApiMethod::Get, "/version") => {
                let release: Vec<&str> = self.version.split('.').take(2).collect();
                Ok(json!({"version": self.version, "release": release.join("."), "repoid": "fa4e"}))
            }
            (ApiMethod::Get, "/access/permissions") => Ok(json!(self.permissions(asked.param("path")))),
            (ApiMethod::Get, "/cluster/nextid") => self.next_id(asked),
            (ApiMethod::Get, "/cluster/resources") => Ok(self.resources(asked)),
            (ApiMethod::Get, "/nodes") => Ok(self.node_list()),
            (ApiMethod::Get, "/nodes/{node}/network") => {
                Ok(json!([{"iface": "vmbr0", "type": "bridge", "active": 1}]))
            }
            (ApiMethod::Get, "/nodes/{node}/query-oci-repo-tags") => Ok(json!(["latest"])),
            (ApiMethod::Post, "/nodes/{node}/vzdump") => self.vzdump(asked),
            (ApiMethod::Post, "/nodes/{node}/qemu") => self.restore(asked),
            (ApiMethod::Post, "/nodes/{node}/lxc") if asked.is_on("restore") => self.restore(asked),
            (ApiMethod::Post, "/nodes/{node}/lxc") => self.create_container(asked),
            (ApiMethod::Get, "/nodes/{node}/tasks") => {
                let limit: usize = asked.number("limit");
                let limit = if limit == 0 { 50 } else { limit };
                Ok(self.tasks_of(asked.var("node"), asked.param("vmid"), limit))
            }
            (ApiMethod::Get, "/nodes/{node}/tasks/{upid}/status") => {
                self.task_status(asked.var("node"), asked.var("upid"))
            }
            (ApiMethod::Get, "/nodes/{node}/tasks/{upid}/log") => {
                let limit = asked.param("limit").map_or(50, |_| asked.number("limit"));
                self.task_log(asked.var("node"), asked.var("upid"), asked.number("start"), limit)
            }
            (ApiMethod::Delete, "/nodes/{node}/tasks/{upid}") => {
                self.stop_task(asked.var("node"), asked.var("upid"))
            }
            (_, "/pools") => self.pool_call(method, asked),
            _ => Err(FakeRefusal::new(
                501,
                format!("Method '{}' not implemented", asked.request),
            )),
        }
    }

    fn guest_call(&mut self, method: ApiMethod, rest: &str, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let at = asked.guest();
        match (method, rest) {
            (ApiMethod::Get, "/config") => self.config(&at),
            (ApiMethod::Post | ApiMethod::Put, "/config") => self.configure(&at, asked),
            (ApiMethod::Put, "/resize") => self.resize(&at, asked),
            (ApiMethod::Post, "/clone") => self.clone_guest(&at, asked),
            (ApiMethod::Get, "/status/current") => self.status(&at),
            (ApiMethod::Post, "/status/start") => self.start(&at),
            (ApiMethod::Post, "/status/stop") => self.stop(&at, asked),
            (ApiMethod::Post, "/status/shutdown") => self.shutdown(&at, asked),
            (ApiMethod::Delete, "") => self.destroy(&at, asked),
            (ApiMethod::Get, "/snapshot") => self.snapshots(&at),
            (ApiMethod::Post, "/snapshot") => self.take_snapshot(&at, asked),
            (ApiMethod::Post, "/snapshot/{snapname}/rollback") => self.roll_back(&at, asked),
            (ApiMethod::Delete, "/snapshot/{snapname}") => self.delete_snapshot(&at, asked),
            (ApiMethod::Get, "/feature") => self.feature(&at),
            (ApiMethod::Get, "/interfaces") => self.container_cards(&at),
            (ApiMethod::Post, "/agent/ping") => self.agent(&at).map(|_| json!({"result": {}})),
            (ApiMethod::Get, "/agent/network-get-interfaces") => self.agent_cards(&at),
            (ApiMethod::Post, "/agent/exec") => self.exec(&at, asked),
            (ApiMethod::Get, "/agent/exec-status") => self.exec_status(&at, asked.number("pid")),
            (ApiMethod::Post, "/agent/file-write") => self.write_file(&at, asked),
            _ => Err(FakeRefusal::new(
                501,
                format!("Method '{}' not implemented", asked.request),
            )),
        }
    }
}
