//! The API of Proxmox VE, as far as greenroom speaks it (PVE 8 and 9).
//!
//! A [`ApiRequest`] is data, made by the functions in [`calls`] and nowhere else. A [`Transport`] sends it,
//! [`Api`] reads what comes back: an answer of the wished form, a task ([`Upid`]), or a [`Fault`] that is
//! classified by one table. Nothing here waits, repeats or decides.

pub mod answers;
mod api;
pub mod calls;
mod decode;
mod fault;
pub mod guest;
mod request;
pub mod rights;
mod task;
mod upid;
mod wire;

pub use api::Api;
pub use fault::{Fault, FaultClass, unlock_hint};
pub use guest::{GuestKind, GuestRef};
pub use request::{ApiMethod, ApiRequest, ApiResponse, NoAnswer, NoAnswerKind, Open, Transport, Upload};
pub use task::{LogLine, TaskExit, TaskState};
pub use upid::Upid;
pub use wire::{HttpTransport, ProxmoxSettings, ProxmoxSettingsError};
