//! What the upstream client costs for a request, beside the same bytes on a bare socket. At most 20
//! allocations; exit code 1 above that.
//!
//! The upstream is a thread that answers from memory, so that neither its allocations nor a
//! runtime of its own count. `cargo bench --bench upstream`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dragoman::client::{Client, Endpoint, HttpVersion, Parameters, TlsParameters};
use http::{HeaderValue, Request};

const ALLOCATIONS: usize = 20;
const REQUESTS: u32 = 20_000;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n\
    {\"id\":1,\"result\":1,\"error\":null}";
const BODY: &[u8] = b"api_secret_key=0123456789abcdef&update=user&user=jane&full_name=Jane+Doe";

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of what was asked of it. Growing counts as allocating.
struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; the count is beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn main() -> ExitCode {
    let requests = if cfg!(debug_assertions) {
        100
    } else {
        REQUESTS
    };
    let address = upstream();
    let bare = bare_socket(address, requests);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread");
    let (time, allocations) = runtime.block_on(through_client(address, requests));
    println!("                     µs   allocations");
    println!("bare socket     {:>7.2}", micros(bare));
    println!("client          {:>7.2}{allocations:>14}", micros(time));
    if allocations > ALLOCATIONS {
        println!("too many allocations; the limit is {ALLOCATIONS}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A thread that answers whatever it reads, one read a request.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {
        if stream.write_all(ANSWER).is_err() {
            return;
        }
    }
}

fn bare_socket(address: SocketAddr, requests: u32) -> Duration {
    let head =
        b"POST /api_request/ HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
        host: upstream.example\r\naccept-encoding: identity\r\ncontent-length: 73\r\n\r\n";
    let request = [head, BODY].concat();
    let mut stream = TcpStream::connect(address).expect("the upstream listens");
    let mut buffer = [0; 4096];
    let started = Instant::now();
    for _ in 0..requests {
        stream.write_all(&request).expect("the upstream reads");
        let length = stream.read(&mut buffer).expect("the upstream answers");
        assert_eq!(length, ANSWER.len());
    }
    started.elapsed() / requests
}

async fn through_client(address: SocketAddr, requests: u32) -> (Duration, usize) {
    let client = Client::new(parameters(address)).expect("valid parameters");
    // The first request pays for the connection.
    ask(&client).await;
    let before = COUNT.load(Ordering::Relaxed);
    let started = Instant::now();
    for _ in 0..requests {
        ask(&client).await;
    }
    let time = started.elapsed() / requests;
    let allocations = COUNT.load(Ordering::Relaxed) - before;
    // What the connection or a table grows by now and then does not count.
    let requests = usize::try_from(requests).expect("a small number");
    (time, allocations / requests)
}

async fn ask(client: &Client) {
    let request = Request::post("/api_request/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(BODY))
        .expect("a valid request");
    let answer = client.send(request, None).await.expect("an answer");
    assert_eq!(answer.body().len(), 32);
}

fn parameters(address: SocketAddr) -> Parameters {
    Parameters {
        endpoint: Endpoint::Http {
            host: address.ip().to_string(),
            port: address.port(),
        },
        host: HeaderValue::from_static("upstream.example"),
        http_version: HttpVersion::Http1,
        tls: TlsParameters::default(),
        connections: 1,
        idle: Duration::from_secs(4),
        lifetime: Duration::from_secs(60),
        resolve: Duration::from_secs(2),
        connect: Duration::from_secs(2),
        head: Duration::from_secs(10),
        total: Duration::from_secs(10),
        head_bytes: 16 * 1024,
        response_bytes: 1024 * 1024,
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
