//! The console: what people see of a rollout while it goes on.

mod ending;
mod evidence;
mod lines;
mod style;
#[cfg(test)]
mod tests;

pub use lines::Console;
pub use style::{Groups, Style};
