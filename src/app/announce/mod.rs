//! What a run tells the forge while it goes on: a deployment, a check, a comment, a status of the commit.
//!
//! A forge that is slow or dead neither delays a rollout nor changes how it ends: a rollout only puts words into
//! a mailbox, a thread of its own speaks, and what could not be told is a warning.

mod announcement;
mod announcer;
mod audience;
mod departure;
mod label;
mod mailbox;
mod refusal;
mod speaker;

use announcement::around;
pub(in crate::app) use announcement::{Announcement, End, Ended};
pub use announcer::{Announcer, Forges};
pub use audience::Audience;
pub(in crate::app) use departure::departure;
pub(in crate::app) use label::Labelled;
pub use refusal::conditions;
pub(in crate::app) use refusal::{Intent, refusal};
