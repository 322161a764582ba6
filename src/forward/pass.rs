//! Requests that are handed on as they are, and answers that come back as they are.
//!
//! Bodies are streamed both ways at the pace of the slower end, with no more than a few pieces in memory.
//! No time is set to them, only a least pace to the caller's. What concerns one connection is
//! left out, the path travels byte by byte, and nothing is decompressed, followed or cached.

mod headers;
mod pace;
mod path;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;

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
    pub async fn pass<B>(
        &self,
        route: &PassRoute,
        request: Request<B>,
        origin: Origin,
    ) -> Result<Answer, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        let Some(site) = self.0.get(route.site) else {
            return Err(Refusal::new(StatusCode::BAD_GATEWAY, NO_SITE));
        };
        let (mut head, body) = request.into_parts();
        head.uri = path::onward(&head.uri, route)
            .map_err(|message| Refusal::new(StatusCode::BAD_REQUEST, message))?;
        let leaves = origin.can_leave && headers::asks_to_leave(&head.headers);
        headers::prepare(&mut head, route, &origin);
        // The client has no use for what the layers above noted.
        head.extensions.clear();
        let body = (!body.is_end_stream()).then(|| pace::Paced::new(body).boxed_unsync());
        let mut errand = site.errand(None);
        errand.is_for(!head.method.is_safe());
        let relay = Relay::new(Request::from_parts(head, body), leaves);
        let answer = site.stream(&relay, errand).await?;
        Ok(match answer {
            Answer::Response(mut response) => {
                route.response_headers.apply(response.headers_mut());
                Answer::Response(response)
            }
            Answer::Tunnel(mut response, tunnel) => {
                route.response_headers.apply(response.headers_mut());
                Answer::Tunnel(response, tunnel)
            }
        })
    }
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
