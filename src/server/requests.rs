//! The service of one connection: counts its open requests and adds what only the connection knows.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use pin_project_lite::pin_project;

use super::activity::{Activity, OpenRequest};
use super::connection::Terms;
use super::head_guard;
use super::http2_head;
use super::lifecycle::Stage;
use super::limits::Limits;
use super::response_body::ResponseBody;
use super::tunnel::{Offer, Tunnel};

/// Who sent a request: the other end of its TCP connection, 127.0.0.1 and port 0 on a Unix socket, or
/// whom a proxy named there by the PROXY protocol. An extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Marks a request that came over TLS, so that its scheme was `https`. An extension of such requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverTls;

/// What a connection knows of who sends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub(super) peer: PeerAddr,
    pub(super) over_tls: Option<OverTls>,
}

/// A service for the requests of one connection. The one inside must be ready whenever it is called.
#[derive(Debug)]
pub(super) struct Requests<S> {
    service: S,
    sender: Sender,
    activity: Arc<Activity>,
    terms: Arc<Terms>,
}

impl<S> Requests<S> {
    pub(super) fn new(
        service: S,
        sender: Sender,
        activity: Arc<Activity>,
        terms: Arc<Terms>,
    ) -> Self {
        Self {
            service,
            sender,
            activity,
            terms,
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Requests<S>
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = Infallible;
    type Future = Responding<S>;

    fn call(&self, mut request: Request<Incoming>) -> Responding<S> {
        let version = request.version();
        let refusal = refusal(&request, &self.terms.limits);
        let is_read = refusal.is_none() && request.body().is_end_stream();
        let may_leave_unread = version != Version::HTTP_2 && !is_read;
        let open = OpenRequest::begin(&self.activity, may_leave_unread);
        let mut leaving = None;
        let answer = if let Some(status) = refusal {
            Answer::Refusal { status }
        } else {
            let extensions = request.extensions_mut();
            extensions.insert(self.sender.peer);
            if let Some(over_tls) = self.sender.over_tls {
                extensions.insert(over_tls);
            }
            if version == Version::HTTP_11 && is_read && request.headers().contains_key(UPGRADE) {
                leaving = Some(Leaving::new(&mut request, &self.activity));
            }
            Answer::Service {
                response: self.service.clone().call(request),
            }
        };
        Responding {
            answer,
            version,
            terms: Arc::clone(&self.terms),
            open: Some(open),
            leaving,
        }
    }
}

/// A request that asks to leave HTTP.
#[derive(Debug)]
struct Leaving {
    caller: OnUpgrade,
    offer: Offer,
    activity: Arc<Activity>,
}

impl Leaving {
    fn new<B>(request: &mut Request<B>, activity: &Arc<Activity>) -> Self {
        let caller = hyper::upgrade::on(&mut *request);
        let offer = Offer::default();
        request.extensions_mut().insert(offer.clone());
        Self {
            caller,
            offer,
            activity: Arc::clone(activity),
        }
    }

    /// Notes the answer before any byte of it leaves, so that the guard knows it before any byte of the
    /// caller's that follows it.
    fn answer(self, status: StatusCode) {
        let other = self.offer.take();
        let other = other.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS);
        let caller = self.caller;
        let tunnel = other.map(|other| Tunnel { caller, other });
        self.activity.answered_upgrade(tunnel);
    }
}

pin_project! {
    /// The response to one request.
    pub(super) struct Responding<S>
    where
        S: tower::Service<Request<Incoming>>,
    {
        #[pin]
        answer: Answer<S>,
        version: Version,
        terms: Arc<Terms>,
        open: Option<OpenRequest>,
        leaving: Option<Leaving>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<S>
    where
        S: tower::Service<Request<Incoming>>,
    {
        Refusal { status: StatusCode },
        Service { #[pin] response: S::Future },
    }
}

impl<S, B> Future for Responding<S>
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (response, refused) = match this.answer.project() {
            AnswerProjection::Refusal { status } => {
                let mut response = Response::new(None);
                *response.status_mut() = *status;
                (response, true)
            }
            AnswerProjection::Service { response } => {
                (ready!(response.poll(context))?.map(Some), false)
            }
        };
        if let Some(leaving) = this.leaving.take() {
            leaving.answer(response.status());
        }
        let is_http2 = *this.version == Version::HTTP_2;
        let open = this.open.take();
        let mut response = response.map(|body| ResponseBody::new(body, is_http2, open));
        let leaves = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !is_http2 && !leaves && (refused || this.terms.lifecycle.stage() >= Stage::LameDuck) {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

/// What the guard refused, and what of a head the protocol implementation takes and nobody should.
fn refusal<B>(request: &Request<B>, limits: &Limits) -> Option<StatusCode> {
    let target = request.uri().path_and_query();
    if let Some(status) = head_guard::answer(request.method()) {
        Some(status)
    } else if [Method::CONNECT, Method::TRACE].contains(request.method()) {
        Some(StatusCode::NOT_IMPLEMENTED)
    } else if request.version() == Version::HTTP_2 && http2_head::is_malformed(request) {
        Some(StatusCode::BAD_REQUEST)
    } else if target.is_some_and(|target| target.as_str().len() > limits.uri_bytes) {
        Some(StatusCode::URI_TOO_LONG)
    } else if request.headers().len() > limits.headers {
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_above_the_limit_is_refused() {
        let limits = Limits {
            uri_bytes: 10,
            ..Limits::default()
        };
        let request = |target: &str| Request::builder().uri(target).body(()).unwrap();
        assert_eq!(refusal(&request("/23456789?"), &limits), None);
        assert_eq!(
            refusal(&request("/23456789?x"), &limits),
            Some(StatusCode::URI_TOO_LONG)
        );
    }

    #[test]
    fn more_header_lines_than_the_limit_are_refused() {
        let limits = Limits {
            headers: 1,
            ..Limits::default()
        };
        let request = Request::builder().header("a", "1").header("a", "2");
        assert_eq!(
            refusal(&request.body(()).unwrap(), &limits),
            Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        );
    }
}
