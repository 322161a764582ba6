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
mod tests;
