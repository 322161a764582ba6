//! What a call is told when the store takes longer than its caller waits.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use futures_util::poll;

use crate::error::{Error, Kind};
use crate::store::StoreError;

/// Waits for a read up to the deadline. What is given up had no effect.
pub(super) async fn read<T>(
    deadline: Option<Instant>,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Error> {
    wait(deadline, answer)
        .await
        .unwrap_or_else(|| Err(Kind::Timeout.into()))
}

/// Waits for a write up to the deadline. What is given up is in the store's queue and will be
/// done or refused; nobody here learns which.
pub(super) async fn write<T>(
    deadline: Option<Instant>,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Error> {
    wait(deadline, answer)
        .await
        .unwrap_or_else(|| Err(Kind::UnknownOutcome.into()))
}

async fn wait<T>(
    deadline: Option<Instant>,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Option<Result<T, Error>> {
    let mut answer = pin!(answer);
    // What is answered from memory needs no timer.
    let answer = match (poll!(&mut answer), deadline) {
        (Poll::Ready(answer), _) => answer,
        (Poll::Pending, None) => answer.await,
        (Poll::Pending, Some(deadline)) => tokio::time::timeout_at(deadline.into(), answer)
            .await
            .ok()?,
    };
    Some(answer.map_err(Error::from))
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_past_its_deadline_is_unknown_and_a_read_is_late() {
        let deadline = Some(Instant::now() + Duration::from_millis(10));
        let late = read::<()>(deadline, pending()).await.unwrap_err();
        assert_eq!(late.kind(), &Kind::Timeout);
        let unknown = write::<()>(deadline, pending()).await.unwrap_err();
        assert_eq!(unknown.kind(), &Kind::UnknownOutcome);
    }
}
