//! A client that hides nothing: text out, text in.

use crate::support::backend::read_chunk;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, its body read in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One keep-alive connection.
pub(crate) struct Client {
    pub(crate) reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(text.as_ref())
    }

    pub(crate) fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.send(format!("GET {target} HTTP/1.1\r\nhost: app.test\r\n\r\n"))?;
        self.answer(true)
    }

    pub(crate) fn head(&mut self) -> io::Result<(u16, String)> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, head))
    }

    /// Reads an answer; `with_body` is false after HEAD.
    pub(crate) fn answer(&mut self, with_body: bool) -> io::Result<Answer> {
        let (status, head) = self.head()?;
        let mut body = Vec::new();
        let lower = head.to_ascii_lowercase();
        if with_body && lower.contains("transfer-encoding: chunked") {
            loop {
                let chunk = read_chunk(&mut self.reader).ok_or(io::ErrorKind::UnexpectedEof)?;
                if chunk.is_empty() {
                    break;
                }
                body.extend(chunk);
            }
            let mut end = String::new();
            self.reader.read_line(&mut end)?;
        } else if with_body && let Some((_, rest)) = lower.split_once("content-length:") {
            let length: usize = rest.lines().next().unwrap().trim().parse().unwrap();
            body.resize(length, 0);
            self.reader.read_exact(&mut body)?;
        }
        Ok(Answer {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        })
    }
}
