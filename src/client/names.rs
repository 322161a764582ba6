//! A name, and the addresses that it has at the moment.
//!
//! The system's resolver is asked by a thread of its own, never by a request: one that comes while an answer
//! is old has the old one. Only where there is none yet, or nobody has asked for long, is it waited for, and
//! no longer than [`PATIENCE`]. The last good answer is kept until there is another, whatever fails meanwhile.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{Instant as Moment, timeout_at};

/// The longest that a request waits for the resolver.
const PATIENCE: Duration = Duration::from_secs(1);

type Lookup = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// Addresses of one answer.
pub(super) type Addresses = Arc<[SocketAddr]>;

/// A name that is looked up again and again while it is used.
#[derive(Debug)]
pub(super) struct Name {
    host: String,
    port: u16,
    every: Duration,
    lookup: Lookup,
    /// What ages are counted from.
    base: Instant,
    /// Milliseconds from there to the next look-up.
    due: AtomicU64,
    state: Mutex<State>,
    /// Told of the end of every look-up.
    answered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The last good answer.
    known: Option<Addresses>,
    /// Whether a look-up is under way.
    is_asked: bool,
    /// When the last one ended.
    ended: Option<Instant>,
    /// Why it failed, if it did.
    fault: Option<String>,
}

/// What is known, and whether to wait for more.
enum Answer {
    Known(Addresses),
    Wait,
    Fault(String),
}

impl Name {
    /// A name that nobody has looked up yet.
    pub(super) fn new(host: String, port: u16, every: Duration) -> Self {
        Self::with(host, port, every, system)
    }

    fn with(host: String, port: u16, every: Duration, lookup: Lookup) -> Self {
        Self {
            host,
            port,
            every,
            lookup,
            base: Instant::now(),
            due: AtomicU64::new(0),
            state: Mutex::default(),
            answered: Notify::new(),
        }
    }

    /// Its addresses, in the order in which they are to be tried: never none.
    pub(super) async fn addresses(self: &Arc<Self>, until: Moment) -> io::Result<Addresses> {
        let mut answered = std::pin::pin!(self.answered.notified());
        // An answer that comes from here on is not missed.
        answered.as_mut().enable();
        match self.ask() {
            Answer::Known(addresses) => return Ok(addresses),
            Answer::Fault(fault) => return Err(io::Error::other(fault)),
            Answer::Wait => {}
        }
        let patience = until.min(Moment::now() + PATIENCE);
        // Whether there is an answer shows below.
        drop(timeout_at(patience, answered).await);
        let state = self.state();
        match (&state.known, &state.fault) {
            (Some(known), _) => Ok(Arc::clone(known)),
            (None, Some(fault)) => Err(io::Error::other(fault.clone())),
            (None, None) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the name is not resolved in time",
            )),
        }
    }

    /// Whether a connection to that address still leads to the name. It is looked up again where that is due.
    pub(super) fn leads_to(self: &Arc<Self>, address: Option<SocketAddr>) -> bool {
        if self.now() >= self.due.load(Ordering::Relaxed) {
            // Nobody waits here.
            drop(self.ask());
        }
        let state = self.state();
        let known = state.known.as_ref();
        known
            .zip(address)
            .is_none_or(|(known, address)| known.contains(&address))
    }

    /// What was last answered.
    pub(super) fn known(&self) -> Option<Addresses> {
        self.state().known.clone()
    }

    /// Has the resolver asked, where that is due.
    fn ask(self: &Arc<Self>) -> Answer {
        let now = Instant::now();
        let mut state = self.state();
        let age = state.ended.map(|ended| now.duration_since(ended));
        let is_due = age.is_none_or(|age| age >= self.every);
        let begins = is_due && !state.is_asked;
        if begins {
            state.is_asked = true;
            let name = Arc::clone(self);
            let thread = thread::Builder::new().name("dragoman-names".to_owned());
            // It may take as long as it takes, and ends with the process.
            if let Err(error) = thread.spawn(move || name.look_up()) {
                state.is_asked = false;
                state.ended = Some(now);
                state.fault = Some(format!("no thread can be started: {error}"));
            }
        }
        let is_forgotten = begins && age.is_none_or(|age| age >= self.every.saturating_mul(2));
        match (&state.known, &state.fault) {
            (Some(_), _) if is_forgotten => Answer::Wait,
            (Some(known), _) => Answer::Known(Arc::clone(known)),
            (None, Some(fault)) if !state.is_asked => Answer::Fault(fault.clone()),
            (None, _) => Answer::Wait,
        }
    }

    fn look_up(&self) {
        let found = (self.lookup)(&self.host, self.port);
        let found = found.and_then(|found| {
            let is_good = !found.is_empty();
            let none = || io::Error::other("it has no address");
            is_good.then_some(found).ok_or_else(none)
        });
        let mut state = self.state();
        state.is_asked = false;
        state.ended = Some(Instant::now());
        let due = self.now().saturating_add(millis(self.every));
        self.due.store(due, Ordering::Relaxed);
        match found {
            Ok(found) => self.take(&mut state, found),
            Err(error) => self.keep(&mut state, &error),
        }
        drop(state);
        self.answered.notify_waiters();
    }

    fn take(&self, state: &mut State, mut found: Vec<SocketAddr>) {
        let mut seen = Vec::with_capacity(found.len());
        found.retain(|address| {
            let is_new = !seen.contains(address);
            seen.push(*address);
            is_new
        });
        let before = state.known.as_deref().unwrap_or_default();
        let is_same = before.len() == found.len() && found.iter().all(|it| before.contains(it));
        if !before.is_empty() && !is_same {
            tracing::info!(
                upstream.host = self.host,
                upstream.addresses = shown(&found),
                "the name of an upstream has other addresses now"
            );
        } else if state.fault.is_some() {
            tracing::info!(
                upstream.host = self.host,
                "the name of an upstream is resolved again"
            );
        }
        state.known = Some(found.into());
        state.fault = None;
    }

    fn keep(&self, state: &mut State, error: &io::Error) {
        let fault = format!("the name is not resolved: {error}");
        if state.fault.is_none() {
            tracing::warn!(
                upstream.host = self.host,
                upstream.addresses = state.known.as_deref().map(shown),
                error.cause = %error,
                "the name of an upstream is not resolved: the addresses that it had are kept"
            );
        }
        state.fault = Some(fault);
    }

    fn now(&self) -> u64 {
        millis(self.base.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the system resolves names: its files, its search list, its servers.
fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn shown(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(|it| it.ip().to_string()).collect();
    addresses.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(100);

    fn name(lookup: Lookup) -> Arc<Name> {
        Arc::new(Name::with("blog.test".to_owned(), 80, EVERY, lookup))
    }

    fn soon() -> Moment {
        Moment::now() + Duration::from_secs(30)
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_resolver_that_says_nothing_is_waited_for_a_second_and_no_longer() {
        let name = name(|_, _| {
            thread::sleep(Duration::from_secs(3));
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], 80))])
        });
        let begin = Instant::now();
        let error = name.addresses(soon()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let took = begin.elapsed();
        assert!(took >= PATIENCE && took < 2 * PATIENCE, "it took {took:?}");
        let begin = Instant::now();
        let addresses = loop {
            assert!(begin.elapsed() < Duration::from_secs(20));
            if let Ok(addresses) = name.addresses(soon()).await {
                break addresses;
            }
        };
        assert_eq!(*addresses, [at("127.0.0.1:80")]);
    }

    #[tokio::test]
    async fn the_last_good_answer_is_kept_while_the_name_is_not_resolved_and_nobody_waits() {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let name = name(|_, port| match ASKED.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(vec![SocketAddr::from(([10, 0, 0, 1], port))]),
            1 => Err(io::Error::other("NXDOMAIN")),
            2 => Ok(Vec::new()),
            3 => {
                thread::sleep(Duration::from_millis(1500));
                Err(io::Error::other("no answer"))
            }
            _ => Ok(vec![SocketAddr::from(([10, 0, 0, 2], port))]),
        });
        let first = name.addresses(soon()).await.unwrap();
        assert_eq!(*first, [at("10.0.0.1:80")]);
        let begin = Instant::now();
        loop {
            let before = Instant::now();
            let now = name.addresses(soon()).await.unwrap();
            if *now == [at("10.0.0.2:80")] {
                break;
            }
            assert_eq!(now, first);
            assert!(before.elapsed() < PATIENCE, "somebody waited");
            assert!(begin.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(name.leads_to(Some(at("10.0.0.2:80"))));
        assert!(!name.leads_to(Some(at("10.0.0.1:80"))));
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_a_fault_at_once_until_it_is_asked_for_again() {
        let name = name(|_, _| Err(io::Error::other("NXDOMAIN")));
        for _ in 0..3 {
            let error = name.addresses(soon()).await.unwrap_err().to_string();
            assert!(error.contains("NXDOMAIN"), "{error}");
        }
    }
}
