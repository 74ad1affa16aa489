//! Randomness from the operating system.

use std::fmt::Write as _;

/// `bytes` random bytes as lower-case hex digits.
///
/// # Errors
/// When the operating system gives none.
pub fn hex(bytes: usize) -> std::io::Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(std::io::Error::other)?;
    Ok(buffer
        .iter()
        .fold(String::with_capacity(bytes * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
}
