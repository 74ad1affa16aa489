//! A project's first files: choices → paths and texts. Pure.
//!
//! The texts are templates in `templates/` of the repository, embedded in the executable; a project's own
//! come before them. Their marks are `<< value >>`, `<% statement %>` and `<# comment #>`, so that the
//! `${{ }}` of workflows and the `{{ }}` of greenroom's configuration are plain text. What a template
//! names and nobody knows is an error, never empty.

mod action;
mod catalog;
mod change;
mod choices;
mod detect;
mod ecosystem;
mod facts;
mod next;
mod render;
mod setting;
mod text;
mod word;

pub use action::{ActionPin, CHECKOUT};
pub use catalog::{TEMPLATES, Template, template};
pub use change::{FileChange, changes, unified};
pub use choices::{Approvals, Begins, Choices, Ci, CiRunner, Jobs, Scanner, TargetChoice, TriggerKind};
pub use detect::detect;
pub use ecosystem::Ecosystem;
pub use next::next_steps;
pub use render::{File, Overrides, ScaffoldError, files, render};
pub use setting::Setting;
pub use text::{RunnerLabel, ServiceName};
