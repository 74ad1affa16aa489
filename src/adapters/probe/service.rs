//! Takes one sample of a service, by whatever kind of check it is.

use super::command::Commands;
use super::http;
use super::tcp;
use crate::domain::model::{Check, Endpoint, ErrorKind, Observation, Period, PortError, ProbeSpec, Sample};
use crate::host::http::Client;
use crate::ports::{Clock, Probe};
use std::sync::Arc;

/// Takes samples of every kind.
pub struct ServiceProbe {
    client: Client,
    clock: Arc<dyn Clock>,
    commands: Commands,
}

impl ServiceProbe {
    /// A probe that sends its requests through `client` and runs its commands through `commands`.
    pub fn new(client: Client, clock: Arc<dyn Clock>, commands: Commands) -> Self {
        Self {
            client,
            clock,
            commands,
        }
    }

    fn observe(&self, check: &Check, endpoint: &Endpoint) -> Result<Observation, PortError> {
        match &check.probe {
            ProbeSpec::Http(probe) => http::observe(&self.client, probe, endpoint, check.timeout),
            ProbeSpec::Tcp(authority) => {
                let authority = authority.clone().unwrap_or_else(|| endpoint.authority());
                tcp::observe(&authority, check.timeout)
            }
            ProbeSpec::Command(probe) => self.commands.observe(probe, endpoint, check.timeout),
            ProbeSpec::Startup(_) => Err(PortError::new(
                ErrorKind::Unsupported,
                "sampling",
                "the startup time is taken while the instance starts, not sampled",
            )),
        }
    }
}

impl Probe for ServiceProbe {
    fn sample(&self, check: &Check, endpoint: &Endpoint) -> Result<Sample, PortError> {
        let at = self.clock.now();
        let began = self.clock.monotonic();
        let seen = self.observe(check, endpoint).map_err(|error| PortError {
            kind: error.kind,
            doing: format!("check {}", check.name),
            why: error.why.while_doing(&error.doing),
        })?;
        Ok(Sample {
            at,
            took: Period::from(self.clock.monotonic().saturating_sub(began)),
            seen,
        })
    }
}
