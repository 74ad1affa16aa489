//! octocrab on a runtime of its own: requests go in and answers come out while the caller waits.

use super::calls::{Call, Method};
use super::outcome::{Answer, Lost, cause};
use super::pages;
use super::transport::Transport;
use crate::domain::model::Secret;
use crate::host::github::ACCEPTED;
use bytes::Bytes;
use http::header::{ACCEPT, LINK};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, FromResponse, Octocrab, OctocrabBuilder};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// octocrab, and the runtime that drives it: no timers, no sockets, and no thread but for requests that are
/// under way.
pub(super) struct Session {
    octocrab: Octocrab,
    runtime: Runtime,
}

impl Session {
    /// Begins a session of whoever has the token.
    pub(super) fn new(transport: Arc<Transport>, token: &Secret) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        // octocrab keeps a queue, and starts what empties it at once.
        let entered = runtime.enter();
        let token = token.expose().to_owned().into();
        // The version (`x-github-api-version`) is octocrab's own.
        let headers = vec![(ACCEPT, HeaderValue::from_static(ACCEPTED))];
        let Ok(octocrab) = OctocrabBuilder::new_empty()
            .with_service(transport.service())
            .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
            .with_auth(AuthState::AccessToken { token })
            .build();
        drop(entered);
        Ok(Self { octocrab, runtime })
    }

    /// Sends a request once; `path` is its path from the root of the API, with a slash.
    pub(super) fn send(&self, call: &Call, path: &str) -> Result<Answer, Lost> {
        self.runtime.block_on(self.exchange(call, path))
    }

    /// octocrab's raw verbs hand every status and every header on; its others make an error of a refusal, and
    /// keep neither as it was.
    async fn exchange(&self, call: &Call, path: &str) -> Result<Answer, Lost> {
        let body = call.body.as_ref();
        let response = match call.method {
            Method::Get => self.octocrab._get(path).await,
            Method::Post => self.octocrab._post(path, body).await,
            Method::Patch => self.octocrab._patch(path, body).await,
            Method::Delete => self.octocrab._delete(path, body).await,
        };
        let (parts, body) = response?.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: texts(&parts.headers),
            body: body
                .collect()
                .await
                .map_err(|error| Lost::on_the_way(&error))?
                .to_bytes(),
            said: String::new(),
        })
    }

    /// Reads what a success holds: a model, or a page of them with the links of its `Link` header.
    ///
    /// # Errors
    /// With what is wrong with it, which may be foreign text.
    pub(super) fn read<T: FromResponse>(&self, link: &str, body: Bytes) -> Result<T, String> {
        let body = Full::new(body).map_err(|never: Infallible| -> octocrab::Error { match never {} });
        let mut response = Response::new(body);
        let link = pages::through(link);
        if !link.is_empty() {
            let link = HeaderValue::from_bytes(link.as_bytes()).map_err(|error| error.to_string())?;
            response.headers_mut().insert(LINK, link);
        }
        let read = self.runtime.block_on(T::from_response(response));
        read.map_err(|error| cause(&error))
    }
}

/// The headers of an answer as the rest of this module reads them.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let each = headers.iter();
    each.map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::calls::pulls;
    use super::*;
    use crate::domain::model::ErrorKind;
    use crate::host::github::GitHubApi;
    use crate::host::http::{Client, HttpSettings};
    use serde_json::{Value, json};
    use std::io::{BufRead, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    pub(in super::super) fn session(api: &str) -> Session {
        let client = Client::new(&HttpSettings::default()).unwrap();
        let token = Secret::new("swordfish".to_owned());
        let api = GitHubApi::new(api, Some(token.clone())).unwrap();
        Session::new(Arc::new(Transport::new(client, api)), &token).unwrap()
    }

    fn listening() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
        (listener, url)
    }

    /// Reads a request to its end.
    fn request(stream: &TcpStream) -> String {
        let mut stream = BufReader::new(stream);
        let (mut seen, mut length) = (String::new(), 0);
        while !seen.ends_with("\r\n\r\n") {
            let mut line = String::new();
            assert!(stream.read_line(&mut line).unwrap() > 0, "{seen}");
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            seen.push_str(&line);
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        seen + &String::from_utf8(body).unwrap()
    }

    /// What a server is asked that gives `answer` to one request, and what comes of it.
    fn asked(call: &Call, answer: &'static str) -> (String, Result<Answer, Lost>) {
        let (listener, url) = listening();
        let serving = thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            let seen = request(&stream);
            (&stream).write_all(answer.as_bytes()).unwrap();
            seen
        });
        let outcome = session(&url).send(call, "/repos/a/b");
        (serving.join().unwrap(), outcome)
    }

    fn post() -> Call {
        Call {
            method: Method::Post,
            path: String::new(),
            body: Some(json!({"a": 1})),
            needs: "",
        }
    }

    #[test]
    fn a_request_says_what_github_asks_for_and_each_thing_once() {
        let (seen, _) = asked(&pulls::pull(1), "HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n{}");
        assert!(seen.starts_with("GET /api/v3/repos/a/b HTTP/1.1\r\n"), "{seen}");
        for line in [
            "accept: application/vnd.github+json\r\n",
            "authorization: Bearer swordfish\r\n",
            "x-github-api-version: 2022-11-28\r\n",
            concat!("user-agent: greenroom/", env!("CARGO_PKG_VERSION"), "\r\n"),
        ] {
            assert_eq!(seen.matches(line).count(), 1, "{line:?} in {seen}");
        }
        assert!(!seen.contains("content-length"), "{seen}");
        let (seen, _) = asked(&post(), "HTTP/1.1 201 X\r\ncontent-length: 2\r\n\r\n{}");
        assert_eq!(seen.matches("content-length: 7\r\n").count(), 1, "{seen}");
        assert_eq!(
            seen.matches("content-type: application/json\r\n").count(),
            1,
            "{seen}"
        );
        assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    }

    #[test]
    fn a_refusal_comes_back_as_it_is() {
        let answer = "HTTP/1.1 403 X\r\nRetry-After: 7\r\nX-RateLimit-Remaining: 0\r\nX-A: 1\r\nX-A: 2\r\n\
            content-length: 16\r\n\r\n{\"message\": \"m\"}";
        let (_, outcome) = asked(&post(), answer);
        let answer = outcome.unwrap();
        assert_eq!(answer.status, 403);
        let expected = [
            ("content-length", "16"),
            ("retry-after", "7"),
            ("x-a", "1, 2"),
            ("x-ratelimit-remaining", "0"),
        ];
        let headers: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(headers, expected);
        assert_eq!(&answer.body[..], b"{\"message\": \"m\"}");
    }

    #[test]
    fn a_redirect_is_an_answer_and_not_followed() {
        let answer = "HTTP/1.1 301 X\r\nLocation: http://127.0.0.1:1/x\r\ncontent-length: 0\r\n\r\n";
        let (_, outcome) = asked(&pulls::pull(1), answer);
        let answer = outcome.unwrap();
        assert_eq!(answer.headers["location"], "http://127.0.0.1:1/x");
        assert_eq!(answer.status, 301);
    }

    #[test]
    fn whether_a_request_left_is_known_after_octocrab() {
        let (listener, url) = listening();
        drop(listener);
        let lost = session(&url).send(&post(), "/x").err().unwrap();
        assert_eq!((lost.left, lost.kind), (false, ErrorKind::Transient));
        assert!(
            lost.what
                .to_string()
                .starts_with(&format!("POST {url}/x: connection refused")),
            "{}",
            lost.what
        );
        for broken in ["", "HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{"] {
            let (_, outcome) = asked(&post(), broken);
            let lost = outcome.err().unwrap();
            assert_eq!(
                (lost.left, lost.kind),
                (true, ErrorKind::Transient),
                "{}",
                lost.what
            );
        }
        let lost = session(&url).send(&post(), "/a b").err().unwrap();
        assert_eq!(
            (lost.left, lost.kind),
            (false, ErrorKind::Invalid),
            "{}",
            lost.what
        );
    }

    #[test]
    fn one_that_waits_holds_up_no_other() {
        let (listener, url) = listening();
        let serving = thread::spawn(move || {
            // Nobody is answered before both have asked.
            let streams = [listener.accept().unwrap().0, listener.accept().unwrap().0];
            for stream in &streams {
                request(stream);
            }
            for mut stream in &streams {
                stream
                    .write_all(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n{}")
                    .unwrap();
            }
        });
        let session = session(&url);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(session.send(&pulls::pull(1), "/x").unwrap().status, 200));
            }
        });
        serving.join().unwrap();
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said_with_its_place() {
        let session = session("http://127.0.0.1:9");
        let wrong = session.read::<BTreeMap<String, Vec<u64>>>("", Bytes::from_static(br#"{"a": [1, "b"]}"#));
        assert_eq!(
            wrong.unwrap_err(),
            "a[1]: invalid type: string \"b\", expected u64 at line 1 column 13"
        );
        assert!(session.read::<Value>("", Bytes::new()).is_err());
    }
}
