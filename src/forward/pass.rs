//! Requests that are handed on as they are, and answers that come back as they are.
//!
//! Bodies are streamed both ways at the pace of the slower end, with no more than a few pieces in memory.
//! No time is set to them, only a least pace to the caller's. What concerns one connection is
//! left out, the path travels byte by byte, and nothing is decompressed, followed or cached.

mod headers;
mod pace;
mod path;
mod payload;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::EXPECT;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body::Body;

use super::endpoints::{Endpoints, Parameters};
use crate::auth::call::RequestId;
use crate::client::{Answer, BodyError, Cause, Failure, InvalidParameters, Relay, Stage};
use crate::route::PassRoute;

/// The sites that pass routes lead to.
#[derive(Clone, Debug, Default)]
pub struct Sites(Arc<[Arc<Endpoints>]>);

/// What is known of where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The other end of the connection.
    pub peer: Option<IpAddr>,
    /// Whether that is a proxy whose word about the caller is taken.
    pub is_trusted: bool,
    /// The request's id, which the site is told.
    pub id: RequestId,
    /// Whether it came over TLS.
    pub is_over_tls: bool,
    /// Whether the connection can leave HTTP.
    pub can_leave: bool,
}

/// Why there is no answer of the site's.
#[derive(Debug)]
pub struct Refusal {
    /// What the caller gets.
    pub status: StatusCode,
    /// What the caller is told.
    pub message: &'static str,
    /// What the log is told.
    pub cause: Option<Failure>,
}

impl Sites {
    /// Sites that have not been connected to yet, one for each of these.
    pub fn new(
        parameters: impl IntoIterator<Item = Parameters>,
    ) -> Result<Self, InvalidParameters> {
        Self::default().renewed(parameters)
    }

    /// Other sites. One that is among these already keeps its connections.
    pub fn renewed(
        &self,
        parameters: impl IntoIterator<Item = Parameters>,
    ) -> Result<Self, InvalidParameters> {
        let site = |parameters: Parameters| {
            let known = self.0.iter().find(|known| known.made_of == parameters);
            match known {
                Some(site) => Ok(Arc::clone(site)),
                None => Endpoints::new(parameters, None).map(Arc::new),
            }
        };
        let sites: Result<Vec<_>, _> = parameters.into_iter().map(site).collect();
        Ok(Self(sites?.into()))
    }

    /// Hands a request on, and returns with the head of the answer.
    pub fn pass<B>(
        &self,
        route: &Arc<PassRoute>,
        request: Request<B>,
        origin: Origin,
    ) -> impl Future<Output = Result<Answer, Refusal>> + Send + use<B>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BodyError>,
    {
        let site = self.0.get(route.site).cloned();
        let (head, body) = request.into_parts();
        // Taken aside, since it is large and goes through many hands.
        let onward = onward(Box::new(head), route, &origin);
        let route = Arc::clone(route);
        async move {
            let site = site.ok_or(Refusal::new(StatusCode::BAD_GATEWAY, NO_SITE))?;
            let (head, leaves) = onward?;
            let body = payload::payload(body, head.headers.contains_key(EXPECT)).await;
            let mut errand = site.errand(None);
            errand.is_for(!head.method.is_safe());
            let relay = Relay::new(head, body, leaves);
            let mut answer = site.stream(&relay, errand).await?;
            let headers = match &mut answer {
                Answer::Response(response) => response.headers_mut(),
                Answer::Tunnel(response, _) => response.headers_mut(),
            };
            route.response_headers.apply(headers);
            Ok(answer)
        }
    }
}

/// The head as it goes on, and whether it may leave HTTP.
fn onward(
    mut head: Box<Parts>,
    route: &PassRoute,
    origin: &Origin,
) -> Result<(Box<Parts>, bool), Refusal> {
    head.uri = path::onward(&head.uri, route)
        .map_err(|message| Refusal::new(StatusCode::BAD_REQUEST, message))?;
    let leaves = origin.can_leave && headers::asks_to_leave(&head.headers);
    headers::prepare(&mut head, route, origin);
    // The client has no use for what the layers above noted.
    head.extensions.clear();
    Ok((head, leaves))
}

const NO_SITE: &str = "the site behind the gateway is not known\n";

impl Refusal {
    const fn new(status: StatusCode, message: &'static str) -> Self {
        Self {
            status,
            message,
            cause: None,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let (status, message) = match failure.cause {
            Cause::Connect | Cause::Tls | Cause::NotHttp2 => (
                StatusCode::BAD_GATEWAY,
                "the site behind the gateway cannot be reached; try again later\n",
            ),
            Cause::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the site behind the gateway fails at the moment; try again later\n",
            ),
            Cause::Timeout {
                stage: Stage::Queue,
            } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the site behind the gateway has too much to do; try again later\n",
            ),
            Cause::Timeout {
                stage: Stage::Connect | Stage::Handshake | Stage::Head | Stage::Body,
            } => (
                StatusCode::GATEWAY_TIMEOUT,
                "the site behind the gateway did not answer in time\n",
            ),
            Cause::Body => (
                StatusCode::REQUEST_TIMEOUT,
                "the request's body did not arrive, or too slowly; send it again\n",
            ),
            Cause::Reset
            | Cause::Truncated
            | Cause::TooLarge { .. }
            | Cause::BadFraming
            | Cause::Encoded => (
                StatusCode::BAD_GATEWAY,
                "the site behind the gateway gave no proper answer\n",
            ),
        };
        Self {
            status,
            message,
            cause: Some(failure),
        }
    }
}
