//! A webhook: one signed POST for each notification, as Standard Webhooks has it.
//!
//! `webhook-id` is the event's id, the same at every attempt, `webhook-timestamp` the second of the
//! attempt, and `webhook-signature` covers both and the body. A receiver checks the signature, drops
//! an id that it has already, and answers 2xx once it will not lose what it was told.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::signature::SigningKey;
use super::url::Url;
use super::{Delivery, Receiver, payload};
use crate::client::{Client, Failure, HttpVersion, InvalidParameters, Parameters, TlsParameters};
use crate::clock::Timestamp;
use crate::store::notifications::Notification;

/// Nothing of an answer but its head is read for more than to keep the connection.
const ANSWER_BYTES: usize = 1 << 20;

/// How long a connection rests, and how old it becomes.
const IDLE: Duration = Duration::from_secs(30);
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How old the addresses of its name may be.
const RESOLVE: Duration = Duration::from_secs(5);

/// Who receives notifications, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where they are posted.
    pub url: Url,
    /// What they are signed with.
    pub key: SigningKey,
    /// How long an attempt takes at most.
    pub timeout: Duration,
}

/// A receiver of notifications over HTTP.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    target: Target,
}

impl Webhook {
    /// A receiver that is not connected to yet. Reads the system's trust roots where TLS needs them.
    pub fn new(target: Target) -> Result<Self, InvalidParameters> {
        let client = Client::new(Parameters {
            endpoint: target.url.endpoint().clone(),
            host: target.url.host().clone(),
            http_version: HttpVersion::Http1,
            tls: TlsParameters::default(),
            connections: 1,
            idle: IDLE,
            lifetime: LIFETIME,
            resolve: RESOLVE,
            connect: target.timeout,
            head: target.timeout,
            total: target.timeout,
            head_bytes: 16 * 1024,
            response_bytes: ANSWER_BYTES,
        })?;
        Ok(Self { client, target })
    }

    fn request(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Request<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let body = payload::body(notification)?;
        let seconds = now.as_seconds();
        let id = notification.id;
        let signature = self.target.key.sign(id, seconds, &body);
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.target.url.path().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("dragoman/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(Bytes::from(body))?;
        Ok(request)
    }

    async fn post(&self, notification: &Notification, now: Timestamp) -> Delivery {
        let request = match self.request(notification, now) {
            Ok(request) => request,
            Err(error) => return refused(format!("the request cannot be made: {error}")),
        };
        let deadline = Instant::now() + self.target.timeout;
        match self.client.send(request, Some(deadline)).await {
            Ok(response) => judge(&response, now),
            Err(failure) => refused(explain(&failure)),
        }
    }
}

impl Receiver for Webhook {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        now: Timestamp,
    ) -> BoxFuture<'a, Delivery> {
        Box::pin(self.post(notification, now))
    }

    fn patience(&self) -> Duration {
        self.target.timeout
    }
}

/// Only 2xx means that it was received. Redirects are not followed: the signature would travel to
/// whoever the receiver names.
fn judge(response: &Response<Bytes>, now: Timestamp) -> Delivery {
    let status = response.status();
    let problem = format!("the receiver answered {}", status.as_u16());
    if status.is_success() {
        Delivery::Received
    } else if status == StatusCode::GONE {
        Delivery::Gone { problem }
    } else {
        Delivery::Refused {
            problem,
            wait: retry_after(response.headers(), now),
        }
    }
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let millis = date
        .timestamp()
        .as_millisecond()
        .checked_sub(now.as_millis())?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

fn refused(problem: String) -> Delivery {
    Delivery::Refused {
        problem,
        wait: None,
    }
}

/// A failure with its causes. They are the system's and TLS's words on the connection, never the
/// receiver's.
fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answer(status: u16, header: Option<&'static str>) -> Delivery {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let header = header.map(HeaderValue::from_static);
        response
            .headers_mut()
            .extend(header.map(|value| (RETRY_AFTER, value)));
        judge(&response, Timestamp::from_millis(784_111_717_000))
    }

    #[test]
    fn only_2xx_is_received_and_410_ends_everything() {
        for status in [200, 202, 204] {
            assert_eq!(answer(status, None), Delivery::Received);
        }
        for status in [301, 307, 400, 401, 404, 409, 500, 503] {
            let problem = format!("the receiver answered {status}");
            assert_eq!(answer(status, None), refused(problem));
        }
        assert!(matches!(answer(410, None), Delivery::Gone { .. }));
    }

    #[test]
    fn the_receiver_may_ask_for_time_in_seconds_or_until_a_date() {
        let wait = |text| match answer(503, Some(text)) {
            Delivery::Refused { wait, .. } => wait.map(|wait| wait.as_secs()),
            other @ (Delivery::Received | Delivery::Gone { .. }) => panic!("{other:?}"),
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:30 GMT"), None, "it is over");
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }
}
