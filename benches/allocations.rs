//! The limits of the codecs: at most 40 allocations for each of the update calls of the three
//! dialects, at most 3 µs, or 6 µs where the body is multipart. Exit code 1 above them.
//!
//! The limit on time is one on decoding and encoding once. Forwarding encodes twice, the request
//! and the answer, and may take twice as long; its allocations have the same limit.
//!
//! The time is the shortest of many runs, which a busy machine disturbs least, and is judged in
//! optimised builds only: `cargo bench --bench allocations`.

mod exchange;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::exchange::{Exchange, Framing};

const ALLOCATIONS: usize = 40;
const TIME: Duration = Duration::from_micros(3);
const TIME_OF_MULTIPART: Duration = Duration::from_micros(6);

const RUNS: usize = 400;
const CALLS_A_RUN: u32 = 250;

/// How often is measured what was too slow, with a pause in between. A processor that others use
/// too is slow for a while, and never fast by chance.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of what was asked of it. Growing counts as allocating.
struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; the count is beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// There is one thread, so that counting need not lock the bus, which took a tenth of what is measured.
fn count() {
    COUNT.store(
        COUNT.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

struct Work {
    name: &'static str,
    run: fn(&Exchange),
    encodes: u32,
}

const WORKS: [Work; 3] = [
    Work {
        name: "execute",
        run: |exchange| drop(black_box(exchange.execute())),
        encodes: 1,
    },
    Work {
        name: "send",
        run: |exchange| drop(black_box(exchange.send())),
        encodes: 1,
    },
    Work {
        name: "forward",
        run: |exchange| drop(black_box(exchange.forward())),
        encodes: 2,
    },
];

struct Measured {
    allocations: usize,
    time: Option<Duration>,
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn main() -> ExitCode {
    let mut within = true;
    println!("dialect     framing     work     allocations      µs");
    for exchange in Exchange::all() {
        for work in WORKS {
            let measured = measure(&exchange, &work);
            let fault = fault(&exchange, &work, &measured);
            let micros = measured
                .time
                .map(|time| format!("{:.2}", time.as_secs_f64() * 1e6));
            println!(
                "{:<12}{:<12}{:<9}{:>11}{:>8}{}",
                exchange.dialect.name(),
                exchange.framing.name(),
                work.name,
                measured.allocations,
                micros.as_deref().unwrap_or("-"),
                fault.unwrap_or_default(),
            );
            within &= fault.is_none();
        }
    }
    if within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(exchange: &Exchange, work: &Work) -> Measured {
    let run = work.run;
    // The first call pays for what is made once in a process.
    run(exchange);
    let before = COUNT.load(Ordering::Relaxed);
    run(exchange);
    let allocations = COUNT.load(Ordering::Relaxed) - before;
    let time = (!cfg!(debug_assertions)).then(|| least(exchange, work));
    Measured { allocations, time }
}

/// The least time that it took, of as many attempts as it takes to be within the limit.
fn least(exchange: &Exchange, work: &Work) -> Duration {
    let mut least = shortest(exchange, work.run);
    for _ in 1..ATTEMPTS {
        if least <= limit(exchange, work) {
            break;
        }
        thread::sleep(PAUSE);
        least = least.min(shortest(exchange, work.run));
    }
    least
}

fn shortest(exchange: &Exchange, work: fn(&Exchange)) -> Duration {
    let run = || {
        let started = Instant::now();
        for _ in 0..CALLS_A_RUN {
            work(black_box(exchange));
        }
        started.elapsed() / CALLS_A_RUN
    };
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

fn limit(exchange: &Exchange, work: &Work) -> Duration {
    let limit = match exchange.framing {
        Framing::Urlencoded | Framing::Json => TIME,
        Framing::Multipart => TIME_OF_MULTIPART,
    };
    limit * work.encodes
}

fn fault(exchange: &Exchange, work: &Work, measured: &Measured) -> Option<&'static str> {
    if measured.allocations > ALLOCATIONS {
        return Some("  too many allocations");
    }
    (measured.time? > limit(exchange, work)).then_some("  too slow")
}
