//! One connection from accepting to closing: hyper's protocol future under our own timer.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use super::activity::Activity;
use super::head_guard::HeadGuard;
use super::lifecycle::{Lifecycle, Observer, Stage};
use super::limits::Limits;
use super::patience::{Patience, Verdict};
use super::requests::{OverTls, PeerAddr, Requests, Sender};
use super::tasks::Tasks;
use super::timed_io::TimedIo;
use super::transport::Transport;
use crate::quiet::Wakes;

/// What all connections of one listener share.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) protocol: auto::Builder<Tasks>,
    pub(super) limits: Limits,
    pub(super) lifecycle: Lifecycle,
}

/// A connection that is open, and who it is from.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) transport: Transport,
    pub(super) activity: Arc<Activity>,
    pub(super) peer: SocketAddr,
}

/// Serves one connection until it is closed.
///
/// One timer a connection: it is looked at after every poll of the protocol and re-armed only when a limit
/// comes before the time it is set to.
pub(super) async fn serve<S, B>(opened: Opened, service: S, terms: Arc<Terms>)
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Opened {
        transport,
        activity,
        peer,
    } = opened;
    let sender = Sender {
        peer: PeerAddr(peer),
        over_tls: transport.is_tls().then_some(OverTls),
    };
    let guard = HeadGuard::new(terms.limits.held_head_bytes());
    let io = TokioIo::new(TimedIo::new(transport, guard, Arc::clone(&activity)));
    let requests = Requests::new(service, sender, Arc::clone(&activity), Arc::clone(&terms));
    let mut protocol = pin!(terms.protocol.serve_connection_with_upgrades(io, requests));

    let started = Instant::now();
    let mut patience = Patience::new(started);
    let mut timer = pin!(sleep_until(started + terms.limits.first_byte));
    let mut observer = Observer::new(&terms.lifecycle);
    let mut changed = pin!(terms.lifecycle.changed());
    let mut wakes = Wakes::default();

    poll_fn(|context| {
        loop {
            let mut own = Context::from_waker(wakes.of(context.waker()));
            if let Poll::Ready(ended) = protocol.as_mut().poll(&mut own) {
                if let Err(error) = ended {
                    debug!(peer = %peer, error = %error, "connection ended with an error");
                }
                return Poll::Ready(());
            }
            let stage = observer.poll(changed.as_mut(), context);
            let seen = activity.seen();
            match patience.judge(&seen, stage, &terms.limits, Instant::now()) {
                Verdict::Wait(deadline) => {
                    if !is_due(timer.as_mut(), deadline, context) {
                        return Poll::Pending;
                    }
                }
                Verdict::Shut => {
                    if seen.open == 0 {
                        activity.nothing_unread();
                    }
                    protocol.as_mut().graceful_shutdown();
                }
                Verdict::Close(reason) => {
                    debug!(peer = %peer, reason = reason.text(), "connection closed");
                    return Poll::Ready(());
                }
                Verdict::Reset(reason) => {
                    activity.abort();
                    debug!(peer = %peer, reason = reason.text(), "connection reset");
                    return Poll::Ready(());
                }
            }
        }
    })
    .await;
    // What left HTTP is still this connection, with its place among them, until it ends or is cut.
    if let Some(tunnel) = activity.take_tunnel() {
        tokio::select! {
            () = tunnel.run() => {}
            () = terms.lifecycle.reached(Stage::Cut) => debug!(peer = %peer, "tunnel cut"),
        }
    }
}

/// Whether the timer has run out. It may be set to an earlier time than asked for; then it is set anew.
fn is_due(
    mut timer: Pin<&mut Sleep>,
    deadline: Option<Instant>,
    context: &mut Context<'_>,
) -> bool {
    let Some(deadline) = deadline else {
        return false;
    };
    if timer.is_elapsed() || deadline < timer.deadline() {
        timer.as_mut().reset(deadline);
    }
    timer.poll(context).is_ready()
}
