//! One HTTP request.

use crate::domain::model::{Endpoint, ErrorKind, HttpProbe, Observation, Period, PortError};
use crate::host::http::{Client, Failure, HttpError, HttpRequest};

pub(super) fn observe(
    client: &Client,
    probe: &HttpProbe,
    endpoint: &Endpoint,
    timeout: Period,
) -> Result<Observation, PortError> {
    let request = HttpRequest {
        method: &probe.method,
        url: &endpoint.join(&probe.path),
        headers: &probe.headers,
        body: probe.body.as_deref().map(str::as_bytes),
        timeout: timeout.as_duration(),
    };
    match client.send(&request) {
        Ok(answer) => Ok(Observation::Answer {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        }),
        Err(HttpError {
            failure: Failure::Unreachable | Failure::Untrusted | Failure::Unanswered,
            why,
            ..
        }) => Ok(Observation::Unanswered(why.to_string())),
        Err(error) => Err(PortError::new(
            ErrorKind::Invalid,
            format!("{} {}", error.method, error.url),
            error.why,
        )),
    }
}
