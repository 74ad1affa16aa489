//! Every call that greenroom makes, one function each, so that a test can hold all of them against the
//! API's own schema. What they are given is in the API's words and limits; nothing is encoded yet,
//! except where the API wants a value encoded within itself.
//!
//! Left out on purpose, because no environment should need more rights than it has: `skiplock`, `lock`,
//! `startup`, `ha-managed`, `hookscript`, `args`, and `destroy-unreferenced-disks`, which looks through
//! every storage for the disks of an id that may have been somebody else's.

pub mod agent;
pub mod backup;
pub mod cluster;
pub mod container;
pub mod guest;
pub mod pool;
mod property;
pub mod service;
pub mod storage;
pub mod task;
pub mod vm;
