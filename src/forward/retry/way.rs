//! The one place where a request of a command leaves for its upstream.

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;

use super::Answered;
use crate::forward::endpoints::{Endpoints, Errand};

/// How requests get there. A copy goes its own way beside the other, to another endpoint if there is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::forward) struct Way<'a> {
    endpoints: &'a Endpoints,
    errand: &'a Errand,
}

impl<'a> Way<'a> {
    pub(in crate::forward) const fn new(endpoints: &'a Endpoints, errand: &'a Errand) -> Self {
        Self { endpoints, errand }
    }

    /// Sends the request once and reads the whole answer.
    pub(super) async fn send(self, request: Box<Request<Bytes>>, until: Instant) -> Answered<'a> {
        self.endpoints
            .send(request, until.into_std(), self.errand)
            .await
    }
}
