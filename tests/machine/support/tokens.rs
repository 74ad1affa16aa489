//! A token server for docker's registry: everyone may read, `ci` with its password may do everything.
//! Its tokens are JSON web tokens, signed by openssl (ES256) with a certificate that the registry trusts.

use super::daemon::{PASSWORD, run};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// The running server; ended when it is dropped.
pub(crate) struct TokenServer {
    address: SocketAddr,
    signer: Arc<Signer>,
    ended: Arc<AtomicBool>,
}

struct Signer {
    directory: PathBuf,
    life: u64,
    signed: AtomicUsize,
}

impl TokenServer {
    /// Makes a key and a certificate in `directory`, and serves tokens for `life` seconds each.
    pub(crate) fn start(directory: &Path, life: u64) -> Self {
        let signer = Arc::new(Signer {
            directory: directory.to_owned(),
            life,
            signed: AtomicUsize::new(0),
        });
        let (key, certificate) = (signer.path("token.key"), signer.path("token.crt"));
        run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=tokens",
                "-keyout",
                key.to_str().unwrap(),
                "-out",
                certificate.to_str().unwrap(),
            ],
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (own, stop) = (Arc::clone(&signer), Arc::clone(&ended));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let own = Arc::clone(&own);
                thread::spawn(move || serve(&own, stream.unwrap()));
            }
        });
        Self {
            address,
            signer,
            ended,
        }
    }

    /// Where tokens are given.
    pub(crate) fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The certificate that vouches for them.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.signer.path("token.crt")
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection, one request after the other.
fn serve(signer: &Signer, stream: TcpStream) {
    let mut connection = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if connection.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut shown = None;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("authorization") {
                shown = Some(value.trim().to_owned());
            }
        }
        let target = first.split_whitespace().nth(1).unwrap();
        let (status, body) = signer.answer(target, shown.as_deref());
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if connection.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

impl Signer {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn answer(&self, target: &str, shown: Option<&str>) -> (u16, String) {
        let expected = format!("Basic {}", STANDARD.encode(format!("ci:{PASSWORD}")));
        let is_ci = shown == Some(expected.as_str());
        if shown.is_some() && !is_ci {
            return (
                401,
                json!({"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]}).to_string(),
            );
        }
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let access: Vec<Value> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("scope="))
            .map(|scope| {
                let scope = scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
                let parts: Vec<&str> = scope.splitn(3, ':').collect();
                let actions: Vec<&str> = parts[2]
                    .split(',')
                    .filter(|action| is_ci || *action == "pull")
                    .collect();
                json!({"type": parts[0], "name": parts[1], "actions": actions})
            })
            .collect();
        let token = self.token(&access);
        (200, json!({"token": token, "expires_in": self.life}).to_string())
    }

    fn token(&self, access: &[Value]) -> String {
        let number = self.signed.fetch_add(1, Ordering::SeqCst);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let pem = fs::read_to_string(self.path("token.crt")).unwrap();
        let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [der]});
        let claims = json!({
            "iss": "greenroom", "aud": "greenroom-test", "sub": "", "iat": now, "nbf": now - 5,
            "exp": now + self.life, "jti": number.to_string(), "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let text = self.path(&format!("claims-{number}"));
        fs::write(&text, &signed).unwrap();
        let signature = run(
            "openssl",
            &[
                "dgst",
                "-sha256",
                "-sign",
                self.path("token.key").to_str().unwrap(),
                text.to_str().unwrap(),
            ],
        );
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(raw(&signature)))
    }
}

/// The two numbers of a signature, 32 bytes each, out of their DER form (RFC 7518, 3.4).
fn raw(der: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = &der[2..];
    for _ in 0..2 {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        let number = if number.len() > 32 {
            &number[number.len() - 32..]
        } else {
            number
        };
        all.extend(std::iter::repeat_n(0, 32 - number.len()));
        all.extend_from_slice(number);
        rest = &rest[2 + length..];
    }
    all
}
