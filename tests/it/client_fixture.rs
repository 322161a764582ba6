//! A client with limits that a test does not reach unless it sets them.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dragoman::client::{
    Cause, Client, Endpoint, Failure, HttpVersion, Parameters, Sent, TlsParameters,
};
use http::{HeaderValue, Request, Response};

pub(crate) const NEVER: Duration = Duration::from_secs(60);

pub(crate) fn parameters(endpoint: Endpoint) -> Parameters {
    Parameters {
        endpoint,
        host: HeaderValue::from_static("upstream.example"),
        http_version: HttpVersion::Http1,
        tls: TlsParameters::default(),
        connections: 4,
        idle: NEVER,
        lifetime: NEVER,
        resolve: Duration::from_secs(2),
        connect: NEVER,
        head: NEVER,
        total: NEVER,
        head_bytes: 16 * 1024,
        response_bytes: 1024 * 1024,
    }
}

pub(crate) fn at(address: SocketAddr) -> Parameters {
    parameters(Endpoint::Http {
        host: address.ip().to_string(),
        port: address.port(),
    })
}

pub(crate) fn client(address: SocketAddr) -> Client {
    Client::new(at(address)).unwrap()
}

pub(crate) fn post(path: &str, body: &str) -> Request<Bytes> {
    Request::post(path)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

pub(crate) async fn ask(client: &Client) -> Result<Response<Bytes>, Failure> {
    client.send(post("/ask", "question"), None).await
}

/// What the failure says, without its source.
pub(crate) fn verdict(answered: Result<Response<Bytes>, Failure>) -> (Sent, Cause) {
    let failure = answered.expect_err("a failure");
    (failure.sent, failure.cause)
}
