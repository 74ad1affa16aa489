//! A tree → typed values, with every problem found on the way.
//!
//! serde stops at the first problem. To find them all, the offending value is cut out of the tree and
//! the rest is read again, until nothing offends or what is left cannot be read. Unknown keys need no
//! cut: they are reported and left out.

mod access;
mod decode;
mod fault;
mod reader;

pub(crate) use decode::decode;
pub(crate) use fault::{closest, did_you_mean};
