//! The one place where a request of a command leaves for its upstream.

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use crate::client::{Client, Failure};

/// How requests get there. A clone goes its own way beside the other.
#[derive(Clone, Debug)]
pub(in crate::forward) struct Way<'a> {
    client: &'a Client,
}

impl<'a> Way<'a> {
    pub(in crate::forward) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Sends the request once and reads the whole answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Bytes>,
        until: Instant,
    ) -> Result<Response<Bytes>, Failure> {
        self.client.send(request, Some(until.into_std())).await
    }
}
