//! What a peer does instead of speaking HTTP/2 well, frame by frame.

use std::time::Duration;

use dragoman::client::{Cause, Client, Parameters, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{advance, pause, timeout};

use crate::client_fixture::{ask, post, verdict};
use crate::fault_server::{Act, End, FaultServer, refusing};
use crate::http2_peer::{http2_client, over_http2};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, of the static table.
const OK: u8 = 0x88;

/// The upstream's end of a connection.
struct Frames(TcpStream);

impl Frames {
    /// Accepts one, and says which SETTINGS it has.
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(Duration::from_secs(20), listener.accept())
            .await
            .unwrap()
            .unwrap();
        stream.set_nodelay(true).unwrap();
        let mut frames = Self(stream);
        let mut preface = [0; 24];
        frames.0.read_exact(&mut preface).await.unwrap();
        frames.write(SETTINGS, 0, 0, &[]).await;
        frames
    }

    async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    /// Its kind, its stream and what is in it.
    async fn read(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [high, middle, low, kind, _, stream @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((kind, u32::from_be_bytes(stream), payload))
    }

    /// Reads until a frame of that kind has come on a stream; what is in it.
    async fn until(&mut self, kind: u8, stream: u32) -> Vec<u8> {
        loop {
            let next = timeout(Duration::from_secs(20), self.read()).await.unwrap();
            let next = next.expect("it goes on");
            if (next.0, next.1) == (kind, stream) {
                return next.2;
            }
        }
    }

    async fn answer(&mut self, stream: u32, body: &str) {
        self.write(HEADERS, END_HEADERS, stream, &[OK]).await;
        self.write(DATA, END_STREAM, stream, body.as_bytes()).await;
    }
}

async fn listen() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = http2_client(listener.local_addr().unwrap());
    (listener, client)
}

/// A literal with that name and value.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0, u8::try_from(name.len()).unwrap()];
    block.extend(name.as_bytes());
    block.push(u8::try_from(value.len()).unwrap());
    block.extend(value.as_bytes());
    block
}

#[tokio::test]
async fn requests_beyond_the_last_one_that_a_goodbye_names_are_sent_again_and_others_are_not() {
    let (listener, client) = listen().await;
    let asked: Vec<_> = (0..3)
        .map(|number| {
            let client = client.clone();
            let request = post(&format!("/{number}"), "");
            tokio::spawn(async move { client.send(request, None).await })
        })
        .collect();
    let mut first = Frames::accept(&listener).await;
    first.until(HEADERS, 5).await;
    let goodbye = [0, 0, 0, 1, 0, 0, 0, 0];
    first.write(GOAWAY, 0, 0, &goodbye).await;
    let mut second = Frames::accept(&listener).await;
    second.until(HEADERS, 3).await;
    // What the first one has taken it still answers.
    first.answer(1, "first").await;
    second.answer(1, "second").await;
    second.answer(3, "second").await;
    let mut bodies = Vec::new();
    for answered in asked {
        bodies.push(answered.await.unwrap().unwrap().into_body());
    }
    bodies.sort();
    assert_eq!(bodies, ["first", "second", "second"]);

    // With an end behind it nobody knows what became of those that were taken.
    let later = tokio::spawn(async move { ask(&client).await });
    second.until(HEADERS, 5).await;
    second.write(GOAWAY, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 2]).await;
    drop(second);
    assert_eq!(verdict(later.await.unwrap()), (Sent::Maybe, Cause::Reset));
}

#[tokio::test]
async fn an_end_that_has_arrived_is_seen_before_anything_is_sent() {
    let (listener, client) = listen().await;
    for _ in 0..20 {
        let asking = client.clone();
        let asked = tokio::spawn(async move { ask(&asking).await });
        let mut frames = Frames::accept(&listener).await;
        frames.until(HEADERS, 1).await;
        frames.answer(1, "answer").await;
        assert_eq!(asked.await.unwrap().unwrap().body(), "answer");
        // Without a word, and perhaps with a reset.
        drop(frames);
    }
}

/// What becomes of a request whose stream is treated so.
async fn judged(act: impl AsyncFn(&mut Frames)) -> (Sent, Cause) {
    let (listener, client) = listen().await;
    let asked = tokio::spawn(async move { ask(&client).await });
    let mut frames = Frames::accept(&listener).await;
    frames.until(HEADERS, 1).await;
    act(&mut frames).await;
    // It is not sent again.
    let judged = verdict(asked.await.unwrap());
    let again = timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(again.is_err());
    judged
}

#[tokio::test]
async fn an_answer_cut_short_is_none() {
    let found = judged(async |frames| {
        frames.write(HEADERS, END_HEADERS, 1, &[OK]).await;
        frames.write(DATA, 0, 1, b"half").await;
        frames.write(RST_STREAM, 0, 1, &[0, 0, 0, 2]).await;
    });
    assert_eq!(found.await, (Sent::Maybe, Cause::Truncated));
    // Those that say that nothing is wrong, too: there was no end before them.
    for reason in [0, 8] {
        let found = judged(async |frames| {
            frames.write(HEADERS, END_HEADERS, 1, &[OK]).await;
            frames.write(DATA, 0, 1, b"half").await;
            frames.write(RST_STREAM, 0, 1, &[0, 0, 0, reason]).await;
        });
        assert_eq!(found.await, (Sent::Maybe, Cause::Truncated), "{reason}");
    }
    let found = judged(async |frames| {
        frames.write(HEADERS, END_HEADERS, 1, &[OK]).await;
        frames.write(DATA, 0, 1, b"half").await;
        frames.0.shutdown().await.unwrap();
    });
    assert_eq!(found.await, (Sent::Maybe, Cause::Truncated));
    // More than was announced is no more told from less than that.
    for length in ["10", "2"] {
        let head = [vec![OK], field("content-length", length)].concat();
        let found = judged(async |frames| {
            frames.write(HEADERS, END_HEADERS, 1, &head).await;
            frames.write(DATA, END_STREAM, 1, b"half").await;
        });
        assert_eq!(found.await, (Sent::Maybe, Cause::Truncated), "{length}");
    }
}

#[tokio::test]
async fn an_answer_that_contradicts_itself_or_leaves_the_protocol_is_none() {
    let heads = [
        [vec![OK], field("content-length", "x")].concat(),
        [
            vec![OK],
            field("content-length", "4"),
            field("content-length", "4"),
        ]
        .concat(),
        [vec![OK], field("transfer-encoding", "chunked")].concat(),
        [vec![OK], field("connection", "close")].concat(),
        [vec![OK], field("X", "upper")].concat(),
        [vec![OK], field("x", "a\r\nb: c")].concat(),
        field("x", "no status"),
        vec![0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for head in heads {
        let found = judged(async |frames| {
            frames.write(HEADERS, END_HEADERS, 1, &head).await;
            frames.write(DATA, END_STREAM, 1, b"four").await;
        });
        assert_eq!(found.await, (Sent::Maybe, Cause::BadFraming), "{head:?}");
    }
    let found = judged(async |frames| frames.write(DATA, END_STREAM, 1, b"four").await);
    assert_eq!(found.await, (Sent::Maybe, Cause::BadFraming));
    let found = judged(async |frames| frames.0.shutdown().await.unwrap());
    assert_eq!(found.await, (Sent::Maybe, Cause::Reset));
    // HTTP_1_1_REQUIRED.
    let found = judged(async |frames| frames.write(RST_STREAM, 0, 1, &[0, 0, 0, 13]).await);
    assert_eq!(found.await, (Sent::Maybe, Cause::NotHttp2));
}

#[tokio::test]
async fn who_speaks_something_else_is_told_so_and_was_sent_no_request() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "<html>",
    ] {
        for end in [End::Close, End::Reset, End::Keep] {
            let server = FaultServer::always(Act::new(answer, end)).await;
            let mut parameters = over_http2(server.address);
            parameters.connect = Duration::from_secs(5);
            let client = Client::new(parameters).unwrap();
            let failure = ask(&client).await.unwrap_err();
            if answer == "<html>" && failure.cause != Cause::NotHttp2 {
                // Too short to be told from the beginning of a frame.
                continue;
            }
            assert_eq!(
                (failure.sent, failure.cause),
                (Sent::Nothing, Cause::NotHttp2)
            );
            assert!(failure.to_string().contains("http_version"), "{failure}");
            let requests = server.requests();
            assert!(requests.iter().all(|it| !it.head.contains("ask")));
        }
    }
    let client = http2_client(refusing().await);
    assert_eq!(verdict(ask(&client).await), (Sent::Nothing, Cause::Connect));
}

#[tokio::test]
async fn all_who_wait_for_a_dial_learn_that_it_failed() {
    let client = http2_client(refusing().await);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client).await })
        })
        .collect();
    for answered in asked {
        let found = verdict(answered.await.unwrap());
        assert_eq!(found, (Sent::Nothing, Cause::Connect));
    }
}

#[tokio::test]
async fn a_peer_that_does_not_answer_a_ping_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(Parameters {
        head: Duration::from_secs(3600),
        total: Duration::from_secs(3600),
        idle: Duration::from_secs(3600),
        lifetime: Duration::from_secs(3600),
        ..over_http2(listener.local_addr().unwrap())
    })
    .unwrap();
    let asked = tokio::spawn(async move { ask(&client).await });
    let mut frames = Frames::accept(&listener).await;
    frames.until(HEADERS, 1).await;
    // From here on the clock goes on by itself only where nothing else is under way, which this is.
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let held = tokio::task::spawn_blocking(move || wait.recv().is_err());
    pause();
    for _ in 0..2 {
        advance(Duration::from_secs(21)).await;
        let ping = frames.until(PING, 0).await;
        frames.write(PING, ACK, 0, &ping).await;
        // What this is answered by comes after that was read.
        frames.write(PING, 0, 0, &[7; 8]).await;
        assert_eq!(frames.until(PING, 0).await, [7; 8]);
        advance(Duration::from_secs(11)).await;
        assert!(!asked.is_finished(), "it was alive");
    }
    advance(Duration::from_secs(10)).await;
    frames.until(PING, 0).await;
    assert!(!asked.is_finished());
    advance(Duration::from_secs(11)).await;
    assert_eq!(verdict(asked.await.unwrap()), (Sent::Maybe, Cause::Reset));
    drop(done);
    assert!(held.await.unwrap());
}
