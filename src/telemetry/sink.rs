//! Log lines on their way to standard error, by a thread of their own.
//!
//! A line is left here and the call goes on: a slow reader of the log, or none, holds no call up.
//! The thread waits a moment for more and writes what is there at once.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many bytes of lines may wait; more are dropped and counted.
const CAPACITY: usize = 1 << 20;

/// How long the first line that waits gives others to join it.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the lines that are left have at the end of the process.
const LAST: Duration = Duration::from_secs(1);

/// Where lines are left.
#[derive(Clone, Debug, Default)]
pub(super) struct Sink(Arc<Shared>);

/// Keeps the lines coming. Dropping it writes what is left, unless nobody takes it within a second.
#[derive(Debug)]
#[must_use = "what is logged after it is dropped is lost"]
pub struct Writing {
    sink: Sink,
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    dropped: u64,
    is_closed: bool,
}

impl Sink {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Self, Writing)> {
        let sink = Self::default();
        let (end, ended) = channel::<()>();
        let thread = thread::Builder::new().name("log".to_owned());
        let taken = sink.clone();
        thread.spawn(move || {
            taken.write_to(out);
            // The other end hears of it either way.
            drop(end);
        })?;
        let writing = Writing {
            sink: sink.clone(),
            ended,
        };
        Ok((sink, writing))
    }

    /// Writes lines until there will be no more.
    fn write_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        let mut lost = 0;
        loop {
            let waiting = self.lock();
            let arrived = self.0.arrived.wait_while(waiting, |waiting| {
                waiting.lines.is_empty() && !waiting.is_closed
            });
            let is_closed = arrived.unwrap_or_else(PoisonError::into_inner).is_closed;
            if !is_closed {
                thread::sleep(PAUSE);
            }
            let mut waiting = self.lock();
            mem::swap(&mut lines, &mut waiting.lines);
            lost += mem::take(&mut waiting.dropped);
            drop(waiting);
            let written = out.write_all(&lines);
            if written.is_err() {
                lost += count(&lines);
            } else if lost > 0 {
                // Only now can anybody be told.
                tracing::warn!(
                    log.dropped = lost,
                    "lines were dropped: the log was not taken"
                );
                lost = 0;
            }
            lines.clear();
            if is_closed && self.lock().lines.is_empty() {
                return;
            }
        }
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.lines.len() + line.len() > CAPACITY {
            waiting.dropped += 1;
            return;
        }
        let was_empty = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        // Otherwise it is awake already.
        if was_empty {
            self.0.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(lines: &[u8]) -> u64 {
    let lines = memchr::memchr_iter(b'\n', lines).count();
    u64::try_from(lines).unwrap_or(u64::MAX)
}

/// Takes one line at a time, as the formatter writes them.
impl Write for &Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.sink.lock().is_closed = true;
        self.sink.0.arrived.notify_one();
        // It ends by hanging up, and time runs out where standard error is a pipe nobody reads.
        let _ = self.ended.recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, sync_channel};
    use std::time::Instant;

    use super::*;

    /// What was written, piece by piece.
    struct Pieces(Sender<Vec<u8>>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_come_together_are_written_together_and_in_order() {
        let (pieces, written) = channel();
        let (sink, writing) = Sink::start(Pieces(pieces)).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            (&sink).write_all(line.as_bytes()).unwrap();
        }
        drop(writing);
        let written: Vec<_> = written.iter().collect();
        assert_eq!(written.concat(), b"one\ntwo\nthree\n");
        assert!(written.len() < 3, "{written:?}");
    }

    /// Fails the first time.
    struct Full(Pieces, bool);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !mem::replace(&mut self.1, true) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_was_full_once_goes_on() {
        let (pieces, written) = channel();
        let (sink, writing) = Sink::start(Full(Pieces(pieces), false)).unwrap();
        (&sink).write_all(b"lost\n").unwrap();
        while !sink.lock().lines.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        (&sink).write_all(b"kept\n").unwrap();
        drop(writing);
        let written: Vec<_> = written.iter().collect();
        assert_eq!(written.concat(), b"kept\n");
        assert_eq!(count(b"a\nb\n"), 2);
    }

    /// Blocks until it is told to go on.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error is the end of the test.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_holds_nobody_up_and_takes_no_more_than_its_capacity() {
        let (_go_on, stuck) = sync_channel(0);
        let (sink, writing) = Sink::start(Stuck(stuck)).unwrap();
        let line = [b'x'; 1024];
        let began = Instant::now();
        for _ in 0..3000 {
            (&sink).write_all(&line).unwrap();
        }
        assert!(sink.lock().lines.len() <= CAPACITY);
        assert!(sink.lock().dropped >= 3000 - 2 * 1024);
        drop(writing);
        let took = began.elapsed();
        assert!(took < LAST + Duration::from_secs(2), "{took:?}");
    }
}
