//! Does one sample meet its check?

mod excerpt;
mod http;
mod json;
mod sample;
mod took;

pub use sample::judge;
