//! Sending a request to one of the endpoints.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};

use super::Endpoints;
use super::errand::{Errand, Picked};
use crate::client::{Answer, Cause, Failure, Relay, Sent, Stage};

impl Endpoints {
    /// Sends the request and reads the whole answer. Whoever reads what it says tells the endpoint, and the
    /// errand if that did its part ([`Errand::forgive`]).
    ///
    /// What failed before a byte was sent goes to another endpoint, whatever it asks for; and so does the
    /// next request of the same errand.
    pub(in crate::forward) async fn send(
        &self,
        request: Box<Request<Bytes>>,
        until: Instant,
        errand: &Errand,
    ) -> Result<(Response<Bytes>, Picked<'_>), Failure> {
        if !self.is_many() {
            let picked = self.pick(errand).ok_or_else(Failure::unavailable)?;
            return send_to(picked, request, until, errand).await;
        }
        // Taken aside, so that it takes no room where there is one endpoint.
        Box::pin(self.send_anywhere(request, until, errand)).await
    }

    async fn send_anywhere(
        &self,
        request: Box<Request<Bytes>>,
        until: Instant,
        errand: &Errand,
    ) -> Result<(Response<Bytes>, Picked<'_>), Failure> {
        let mut last = None;
        loop {
            let Some(picked) = self.next(errand, last.is_some()) else {
                return Err(last.unwrap_or_else(Failure::unavailable));
            };
            let failure = match send_to(picked, request.clone(), until, errand).await {
                Err(failure) if self.may_go_on(&failure, errand) => failure,
                ended => return ended,
            };
            if Instant::now() >= until {
                return Err(failure);
            }
            last = Some(failure);
        }
    }

    /// Hands a request on to an endpoint, and to another one where nothing was sent to that.
    pub(in crate::forward) async fn stream(
        &self,
        relay: &Relay,
        errand: Errand,
    ) -> Result<Answer, Failure> {
        let mut last = None;
        loop {
            let Some(mut picked) = self.next(&errand, last.is_some()) else {
                return Err(last.unwrap_or_else(Failure::unavailable));
            };
            errand.avoid(&picked);
            let began = Instant::now();
            match picked.client().stream(relay).await {
                Ok(answer) => {
                    // What a page's status means nobody knows here.
                    picked.works();
                    return Ok(answer);
                }
                Err(failure) => {
                    picked.failed(&failure, began.elapsed());
                    if !self.is_many() || !self.may_go_on(&failure, &errand) {
                        return Err(failure);
                    }
                    last = Some(failure);
                }
            }
        }
    }

    /// The endpoint that a request goes to. After one that could not be reached it is another one, or none:
    /// those where it was not yet may all be out.
    fn next(&self, errand: &Errand, has_failed: bool) -> Option<Picked<'_>> {
        let picked = self.pick(errand)?;
        (!has_failed || !errand.was_at(&picked)).then_some(picked)
    }

    /// Whether another endpoint may do better, and nothing can be done twice by it.
    fn may_go_on(&self, failure: &Failure, errand: &Errand) -> bool {
        let is_elsewhere = matches!(
            failure.cause,
            Cause::Connect
                | Cause::Tls
                | Cause::NotHttp2
                | Cause::Reset
                | Cause::Timeout {
                    stage: Stage::Connect | Stage::Handshake
                }
        );
        is_elsewhere && failure.sent == Sent::Nothing && errand.has_others(self.list.len())
    }
}

async fn send_to<'a>(
    mut picked: Picked<'a>,
    request: Box<Request<Bytes>>,
    until: Instant,
    errand: &Errand,
) -> Result<(Response<Bytes>, Picked<'a>), Failure> {
    errand.avoid(&picked);
    let began = Instant::now();
    match picked.client().send(*request, Some(until)).await {
        Ok(answer) => Ok((answer, picked)),
        Err(failure) => {
            picked.failed(&failure, began.elapsed());
            Err(failure)
        }
    }
}
