//! A request as it was handed on, with as much of its body as a call may have.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;

use super::terms::Terms;
use crate::auth::call::RequestId;
use crate::clock::Timestamp;
use crate::route::Route;

/// What is looked at.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) id: RequestId,
    pub(super) source: Option<IpAddr>,
    pub(super) head: Parts,
    pub(super) body: Vec<u8>,
    /// Whether there is more of the body than a call may have.
    pub(super) is_long: bool,
    /// Whether it took longer to arrive than a call may.
    pub(super) is_late: bool,
    pub(super) route: Arc<Route>,
    pub(super) terms: Arc<Terms>,
    pub(super) room: Room,
}

/// What one sample takes of the memory that all of them have. It goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    used: Arc<AtomicUsize>,
    most: usize,
    own: usize,
}

impl Room {
    /// Nothing so far.
    pub(super) const fn new(used: Arc<AtomicUsize>, most: usize) -> Self {
        Self { used, most, own: 0 }
    }

    /// Takes so many bytes more; `false` if there are none left.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let most = self.most;
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= most);
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if taken.is_ok() {
            self.own += bytes;
        }
        taken.is_ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_and_goes_back() {
        let used = Arc::new(AtomicUsize::new(0));
        let mut one = Room::new(Arc::clone(&used), 10);
        let mut other = Room::new(Arc::clone(&used), 10);
        assert!(one.take(6) && other.take(4));
        assert!(!other.take(1) && !one.take(usize::MAX));
        drop(one);
        assert!(other.take(6));
        drop(other);
        assert_eq!(used.load(Ordering::Relaxed), 0);
    }
}
