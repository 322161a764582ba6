//! What waits to be looked at, and the thread that looks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::look::look;
use super::output::Output;
use super::sample::{Room, Sample};
use super::tap::Tap;
use super::terms::Terms;

/// Requests that may wait; more are not looked at.
const WAITING: usize = 1024;

/// Bytes of heads and bodies that may be copied at a time.
const MOST_BYTES: usize = 8 << 20;

/// Requests whose lines are written at once.
const AT_ONCE: usize = 256;

/// How often the thread looks whether something was lost that it has not told.
const PAUSE: Duration = Duration::from_secs(5);

/// How long the last lines have at the end of the process.
const LAST: Duration = Duration::from_secs(1);

/// Looks at requests from the first [`Tap`] on, and writes what it sees to a file or the log.
#[derive(Clone, Debug)]
pub struct Observer {
    file: Option<PathBuf>,
    running: Arc<Mutex<Option<Running>>>,
}

#[derive(Debug)]
struct Running {
    queue: Arc<Queue>,
    ended: Receiver<()>,
}

/// What taps and the thread share.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: SyncSender<Option<Box<Sample>>>,
    used: Arc<AtomicUsize>,
    most_bytes: usize,
    lost: AtomicU64,
    is_closed: AtomicBool,
}

impl Observer {
    /// Nothing is started yet. Lines go to the file, at its end, or else to the log.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            running: Arc::default(),
        }
    }

    /// A tap whose requests are judged by these terms. The first one starts the thread.
    pub fn tap(&self, terms: Terms) -> io::Result<Tap> {
        let mut running = self.lock();
        let queue = if let Some(running) = &*running {
            Arc::clone(&running.queue)
        } else {
            let started = start(Output::new(self.file.clone()), WAITING, MOST_BYTES)?;
            Arc::clone(&running.insert(started).queue)
        };
        Ok(Tap::new(queue, Arc::new(terms)))
    }

    /// Has what waits looked at, for a second at most. Blocks.
    pub fn finish(&self) {
        if let Some(running) = self.lock().take() {
            running.finish();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn finish(self) {
        self.queue.is_closed.store(true, Ordering::Relaxed);
        // Where there is no room it is awake, and looks before it sleeps.
        drop(self.queue.waiting.try_send(None));
        let _ = self.ended.recv_timeout(LAST);
    }
}

impl Queue {
    /// Room for a sample, nothing at first.
    pub(super) fn room(&self) -> Room {
        Room::new(Arc::clone(&self.used), self.most_bytes)
    }

    /// Leaves a sample to be looked at, if there is room.
    pub(super) fn push(&self, sample: Box<Sample>) {
        if self.waiting.try_send(Some(sample)).is_err() {
            self.lose();
        }
    }

    /// Counts a request that is not looked at.
    pub(super) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

fn start(mut output: Output, waiting: usize, most_bytes: usize) -> io::Result<Running> {
    let (sender, receiver) = sync_channel(waiting);
    let queue = Arc::new(Queue {
        waiting: sender,
        used: Arc::default(),
        most_bytes,
        lost: AtomicU64::new(0),
        is_closed: AtomicBool::new(false),
    });
    let (end, ended) = channel::<()>();
    let own = Arc::clone(&queue);
    let thread = thread::Builder::new().name("observe".to_owned());
    thread.spawn(move || {
        stand_back();
        work(&own, &receiver, &mut output);
        // The other end hears of it either way.
        drop(end);
    })?;
    Ok(Running { queue, ended })
}

fn work(queue: &Queue, waiting: &Receiver<Option<Box<Sample>>>, output: &mut Output) {
    loop {
        let is_closed = queue.is_closed.load(Ordering::Relaxed);
        let pause = if is_closed { Duration::ZERO } else { PAUSE };
        let first = match waiting.recv_timeout(pause) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let rest = waiting.try_iter().take(AT_ONCE);
        let mut seen = 0;
        for sample in first.into_iter().chain(rest.flatten()) {
            seen += 1;
            // A fault in here is one of the program's own, and no reason to look at nothing any more.
            match catch_unwind(AssertUnwindSafe(|| look(&sample))) {
                Ok(lines) => lines.iter().for_each(|line| output.push(line)),
                Err(_) => queue.lose(),
            }
        }
        let lost = queue.lost.swap(0, Ordering::Relaxed);
        output.flush(lost);
        if is_closed && seen == 0 {
            return;
        }
    }
}

/// Lets the threads that answer go first. Only Linux has this for a thread alone.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(error = %error, "requests are looked at at the priority of calls");
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fs;
    use std::net::Ipv4Addr;

    use bytes::Bytes;
    use futures_util::stream;
    use http::Request;
    use http_body::Frame;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;
    use crate::auth::api_key::Pepper;
    use crate::auth::call::RequestId;
    use crate::auth::keys::KeyRing;
    use crate::clock::Clock;
    use crate::command::{AccountId, Id};
    use crate::middleware::routed;
    use crate::observe::{Stored, Tapped};
    use crate::route::Route;

    const SOURCE: Option<std::net::IpAddr> = Some(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn terms() -> Terms {
        Terms {
            keys: Arc::new(KeyRing::new(Pepper::new(&[7; 32]), Vec::new())),
            stored: Stored::Absent,
            account: AccountId::new(Id::ONE),
            upstreams: Vec::new(),
            clock: Clock::system(),
        }
    }

    fn route() -> Arc<Route> {
        Arc::new(routed::route(1))
    }

    fn call<B>(body: B) -> Request<B> {
        let kind = "application/x-www-form-urlencoded";
        let request = Request::post("/").header("content-type", kind);
        request.body(body).unwrap()
    }

    const CALL: &str = "api_secret_key=nobodys-key&remove=site_users&user=ada";

    /// The requests of taps over a queue that nobody looks at, with so much room.
    fn waiting(
        places: usize,
        most_bytes: usize,
    ) -> (Tap, Arc<Queue>, Receiver<Option<Box<Sample>>>) {
        let (sender, receiver) = sync_channel(places);
        let queue = Arc::new(Queue {
            waiting: sender,
            used: Arc::default(),
            most_bytes,
            lost: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        });
        let tap = Tap::new(Arc::clone(&queue), Arc::new(terms()));
        (tap, queue, receiver)
    }

    async fn hand_on<B: http_body::Body<Data = Bytes> + Unpin>(tap: &Tap, body: B) {
        let request = call(body);
        let watched = tap.begin(&route(), &request, RequestId::new(1), SOURCE);
        let body = Tapped::new(request.into_body(), watched);
        drop(body.collect().await);
    }

    #[tokio::test]
    async fn a_request_that_finds_no_place_is_counted_and_said_and_holds_nothing() {
        let (tap, queue, receiver) = waiting(1, 1 << 20);
        for _ in 0..3 {
            hand_on(&tap, Full::from(CALL)).await;
        }
        assert_eq!(queue.lost.load(Ordering::Relaxed), 2);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("observed.jsonl");
        queue.is_closed.store(true, Ordering::Relaxed);
        work(&queue, &receiver, &mut Output::new(Some(file.clone())));
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains(r#""operation":"user.delete""#), "{text}");
        assert!(text.ends_with("\"lost\":2}\n"), "{text}");
        assert_eq!(queue.used.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn bodies_share_a_budget_beyond_which_they_are_not_copied() {
        let (tap, queue, receiver) = waiting(10, 2_000);
        hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
        hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
        assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
        drop(receiver.recv());
        hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
        assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_breaks_off_is_not_looked_at_and_of_what_is_too_long_the_beginning() {
        let (tap, queue, receiver) = waiting(10, 1 << 20);
        let pieces = |last: Result<&'static str, &'static str>| {
            let data = |text: &'static str| Frame::data(Bytes::from_static(text.as_bytes()));
            let pieces = [Ok(&CALL[..10]), Ok(&CALL[10..]), last];
            StreamBody::new(stream::iter(pieces.map(|piece| piece.map(data))))
        };
        hand_on(&tap, pieces(Err("broken"))).await;
        assert!(receiver.try_recv().is_err());
        hand_on(&tap, pieces(Ok(""))).await;
        let sample = receiver.try_recv().unwrap().unwrap();
        assert_eq!(
            (sample.body.as_slice(), sample.is_long),
            (CALL.as_bytes(), false)
        );

        let long = stream::iter((0..3).map(|_| Frame::data(Bytes::from(vec![b'x'; 1000]))));
        let long = futures_util::StreamExt::map(long, Ok::<_, Infallible>);
        hand_on(&tap, StreamBody::new(long)).await;
        let sample = receiver.try_recv().unwrap().unwrap();
        assert_eq!((sample.body.len(), sample.is_long), (2000, true));
        assert_eq!(queue.lost.load(Ordering::Relaxed), 0);
        assert!(receiver.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_still_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("observed.jsonl");
        let observer = Observer::new(Some(file.clone()));
        let tap = observer.tap(terms()).unwrap();
        for _ in 0..600 {
            hand_on(&tap, Full::from(CALL)).await;
        }
        observer.finish();
        let text = fs::read_to_string(file).unwrap();
        let calls = text.matches(r#""kind":"unauthenticated""#).count();
        assert_eq!(calls, 600);
        assert!(!text.contains("nobodys") && !text.contains("ada"), "{text}");
    }
}
