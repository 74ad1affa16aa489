//! One client: a request, and its answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which version answers a request on a new connection; what came instead, if none does.
pub(crate) fn version_at(address: SocketAddr) -> Result<String, String> {
    let answer = ask(address, &mut None).map_err(|error| error.to_string())?;
    match answer.body.strip_prefix("hello from ") {
        Some(version) if answer.status == 200 => Ok(version.trim().to_owned()),
        _ => Err(format!("{}: {}", answer.status, answer.body)),
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a request and reads its answer; the connection stays where the other side keeps it.
pub(crate) fn ask(address: SocketAddr, connection: &mut Option<BufReader<TcpStream>>) -> io::Result<Answer> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            BufReader::new(stream)
        }
    };
    open.get_mut()
        .write_all(b"GET / HTTP/1.1\r\nhost: hello\r\n\r\n")?;
    let (mut status, mut length, mut keep) = (None, 0, true);
    loop {
        let mut line = String::new();
        if open.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the connection was closed instead of an answer"));
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).and_then(|status| status.parse().ok());
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if let Some(value) = line.strip_prefix("connection:") {
            keep = value.trim() != "close";
        }
    }
    let mut body = vec![0; length];
    open.read_exact(&mut body)?;
    if keep {
        *connection = Some(open);
    }
    Ok(Answer {
        status: status.ok_or_else(|| io::Error::other("an answer without a status"))?,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
