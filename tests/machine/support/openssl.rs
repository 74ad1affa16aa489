//! A web server over TLS that says what lies in its files (`openssl s_server -HTTP`), with a certificate
//! that nobody has signed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The server, until it is dropped.
pub(crate) struct TlsServer {
    directory: tempfile::TempDir,
    process: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: writing to a closed one would end the server.
    _output: BufReader<ChildStdout>,
}

impl TlsServer {
    /// One that answers requests for `path` with `answer`, head and all, and shows a certificate of `name`
    /// for the address `ip`; with these more `arguments`.
    pub(crate) fn start(path: &str, answer: &str, (name, ip): (&str, &str), arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, answer).unwrap();
        let text = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (text("key.pem"), text("certificate.pem"));
        let request = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} \
             -addext subjectAltName=IP:{ip} -addext basicConstraints=critical,CA:FALSE"
        );
        let made = Command::new("openssl")
            .args(request.split_whitespace())
            .args(["-keyout", &key, "-out", &certificate])
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-HTTP"])
            .args(arguments)
            .args(["-key", &key, "-cert", &certificate])
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says "ACCEPT 127.0.0.1:PORT" once it listens.
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(
                output.read_line(&mut line).unwrap() > 0,
                "openssl s_server has ended"
            );
            if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
                break address.parse().unwrap();
            }
        };
        Self {
            directory,
            process,
            address,
            _output: output,
        }
    }

    /// Its certificate, in PEM.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
