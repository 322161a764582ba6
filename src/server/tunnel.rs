//! What becomes of a connection that leaves HTTP (RFC 9110, section 7.8): bytes, both ways.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tracing::debug;

/// The other end of a tunnel.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Slot = Arc<Mutex<Option<Box<dyn Duplex>>>>;

/// An extension of every request that may leave HTTP: whoever answers it with 101 leaves the other end
/// here. A 101 without one, and one without a 101, end the connection.
#[derive(Clone, Default)]
pub struct Offer(Slot);

impl Offer {
    /// Has what is on the connection after the answer go there and back.
    pub fn accept(&self, other: impl Duplex + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(other));
    }

    pub(super) fn take(&self) -> Option<Box<dyn Duplex>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offer")
    }
}

/// Both ends, as soon as hyper gives the caller's away.
pub(super) struct Tunnel {
    pub(super) caller: OnUpgrade,
    pub(super) other: Box<dyn Duplex>,
}

impl Tunnel {
    /// Copies until both ends are closed. There is no limit of time: who is silent here may only listen.
    pub(super) async fn run(mut self) {
        let copied = match self.caller.await {
            Ok(caller) => {
                let mut caller = TokioIo::new(caller);
                copy_bidirectional(&mut caller, &mut self.other)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = copied {
            debug!(error, "a tunnel ended with an error");
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}
