//! What the action is made of besides the executable: its installer, the scripts of a release, workflows.

mod install;
mod scripts;
mod workflows;
