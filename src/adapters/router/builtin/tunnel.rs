//! Upgraded connections (WebSocket): bytes both ways until both sides have ended.
//!
//! There is no limit on silence, since a quiet WebSocket is a healthy one; a peer that vanished is
//! found by the keep-alive probes of TCP.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

/// Returns when the tunnel has ended, however it did: nobody is left to be told.
pub(super) async fn join(client: OnUpgrade, backend: OnUpgrade) {
    if let Ok((client, backend)) = tokio::try_join!(client, backend) {
        let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(backend)).await;
    }
}
