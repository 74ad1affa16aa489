//! Requests whose bodies go out and come in as streams, however large they are.

use super::failure::{Broken, HttpError, explain, is_disconnect};
use super::{Client, HttpRequest, connect_limit, headers, reason};
use crate::host::url::authority;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;
use ureq::http;

/// What a request carries.
pub enum Outgoing<'a> {
    /// Nothing; POST, PUT and PATCH say so with `Content-Length: 0`.
    Nothing,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A stream of which exactly `length` bytes are sent. Its own errors end the request.
    Stream {
        /// Where the bytes come from.
        reader: &'a mut dyn Read,
        /// How many there are.
        length: u64,
    },
}

/// One request with streamed bodies.
pub struct Transfer<'a> {
    /// `GET` and so on.
    pub method: &'a str,
    /// Where to: an absolute `http://` or `https://` URL.
    pub url: &'a str,
    /// Headers, added to `user-agent` and `accept` (which they may replace).
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Outgoing<'a>,
    /// The longest that the peer may keep still: before it answers, within a body, or while it takes
    /// none of ours.
    pub patience: Duration,
    /// The longest that everything together may take, both bodies included.
    pub limit: Duration,
}

/// The beginning of an answer, and its body as it comes.
pub struct Incoming {
    /// Status code.
    pub status: u16,
    /// The text beside the status code; empty where there is none.
    pub reason: String,
    /// Names in lower case; values of a repeated header joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body. A read fails when the connection is cut before its end. Once it has been read to its
    /// end the connection serves again.
    pub body: Box<dyn Read + Send>,
}

impl Client {
    /// Sends one request and returns once the answer's headers are there.
    ///
    /// # Errors
    /// [`super::Failure::Invalid`] when it makes no sense, [`super::Failure::Unreachable`] when there is no
    /// connection, [`super::Failure::Unanswered`] when there is no answer in time. A failing stream shows as
    /// [`super::Failure::Unanswered`], too: its owner knows better.
    pub fn transfer(&self, transfer: Transfer<'_>) -> Result<Incoming, HttpError> {
        let peer = authority(transfer.url);
        let was_known = self.known().contains(&peer);
        let Transfer {
            method,
            url,
            patience,
            ..
        } = transfer;
        let repeats = matches!(method, "GET" | "HEAD") && matches!(transfer.body, Outgoing::Nothing);
        let outcome = match self.begin(&transfer.head(), transfer.body, true) {
            // See [`Client::send`]: a kept connection may be closed at the moment it is used again.
            Err(error) if repeats && was_known && is_disconnect(&error) => {
                let head = Head {
                    method,
                    url,
                    headers: transfer.headers,
                    patience,
                    limit: transfer.limit,
                };
                self.begin(&head, Outgoing::Nothing, false)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(incoming) => {
                self.known().insert(peer);
                Ok(incoming)
            }
            Err(error) => {
                let none = BTreeMap::new();
                let request = HttpRequest {
                    method,
                    url,
                    headers: &none,
                    body: None,
                    timeout: patience,
                };
                Err(explain(&request, &peer, Broken::Call(error)))
            }
        }
    }

    fn begin(&self, head: &Head<'_>, body: Outgoing<'_>, reuse: bool) -> Result<Incoming, ureq::Error> {
        let mut builder = http::Request::builder().method(head.method).uri(head.url);
        for (name, value) in head.headers {
            builder = builder.header(*name, *value);
        }
        match body {
            Outgoing::Nothing if matches!(head.method, "POST" | "PUT" | "PATCH") => {
                self.run_streamed(builder.body(&b""[..])?, head, reuse)
            }
            Outgoing::Nothing => self.run_streamed(builder.body(())?, head, reuse),
            Outgoing::Bytes(bytes) => self.run_streamed(builder.body(bytes)?, head, reuse),
            Outgoing::Stream { reader, length } => {
                let mut exact = Exactly { reader, left: length };
                let request = builder
                    .header("content-length", length)
                    .body(ureq::SendBody::from_reader(&mut exact))?;
                self.run_streamed(request, head, reuse)
            }
        }
    }

    fn run_streamed<B: ureq::AsSendBody>(
        &self,
        request: http::Request<B>,
        head: &Head<'_>,
        reuse: bool,
    ) -> Result<Incoming, ureq::Error> {
        let mut configured = self
            .agent
            .configure_request(request)
            .timeout_global(Some(head.limit))
            .timeout_connect(Some(connect_limit(head.patience)))
            .timeout_recv_response(Some(head.patience))
            .timeout_per_read(Some(head.patience))
            .timeout_per_write(Some(head.patience));
        if !reuse {
            configured = configured.max_idle_age(Duration::ZERO);
        }
        let (answer, reason) = reason::heard(|| self.agent.run(configured.build()));
        let (parts, body) = answer?.into_parts();
        Ok(Incoming {
            status: parts.status.as_u16(),
            reason,
            headers: headers(&parts.headers),
            body: Box::new(body.into_with_config().limit(u64::MAX).reader()),
        })
    }
}

/// A transfer without its body, which goes out only once.
struct Head<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    patience: Duration,
    limit: Duration,
}

impl<'a> Transfer<'a> {
    fn head(&self) -> Head<'a> {
        Head {
            method: self.method,
            url: self.url,
            headers: self.headers,
            patience: self.patience,
            limit: self.limit,
        }
    }
}

/// Fails where a stream ends too early: a request would wait for the rest for ever.
struct Exactly<'a> {
    reader: &'a mut dyn Read,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the content ended {} bytes too early", self.left),
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, HttpSettings};
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    const SECOND: Duration = Duration::from_secs(1);

    /// A server of one connection that gives `answer` and returns what it was sent.
    fn served(answer: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let mut connection = BufReader::new(listener.accept().unwrap().0);
            let (mut seen, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                connection.read_line(&mut line).unwrap();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                seen.push_str(&line);
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            // A client whose content fails goes away in the middle.
            if connection.read_exact(&mut body).is_ok() {
                connection.get_mut().write_all(answer.as_bytes()).unwrap();
            }
            seen + &String::from_utf8_lossy(&body)
        });
        (url, serving)
    }

    fn transfer<'a>(method: &'a str, url: &'a str, body: Outgoing<'a>) -> Transfer<'a> {
        Transfer {
            method,
            url,
            headers: &[],
            body,
            patience: 5 * SECOND,
            limit: 10 * SECOND,
        }
    }

    #[test]
    fn a_stream_goes_out_with_its_length_and_comes_in_as_it_is() {
        let (url, serving) = served("HTTP/1.1 307 X\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nabc");
        let client = Client::new(&HttpSettings::default()).unwrap();
        let mut content = &b"content and more"[..];
        let body = Outgoing::Stream {
            reader: &mut content,
            length: 7,
        };
        let answer = client.transfer(transfer("PUT", &url, body)).unwrap();
        assert_eq!(
            (answer.status, answer.headers["location"].as_str()),
            (307, "/there")
        );
        let seen = serving.join().unwrap();
        assert!(
            seen.ends_with("\r\n\r\ncontent") && !seen.contains("transfer-encoding"),
            "{seen}"
        );
    }

    #[test]
    fn a_post_without_a_body_says_so() {
        let (url, serving) = served("HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n");
        let client = Client::new(&HttpSettings::default()).unwrap();
        client
            .transfer(transfer("POST", &url, Outgoing::Nothing))
            .unwrap();
        assert!(serving.join().unwrap().contains("content-length: 0"));
    }

    #[test]
    fn a_body_that_is_cut_is_an_error_and_not_an_end() {
        let (url, serving) = served("HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nabc");
        let client = Client::new(&HttpSettings::default()).unwrap();
        let mut answer = client.transfer(transfer("GET", &url, Outgoing::Nothing)).unwrap();
        let mut body = Vec::new();
        assert!(answer.body.read_to_end(&mut body).is_err());
        assert_eq!(body, b"abc");
        serving.join().unwrap();
    }

    #[test]
    fn content_that_ends_too_early_ends_the_request() {
        let (url, serving) = served("");
        let client = Client::new(&HttpSettings::default()).unwrap();
        let mut content = &b"short"[..];
        let body = Outgoing::Stream {
            reader: &mut content,
            length: 7,
        };
        assert!(client.transfer(transfer("PUT", &url, body)).is_err());
        serving.join().unwrap();
    }

    #[test]
    fn no_connection_and_no_answer_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/?key=secret", listener.local_addr().unwrap());
        let client = Client::new(&HttpSettings::default()).unwrap();
        let silent = Transfer {
            patience: SECOND / 5,
            ..transfer("GET", &url, Outgoing::Nothing)
        };
        let error = client.transfer(silent).err().unwrap();
        assert_eq!(error.failure, Failure::Unanswered, "{error}");
        drop(listener);
        let error = client
            .transfer(transfer("GET", &url, Outgoing::Nothing))
            .err()
            .unwrap();
        assert_eq!(error.failure, Failure::Unreachable, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
