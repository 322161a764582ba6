//! What comes before HTTP on a connection: who it is from, and TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::Endpoint;
use crate::server::activity::Activity;
use crate::server::connection::Opened;
use crate::server::lifecycle::Stage;
use crate::server::patience::LAST_CALL;
use crate::server::proxy_protocol;
use crate::server::slots::Slot;
use crate::server::stream::Stream;
use crate::server::transport::Transport;
use crate::server::wire::Wire;

impl Endpoint {
    /// Brings a connection as far as HTTP; nothing where it does not get there.
    pub(super) async fn introduce(
        &self,
        mut stream: Stream,
        peer: SocketAddr,
        is_tls: bool,
        slot: &mut Slot,
    ) -> Option<Opened> {
        let (peer, ahead) = if self.proxies.is_some() {
            self.ask_proxy(&mut stream, peer, slot).await?
        } else {
            (peer, BytesMut::new())
        };
        let activity = Arc::new(Activity::default());
        let wire = Wire::new(stream, ahead, Arc::clone(&activity));
        let transport = if is_tls {
            Transport::Tls(self.shake_hands(wire, peer).await?)
        } else {
            Transport::Plain(wire)
        };
        Some(Opened {
            transport,
            activity,
            peer,
        })
    }

    /// Finds out whom the proxy names that opened the connection, and what was read behind that. A proxy
    /// that names nobody speaks for itself.
    async fn ask_proxy(
        &self,
        stream: &mut Stream,
        peer: SocketAddr,
        slot: &mut Slot,
    ) -> Option<(SocketAddr, BytesMut)> {
        let read = tokio::select! {
            read = proxy_protocol::read(stream) => read,
            () = self.out_of_patience(self.terms.limits.first_byte) => {
                debug!(peer = %peer, "connection closed: no PROXY protocol header in time");
                return None;
            }
        };
        let (source, ahead) = match read {
            Ok(read) => read,
            Err(fault) => {
                debug!(peer = %peer, error = %fault, "connection closed");
                return None;
            }
        };
        let peer = source.unwrap_or(peer);
        if let Err(full) = slot.assign(peer.ip()) {
            self.log_refusal(full.text(), peer.ip());
            return None;
        }
        Some((peer, ahead))
    }

    async fn shake_hands(&self, wire: Wire, peer: SocketAddr) -> Option<Box<TlsStream<Wire>>> {
        let Some(tls) = &self.tls else {
            self.log_refusal(
                "its address is for TLS, and there is no certificate",
                peer.ip(),
            );
            return None;
        };
        // On the heap, where only connections with TLS need the room.
        let handshake = Box::pin(tls.accept(wire));
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            () = self.out_of_patience(self.terms.limits.tls_handshake) => {
                debug!(peer = %peer, "connection closed: no TLS handshake in time");
                return None;
            }
        };
        match shaken {
            Ok(stream) => Some(Box::new(stream)),
            Err(error) => {
                debug!(peer = %peer, error = %error, "connection closed: the TLS handshake failed");
                None
            }
        }
    }

    /// Ends when a connection should have come further.
    async fn out_of_patience(&self, limit: Duration) {
        let leaving = async {
            self.lifecycle().reached(Stage::Stopping).await;
            tokio::select! {
                () = self.lifecycle().reached(Stage::Cut) => {}
                () = sleep(LAST_CALL) => {}
            }
        };
        tokio::select! {
            () = sleep(limit) => {}
            () = leaving => {}
        }
    }
}
