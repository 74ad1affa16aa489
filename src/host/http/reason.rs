//! The text beside the status code of an answer, which ureq reads over. It means nothing in HTTP
//! (RFC 9112, 4), but some servers say nowhere else what went wrong.

use std::cell::RefCell;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// A longer one is cut, in bytes.
const LONGEST: usize = 1024;

thread_local! {
    /// Of the answer that this thread has read last: a request is sent, and the head of its answer
    /// read, by one thread in one call.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a request, and says what stood beside the status code of its answer.
pub(super) fn heard<T>(run: impl FnOnce() -> T) -> (T, String) {
    LAST.with_borrow_mut(String::clear);
    let outcome = run();
    (outcome, LAST.take())
}

/// Listens in on every connection.
#[derive(Debug)]
pub(super) struct ReasonPhrase;

impl<T: Transport> Connector<T> for ReasonPhrase {
    type Out = Listening<T>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<T>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|transport| Listening {
            transport,
            awaits_status: false,
        }))
    }
}

/// A connection that is listened in on.
#[derive(Debug)]
pub(super) struct Listening<T> {
    transport: T,
    /// Something was sent, and no whole line has come since.
    awaits_status: bool,
}

impl<T: Transport> Transport for Listening<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.awaits_status = true;
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let progress = self.transport.await_input(timeout)?;
        if self.awaits_status {
            // Nothing of a head is consumed before all of it is there.
            let input = self.transport.buffers().input();
            if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
                self.awaits_status = false;
                LAST.set(phrase(&input[..end]));
            }
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

/// The phrase in `HTTP/1.1 500 VM is locked (clone)`.
fn phrase(line: &[u8]) -> String {
    let phrase = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    let phrase = &phrase[..phrase.len().min(LONGEST)];
    String::from_utf8_lossy(phrase).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{Client, HttpSettings, Outgoing, Transfer};
    use super::*;
    use std::io::{BufRead, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_phrase_is_what_follows_the_code() {
        for (line, expected) in [
            (&b"HTTP/1.1 200 OK\r"[..], "OK"),
            (b"HTTP/1.1 500 VM is locked (clone)\r", "VM is locked (clone)"),
            (b"HTTP/1.1 204\r", ""),
            (b"HTTP/1.1 204 \r", ""),
            (b"", ""),
        ] {
            assert_eq!(phrase(line), expected);
        }
    }

    #[test]
    fn each_answer_on_a_kept_connection_has_its_own_phrase() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let mut connection = BufReader::new(listener.accept().unwrap().0);
            for pieces in [
                &["HTTP/1.1 500 one\r\nContent-Length: 1\r\n\r\na"][..],
                &["HTTP/1.1 200 t", "wo\r\nContent-Len", "gth: 0\r\n\r\n"],
                &["HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"],
            ] {
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    connection.read_line(&mut line).unwrap();
                }
                for piece in pieces {
                    connection.get_mut().write_all(piece.as_bytes()).unwrap();
                }
            }
        });
        let client = Client::new(&HttpSettings::default()).unwrap();
        for expected in ["one", "two", ""] {
            let mut answer = client
                .transfer(Transfer {
                    method: "POST",
                    url: &url,
                    headers: &[],
                    body: Outgoing::Nothing,
                    patience: Duration::from_secs(5),
                    limit: Duration::from_secs(5),
                })
                .unwrap();
            assert_eq!(answer.reason, expected);
            answer.body.read_to_end(&mut Vec::new()).unwrap();
        }
        serving.join().unwrap();
    }
}
