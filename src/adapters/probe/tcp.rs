//! One TCP connection.

use crate::domain::model::{ErrorKind, Observation, Period, PortError};
use crate::host::tcp;

pub(super) fn observe(authority: &str, timeout: Period) -> Result<Observation, PortError> {
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !has_port {
        return Err(PortError::new(
            ErrorKind::Invalid,
            "connecting",
            format!("{authority:?} is not host:port"),
        ));
    }
    Ok(match tcp::connect(authority, timeout.as_duration()) {
        Ok(_) => Observation::Connected,
        Err(unreachable) => Observation::Unanswered(unreachable.to_string()),
    })
}
