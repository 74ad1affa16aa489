//! Streams that are checked against the digest they were asked for by.

use crate::domain::model::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// Passes a stream on; the read that finds its end fails when the content does not match the digest.
pub(super) struct Verified<R> {
    inner: R,
    expected: Digest,
    hasher: Sha256,
}

impl<R: Read> Verified<R> {
    pub(super) fn new(inner: R, expected: Digest) -> Self {
        Self {
            inner,
            expected,
            hasher: Sha256::new(),
        }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count > 0 {
            self.hasher.update(&buffer[..count]);
        } else if !buffer.is_empty() {
            let found = Digest::from_sha256(self.hasher.clone().finalize().into());
            if found != self.expected {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the content has the digest {found} and not {}", self.expected),
                ));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_reached_only_by_the_right_content() {
        let mut right = Verified::new(&b"content"[..], Digest::of(b"content"));
        assert_eq!(io::read_to_string(&mut right).unwrap(), "content");
        assert_eq!(right.read(&mut [0; 8]).unwrap(), 0);
        for wrong in [&b"conten"[..], b"content!", b"cOntent", b""] {
            let error = io::read_to_string(Verified::new(wrong, Digest::of(b"content"))).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
