//! The fake cluster and the sessions that ask it.

use super::agent::Exec;
use super::agent::ExecOutcome;
use super::fault::FaultTiming;
use super::fault::Planned;
use super::fault::What;
use super::refusal::FakeRefusal;
use super::rights::Grant;
use super::state::FakeGuest;
use super::state::FakeNode;
use super::state::FakeStorage;
use super::state::FakeVolume;
use super::state::Logged;
use super::state::State;
use super::state::Touch;
use super::state::USER;
use crate::adapters::proxmox::{ApiRequest, ApiResponse, GuestRef, NoAnswer, NoAnswerKind, Transport};
use crate::ports::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What acts between two requests.
type Between = Box<dyn FnMut(&FakeCluster, &ApiRequest) + Send>;

/// A fake cluster. As a [`Transport`] it is asked in process, with the token of [`USER`].
pub struct FakeCluster {
    state: Mutex<State>,
    faults: Mutex<Vec<Planned>>,
    between: Mutex<Option<Between>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl FakeCluster {
    /// A cluster of PVE 9.1 with the node `pve1`, the storages `local` (directory: templates, backups) and
    /// `local-zfs` (disks), and nothing else.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(State::new()),
            faults: Mutex::default(),
            between: Mutex::default(),
            clock,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.monotonic();
        state.unix = self.clock.now().unix_millis() / 1000;
        state.settle();
        state
    }

    /// Adds a node.
    pub fn add_node(&self, node: &str) {
        self.state()
            .nodes
            .insert(node.to_owned(), FakeNode { online: true });
    }

    /// Cuts a node off from the others, or connects it again.
    pub fn set_online(&self, node: &str, online: bool) {
        self.state().nodes.insert(node.to_owned(), FakeNode { online });
    }

    /// Adds a storage on every node, or replaces it.
    pub fn add_storage(&self, name: &str, storage: FakeStorage) {
        self.state().storages.insert(name.to_owned(), storage);
    }

    /// Adds a pool.
    pub fn add_pool(&self, pool: &str) {
        self.state().pools.insert(pool.to_owned(), String::new());
    }

    /// Adds something to a storage: `local:vztmpl/debian-13.tar.zst`.
    pub fn add_volume(&self, volid: &str, content: &str) {
        let mut state = self.state();
        let volume = FakeVolume {
            content: content.to_owned(),
            vmid: None,
            size: 1 << 20,
            ctime: state.unix,
            notes: String::new(),
            protected: false,
            saved: None,
            bytes: Vec::new(),
        };
        let storage = volid.split(':').next().unwrap_or_default();
        if let Some(storage) = state.storages.get_mut(storage) {
            storage.volumes.insert(volid.to_owned(), volume);
        }
    }

    /// Adds a guest that nobody's token has made, stopped; in place of one that has its id. Returns its
    /// serial number.
    pub fn add_guest(&self, at: GuestRef, name: &str) -> u64 {
        let mut state = self.state();
        let mut guest = FakeGuest::new(at, name);
        let serial = state.next_serial();
        guest.renew(serial);
        state.guests.insert(guest.id(), guest);
        serial
    }

    /// Adds a template.
    pub fn add_template(&self, at: GuestRef, name: &str) -> u64 {
        let id = at.id;
        let serial = self.add_guest(at, name);
        self.edit(id, |guest| {
            guest.config.insert("template".to_owned(), "1".to_owned());
        });
        serial
    }

    /// Somebody destroys a guest and another one gets its id at once. Returns the serial number of the
    /// new one.
    pub fn recycle(&self, id: u32, name: &str) -> u64 {
        let at = self
            .guest(id)
            .map_or_else(|| GuestRef::vm("pve1", id), |guest| guest.at);
        self.add_guest(at, name)
    }

    /// Somebody destroys a guest.
    pub fn remove(&self, id: u32) {
        self.state().guests.remove(&id);
    }

    /// Somebody changes a guest; nothing happens where there is none.
    pub fn edit(&self, id: u32, change: impl FnOnce(&mut FakeGuest)) {
        if let Some(guest) = self.state().guests.get_mut(&id) {
            change(guest);
        }
    }

    /// Whether a task holds a guest, so that nobody else could change it.
    pub fn is_held(&self, id: u32) -> bool {
        let state = self.state();
        let guest = state.guests.get(&id);
        guest.is_some_and(|guest| guest.flock.is_some() || guest.lock.is_some())
    }

    /// A guest as it stands.
    pub fn guest(&self, id: u32) -> Option<FakeGuest> {
        self.state().guests.get(&id).cloned()
    }

    /// Every guest as it stands, by id.
    pub fn guests(&self) -> Vec<FakeGuest> {
        self.state().guests.values().cloned().collect()
    }

    /// A storage as it stands.
    pub fn storage(&self, name: &str) -> Option<FakeStorage> {
        self.state().storages.get(name).cloned()
    }

    /// The pools with what is written beside them.
    pub fn pools(&self) -> BTreeMap<String, String> {
        self.state().pools.clone()
    }

    /// Tasks of this type (`qmclone`) take so long from now on.
    pub fn takes(&self, kind: &str, duration: Duration) {
        self.state().durations.insert(kind.to_owned(), duration);
    }

    /// Pretends to be this version: `8.3.2`. Before 8.4 an error's text stands only beside the status.
    pub fn set_version(&self, version: &str) {
        let mut state = self.state();
        version.clone_into(&mut state.version);
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        state.old_messages = number < (8, 4);
    }

    /// Takes the majority away, or gives it back.
    pub fn set_quorate(&self, quorate: bool) {
        self.state().quorate = quorate;
    }

    /// Gives a user (of a token) privileges on a path and below. One who was never given any may do
    /// everything.
    pub fn grant(&self, user: &str, path: &str, privileges: &[&str]) {
        let grant = Grant {
            path: path.to_owned(),
            privileges: privileges.iter().map(|name| (*name).to_owned()).collect(),
        };
        self.state()
            .rights
            .entry(user.to_owned())
            .or_default()
            .push(grant);
    }

    /// Lets something go wrong.
    pub fn fault(&self, when: FaultTiming, what: What) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(Planned { when, what });
    }

    /// Lets somebody act before each request. What they do with the cluster's own functions is no
    /// request; nothing acts before the requests of a [`ClusterSession`] that they make.
    pub fn between(&self, act: impl FnMut(&Self, &ApiRequest) + Send + 'static) {
        *self.between.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
    }

    /// What commands in guests do that are started through the agent. By default they end at once, well
    /// and without a word. It must not ask the cluster for anything.
    pub fn on_exec(&self, behaviour: impl Fn(&Exec<'_>) -> ExecOutcome + Send + Sync + 'static) {
        self.state().processes.behaviour = Some(Arc::new(behaviour));
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<Logged> {
        self.state().log.clone()
    }

    /// Every write that was asked for about a guest, or about a backup of one.
    pub fn touches(&self) -> Vec<Touch> {
        self.state().touches.clone()
    }

    /// The writes that were asked for about the guest with this serial number.
    pub fn touched(&self, serial: u64) -> Vec<Touch> {
        let mut touches = self.touches();
        touches.retain(|touch| touch.serial == serial);
        touches
    }

    /// The writes of a user about guests that the same user has not made: there must be none.
    pub fn foreign_touched(&self, user: &str) -> Vec<Touch> {
        let mut touches = self.touches();
        touches.retain(|touch| touch.user == user && touch.maker.as_deref() != Some(user));
        touches
    }

    /// Asks with another token.
    pub fn session(self: &Arc<Self>, user: &str) -> ClusterSession {
        ClusterSession {
            cluster: self.clone(),
            user: user.to_owned(),
        }
    }

    /// Answers a request of a user.
    ///
    /// # Errors
    /// When a fault says that there is no answer.
    pub fn answer(&self, user: &str, request: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        let acting = self.between.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut acting) = acting {
            acting(self, request);
            let mut between = self.between.lock().unwrap_or_else(PoisonError::into_inner);
            between.get_or_insert(acting);
        }
        let fault = self.due(request);
        if let Some(What::Slow(time)) = &fault {
            // A signal ends the wait of whoever asks; here it only shortens it.
            let _ = self.clock.sleep(*time);
        }
        let mut state = self.state();
        user.clone_into(&mut state.user);
        let outcome = match fault {
            Some(What::Unreachable) => {
                Err(none(NoAnswerKind::Unreachable, "connection refused by pve1:8006"))
            }
            Some(What::Cut) => Err(none(
                NoAnswerKind::Unanswered,
                "the connection was closed by pve1:8006",
            )),
            Some(What::Refuse(status, text)) => Ok(state.refused(&FakeRefusal::new(status, text))),
            Some(What::DoneButCut) => {
                let _ = state.handle(request);
                Err(none(
                    NoAnswerKind::Unanswered,
                    "the connection was closed by pve1:8006",
                ))
            }
            Some(What::DoneBut(status, text)) => {
                let _ = state.handle(request);
                Ok(state.refused(&FakeRefusal::new(status, text)))
            }
            Some(What::Nonsense(body)) => Ok(ApiResponse {
                status: 200,
                reason: "OK".to_owned(),
                json: false,
                body: body.into_bytes(),
            }),
            Some(What::Task(fault)) => {
                state.next_task = Some(fault);
                let answer = state.respond(request);
                state.next_task = None;
                Ok(answer)
            }
            Some(What::Slow(_)) | None => Ok(state.respond(request)),
        };
        let status = outcome.as_ref().ok().map(|answer| answer.status);
        let user = state.user.clone();
        state.log.push(Logged {
            user,
            method: request.method.as_str(),
            path: request.path.clone(),
            params: request.params.clone(),
            status,
        });
        outcome
    }

    fn due(&self, request: &ApiRequest) -> Option<What> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = None;
        for planned in faults.iter_mut() {
            if planned.is_due(request) && due.is_none() {
                due = Some(planned.what.clone());
            }
        }
        faults.retain(|planned| !planned.is_over());
        due
    }
}

fn none(kind: NoAnswerKind, text: &str) -> NoAnswer {
    NoAnswer {
        kind,
        why: text.into(),
    }
}

impl Transport for FakeCluster {
    fn send(&self, request: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        self.answer(USER, request)
    }

    fn peer(&self) -> String {
        "pve1:8006".to_owned()
    }
}

/// A fake cluster, asked with one token.
pub struct ClusterSession {
    cluster: Arc<FakeCluster>,
    user: String,
}

impl Transport for ClusterSession {
    fn send(&self, request: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        self.cluster.answer(&self.user, request)
    }

    fn peer(&self) -> String {
        self.cluster.peer()
    }
}
