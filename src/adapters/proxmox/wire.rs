//! Requests over HTTP, in the form that Proxmox takes.
//!
//! Its server takes forms and JSON, nothing in chunks, and nothing at all with DELETE; `+` in a form is a
//! space, and a switch is `0` or `1`. It closes the connection with every refusal.

use super::request::{ApiMethod, ApiRequest, ApiResponse, NoAnswer, NoAnswerKind, Transport, Upload};
use crate::domain::model::{Explanation, Secret};
use crate::host::http::{
    Client, Failure, HttpError, HttpSettings, Incoming, Outgoing, SettingsError, Transfer,
};
use crate::host::random;
use crate::host::url::{authority, encoded, is_loopback, origin};
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use thiserror::Error;

/// Most bytes of an answer that are read: a list of thousands of guests.
const LONGEST: u64 = 16 * 1024 * 1024;
/// The longest that a server may keep still. Proxmox gives up on another node after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest that a request may take in all.
const LIMIT: Duration = Duration::from_secs(120);
/// The same for one with a file.
const UPLOAD_LIMIT: Duration = Duration::from_secs(3600);
/// The port of the API.
const PORT: u16 = 8006;
/// Shorter than Proxmox keeps a connection, so that no write meets one that is being closed.
const KEPT: Duration = Duration::from_secs(2);

/// How a cluster is reached.
#[derive(Debug)]
pub struct ProxmoxSettings {
    /// Its hosts in the order in which they are tried: `pve1.example`, `10.0.0.1:8006`,
    /// `https://pve.example`. Plain `http://` only on this machine.
    pub hosts: Vec<String>,
    /// `USER@REALM!TOKENID=SECRET`.
    pub token: Secret,
    /// Certificates, and a proxy where there is one.
    pub http: HttpSettings,
}

/// A cluster cannot be reached with these settings.
#[derive(Debug, Error)]
pub enum ProxmoxSettingsError {
    /// There is no host.
    #[error("no host is given")]
    NoHost,
    /// A host makes no sense.
    #[error("{0:?} is not a host of a Proxmox cluster (pve1.example, 10.0.0.1:8006 or https://pve.example)")]
    Host(String),
    /// The token makes no sense.
    #[error("the token does not have the form USER@REALM!TOKENID=SECRET")]
    Token,
    /// The certificates or the proxy are of no use.
    #[error(transparent)]
    Http(#[from] SettingsError),
}

/// The HTTP API of a cluster, by way of whichever of its hosts can be reached.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client,
    bases: Vec<String>,
    authorization: Secret,
    /// The host that was reached last, which is tried first.
    current: AtomicUsize,
}

impl HttpTransport {
    /// Sends to these hosts. Nothing is sent yet.
    ///
    /// # Errors
    /// When a host, the token or a certificate makes no sense.
    pub fn new(settings: &ProxmoxSettings) -> Result<Self, ProxmoxSettingsError> {
        let bases: Vec<String> = settings
            .hosts
            .iter()
            .map(|host| base(host).ok_or_else(|| ProxmoxSettingsError::Host(host.clone())))
            .collect::<Result<_, _>>()?;
        if bases.is_empty() {
            return Err(ProxmoxSettingsError::NoHost);
        }
        if !is_token(settings.token.expose()) {
            return Err(ProxmoxSettingsError::Token);
        }
        let http = HttpSettings {
            connections_kept: Some(KEPT),
            ..settings.http.clone()
        };
        Ok(Self {
            client: Client::new(&http)?,
            bases,
            authorization: Secret::new(format!("PVEAPIToken={}", settings.token.expose())),
            current: AtomicUsize::new(0),
        })
    }

    fn send_to(&self, base: &str, request: &ApiRequest) -> Result<ApiResponse, HttpError> {
        let mut url = format!("{base}/api2/json{}", encoded(&request.path));
        let form = form(&request.params);
        let in_query = matches!(request.method, ApiMethod::Get | ApiMethod::Delete);
        if in_query && !form.is_empty() {
            url.push('?');
            url.push_str(&form);
        }
        let mut headers = vec![("authorization", self.authorization.expose())];
        let mut multipart;
        let (body, limit) = match &request.upload {
            Some(upload) => {
                multipart = Multipart::new(&request.params, upload).map_err(|error| HttpError {
                    failure: Failure::Invalid,
                    method: request.method.as_str().to_owned(),
                    url: base.to_owned(),
                    why: Explanation::of(&error).while_doing(&format!("reading {}", upload.filename)),
                })?;
                headers.push(("content-type", &multipart.kind));
                let body = Outgoing::Stream {
                    reader: &mut *multipart.content,
                    length: multipart.length,
                };
                (body, UPLOAD_LIMIT)
            }
            None if in_query || form.is_empty() => (Outgoing::Nothing, LIMIT),
            None => {
                headers.push(("content-type", "application/x-www-form-urlencoded"));
                (Outgoing::Bytes(form.as_bytes()), LIMIT)
            }
        };
        let incoming = self.client.transfer(Transfer {
            method: request.method.as_str(),
            url: &url,
            headers: &headers,
            body,
            patience: PATIENCE,
            limit,
        })?;
        read(incoming, base, request)
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        if request
            .path
            .split('/')
            .skip(1)
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(NoAnswer {
                kind: NoAnswerKind::Invalid,
                why: format!("{request}: the path makes no sense").into(),
            });
        }
        let first = self.current.load(Ordering::Relaxed);
        let mut unreached = Vec::new();
        for step in 0..self.bases.len() {
            let at = (first + step) % self.bases.len();
            let Some(base) = self.bases.get(at) else {
                continue;
            };
            match self.send_to(base, request) {
                Ok(answer) => {
                    self.current.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                // Only here is it certain that nothing was sent.
                Err(error) if error.failure == Failure::Unreachable => unreached.push(error.why.to_string()),
                Err(error) => return Err(none_of(&error)),
            }
        }
        Err(NoAnswer {
            kind: NoAnswerKind::Unreachable,
            why: unreached.join("; ").into(),
        })
    }

    fn peer(&self) -> String {
        let base = self.bases.get(self.current.load(Ordering::Relaxed));
        base.map(|base| authority(base)).unwrap_or_default()
    }
}

fn none_of(error: &HttpError) -> NoAnswer {
    NoAnswer {
        kind: match error.failure {
            Failure::Invalid => NoAnswerKind::Invalid,
            Failure::Unreachable => NoAnswerKind::Unreachable,
            Failure::Untrusted => NoAnswerKind::Untrusted,
            Failure::Unanswered => NoAnswerKind::Unanswered,
        },
        why: error.into(),
    }
}

fn read(incoming: Incoming, base: &str, request: &ApiRequest) -> Result<ApiResponse, HttpError> {
    let json = incoming
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    let unanswered = |why: Explanation| HttpError {
        failure: Failure::Unanswered,
        method: request.method.as_str().to_owned(),
        url: format!("{base}/api2/json{}", request.path),
        why,
    };
    let mut body = Vec::new();
    let read = incoming.body.take(LONGEST + 1).read_to_end(&mut body);
    // A refusal says enough with its first line.
    let is_refusal = incoming.status >= 400;
    match read {
        Err(error) if !is_refusal => {
            let message = format!(
                "{} answered {}, and the answer was cut",
                authority(base),
                incoming.status
            );
            return Err(unanswered(Explanation::new(message).because(&error)));
        }
        _ if body.len() as u64 > LONGEST => {
            let message = format!("{} answered with more than {LONGEST} bytes", authority(base));
            return Err(unanswered(message.into()));
        }
        _ => {}
    }
    Ok(ApiResponse {
        status: incoming.status,
        reason: incoming.reason,
        json,
        body,
    })
}

/// Parameters as a form or a query. Everything is written as `%XX` that could mean something.
fn form(params: &[(String, String)]) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    pairs.join("&")
}

/// A form with a file, of a length that is known. Proxmox wants the parameters first and the file,
/// which has to be called `filename`, last.
struct Multipart {
    kind: String,
    content: Box<dyn Read>,
    length: u64,
}

impl Multipart {
    fn new(params: &[(String, String)], upload: &Upload) -> io::Result<Self> {
        let boundary = format!("greenroom-{}", random::hex(16)?);
        let mut head = String::new();
        for (name, value) in params {
            head.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let filename = upload.filename.replace(['"', '\r', '\n', '\\'], "_");
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        ));
        let tail = format!("\r\n--{boundary}--\r\n");
        let length = head.len() as u64 + upload.length + tail.len() as u64;
        // One that is shorter leaves the body too short, which ends the request.
        let file = (upload.open)()?.take(upload.length);
        let content = Cursor::new(head).chain(file).chain(Cursor::new(tail));
        Ok(Self {
            kind: format!("multipart/form-data; boundary={boundary}"),
            content: Box::new(content),
            length,
        })
    }
}

/// The base URL of a host.
fn base(host: &str) -> Option<String> {
    let host = host.trim_end_matches('/');
    let url = if host.contains("://") {
        host.to_owned()
    } else {
        format!("https://{host}")
    };
    let origin = origin(&url)?;
    let rest = url.split_once("://").map(|(_, rest)| rest)?;
    if rest.contains(['/', '?', '#']) {
        return None;
    }
    let port = if rest.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(':') {
        origin.port
    } else {
        PORT
    };
    let plain = origin.scheme == "http";
    if plain && !is_loopback(&origin.host) {
        return None;
    }
    Some(format!("{}://{}:{port}", origin.scheme, origin.host))
}

/// Whether it can be a token: `USER@REALM!TOKENID=SECRET`, without spaces.
fn is_token(text: &str) -> bool {
    let valid = text.split_once('=').is_some_and(|(name, secret)| {
        let user = name.split_once('!');
        !secret.is_empty()
            && user.is_some_and(|(user, id)| {
                !id.is_empty()
                    && user
                        .split_once('@')
                        .is_some_and(|(name, realm)| !name.is_empty() && !realm.is_empty())
            })
    });
    valid && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_urls_with_the_port_of_the_api() {
        for (host, expected) in [
            ("pve1.example", Some("https://pve1.example:8006")),
            ("10.0.0.1:443", Some("https://10.0.0.1:443")),
            ("https://PVE.example/", Some("https://pve.example:8006")),
            ("[fd00::1]", Some("https://[fd00::1]:8006")),
            ("[fd00::1]:8006", Some("https://[fd00::1]:8006")),
            ("http://127.0.0.1:80", Some("http://127.0.0.1:80")),
            ("http://pve1.example", None),
            ("https://u:p@pve1", None),
            ("https://pve1/api2", None),
            ("", None),
        ] {
            assert_eq!(base(host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_token_has_a_user_a_realm_a_name_and_a_secret() {
        assert!(is_token("ci@pve!greenroom=3f1c-11"));
        for text in [
            "",
            "ci@pve=x",
            "ci@pve!=x",
            "ci!t=x",
            "ci@pve!t=",
            "ci@pve!t=a b",
            "ci@pve!t=a\n",
        ] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_form_is_taken_for_something_else() {
        let params = [("size", "+2G"), ("env", "A=1\0B=2"), ("tags", "a;b c&d")];
        let params: Vec<_> = params
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(form(&params), "size=%2B2G&env=A%3D1%00B%3D2&tags=a%3Bb%20c%26d");
    }
}
