//! What is settled once for all requests of a client.

use super::Fingerprint;
use crate::domain::model::Explanation;
use crate::host::files;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use ureq::tls::{PemItem, RootCerts, parse_pem};

/// A CA file is a few certificates.
const CA_FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// What is settled once for all requests of a client.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// PEM file with the certificates to trust instead of the public ones (webpki-roots), as with
    /// curl's `--cacert`.
    pub ca_file: Option<PathBuf>,
    /// The one certificate that a server may show, whoever has signed it, in place of all others.
    pub pin: Option<Fingerprint>,
    /// Trust whatever certificate a server shows, where none is pinned: anyone on the way can read and
    /// change everything.
    pub insecure: bool,
    /// URL of the proxy that every request goes through. Nothing is read from the environment.
    pub proxy: Option<String>,
    /// How long the addresses of a name are remembered; by default they are asked for with every
    /// request, so that a probe sees a name that moves.
    pub names_kept: Duration,
    /// How long a connection is kept that nothing uses; 15 seconds by default. Shorter than the server
    /// keeps it where a request must not meet one that is being closed.
    pub connections_kept: Option<Duration>,
}

/// A client cannot be made with these settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The CA file cannot be read.
    #[error("reading the CA file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The CA file holds no certificate.
    #[error("reading the CA file {}: {problem}", path.display())]
    NotCertificates {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what the file has to hold.
        #[source]
        problem: Explanation,
    },
    /// TLS cannot be set up.
    #[error("setting up TLS: {0}")]
    Tls(String),
    /// The proxy's URL makes no sense.
    #[error("the proxy {0} is not a URL like http://proxy.example:3128")]
    Proxy(String),
}

/// The certificates of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<RootCerts, SettingsError> {
    let unusable = |problem: Explanation| SettingsError::NotCertificates {
        path: path.to_owned(),
        problem: problem.fix("name a file of PEM certificates (BEGIN CERTIFICATE)"),
    };
    let pem = files::read_bounded(path, CA_FILE_LIMIT).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| unusable(Explanation::from(&error)))?
        {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::super::Client;
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = HttpSettings {
            ca_file: Some(file.path().to_owned()),
            ..HttpSettings::default()
        };
        let error = Client::new(&settings).unwrap_err().to_string();
        assert!(error.contains("it holds no certificate"), "{error}");
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        let missing = HttpSettings {
            ca_file: Some("/no/such/file".into()),
            ..HttpSettings::default()
        };
        assert!(matches!(
            Client::new(&missing),
            Err(SettingsError::Unreadable { .. })
        ));
    }
}
