//! What the API answers with, read tolerantly: unknown fields are passed over, numbers may be strings.

mod agent;
mod objects;
mod storage;

pub use agent::{AgentResult, Card, ContainerCard, ExecStatus, Started};
pub use objects::{
    Bridge, Feature, Flag, GuestConfig, GuestStatus, Ha, Id, Member, Node, Permissions, Pool, Resource,
    Snapshot, TaskEntry, Version, disk_size,
};
pub use storage::{Storage, Volume};
