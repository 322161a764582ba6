//! Thousands of callers who vanish at random moments leave nothing behind: no permit, no place, no connection,
//! no file, and in the store what they were told and at most what they were not (D46).
//!
//! The test of every day is a part of it; the whole one is `tests/soak/storm`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::fault_server::FaultServer;
use crate::storm_callers::{Fate, Heard, Way, answered_after, bytes, call_and_leave, is_done};
use crate::storm_gateway::{BODIES, IN_FLIGHT, PATIENCE, PLACES, SLOTS, STUCK, Storm};

const REQUESTS: usize = 2_000;

/// Each has one connection of HTTP/1 and one of HTTP/2 at the most.
const CALLERS: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_requests_whose_callers_vanish() {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is no configuration of the product"
    )]
    let asked = std::env::var("DRAGOMAN_TEST_STORM");
    let requests = asked.map_or(REQUESTS, |number| number.parse().unwrap());
    let storm = Storm::start().await;
    // What the gateway opens once, it has open from then on.
    for number in 0..8 {
        for way in [Way::Own, Way::Front, Way::Site] {
            answered_after(storm.address(), way, &format!("before{number}")).await;
        }
    }
    let before = storm.held().await;

    let left = Arc::new(AtomicUsize::new(requests));
    let callers =
        (0..CALLERS).map(|_| tokio::spawn(call_and_leave(storm.address(), Arc::clone(&left))));
    let begin = Instant::now();
    let fates = join_all(callers).await.into_iter().flat_map(Result::unwrap);
    let fates: Vec<_> = fates.collect();
    let took = begin.elapsed();
    for way in [Way::Own, Way::Front, Way::Site] {
        let after = answered_after(storm.address(), way, "after").await;
        assert!(after < Duration::from_secs(2), "{way:?}: {after:?}");
    }

    storm.holds_again(&before).await;
    let counts = [Heard::Done, Heard::Nothing, Heard::Unsent]
        .map(|heard| fates.iter().filter(|fate| fate.2 == heard).count());
    println!(
        "{requests} requests in {took:?}: {} done, {} left, {} never sent whole",
        counts[0], counts[1], counts[2]
    );
    assert_eq!(fates.len(), requests);
    assert!(
        counts.iter().all(|count| count * 20 > requests),
        "{counts:?}"
    );
    the_store_has_what_was_done(&storm, &fates);
    others_were_asked_once(&storm.upstream, Way::Front, &fates);
    others_were_asked_once(&storm.site, Way::Site, &fates);
    writes_sent_on_are_in_the_trail(&storm);

    every_place_is_free(&storm).await;
    every_slot_is_free(&storm).await;
    storm.holds_again(&before).await;
    let (status, log) = storm.served.stop();
    assert_eq!(
        (status.code(), log.contains("panic")),
        (Some(0), false),
        "{log}"
    );
}

/// The names that callers of that way used, by what they heard.
fn names(fates: &[Fate], way: Way) -> HashMap<&str, Heard> {
    let those = fates.iter().filter(|fate| fate.0 == way);
    those
        .map(|(_, name, heard)| (name.as_str(), *heard))
        .collect()
}

fn the_store_has_what_was_done(storm: &Storm, fates: &[Fate]) {
    let database = storm.database();
    let mut statement = database
        .prepare(
            "SELECT username, (SELECT count(*) FROM audit AS a WHERE a.user_id = u.id
                AND a.action = 'user.create' AND a.route = 'own' AND a.outcome = 'done')
             FROM users AS u WHERE username LIKE 'storm%'",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let made: HashMap<_, _> = rows.unwrap().map(Result::unwrap).collect();
    let sent = names(fates, Way::Own);
    for (name, heard) in &sent {
        let is_made = made.contains_key(*name);
        match heard {
            Heard::Done => assert!(is_made, "{name} was acknowledged and is lost"),
            Heard::Unsent => assert!(!is_made, "{name} was never sent whole and is there"),
            Heard::Nothing => {}
        }
    }
    for (name, records) in made {
        assert!(sent.contains_key(name.as_str()), "nobody sent {name}");
        assert_eq!(records, 1, "records of {name}");
    }
    let integrity: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
}

/// What was told arrived, what was never sent did not, and nothing arrived twice.
fn others_were_asked_once(other: &FaultServer, way: Way, fates: &[Fate]) {
    let mut arrived = HashMap::<String, usize>::new();
    for seen in other.requests() {
        let name = match way {
            Way::Site => seen
                .head
                .split([' ', '/'])
                .find(|it| !it.is_empty() && *it != "POST")
                .map(str::to_owned),
            Way::Own | Way::Front => {
                let call: Value = serde_json::from_slice(&seen.body).unwrap();
                call.pointer("/params/2/username")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            }
        };
        *arrived.entry(name.unwrap()).or_default() += 1;
    }
    for (name, heard) in names(fates, way) {
        let times = arrived.get(name).copied().unwrap_or_default();
        let expected = match heard {
            Heard::Done => 1..=1,
            Heard::Nothing => 0..=1,
            Heard::Unsent => 0..=0,
        };
        assert!(
            expected.contains(&times),
            "{name} arrived {times} times: {heard:?}"
        );
    }
}

/// Whoever left, and whether or not the upstream answered in time.
fn writes_sent_on_are_in_the_trail(storm: &Storm) {
    let sql = "SELECT count(*) FROM audit WHERE action = 'user.create' AND route = 'front' AND outcome <> 'refused'";
    let noted: u32 = storm
        .database()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    let arrived = storm.upstream.requests().len();
    assert!(
        usize::try_from(noted).unwrap() >= arrived,
        "{noted} of {arrived} are in the trail"
    );
}

/// As many requests as there are places are worked on at once, none is refused, and one more is.
async fn every_place_is_free(storm: &Storm) {
    let address = storm.address();
    // While another holds the database, writes of the own store wait.
    let database = storm.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut own = Vec::new();
    for number in 0..IN_FLIGHT {
        own.push(sent(storm, Way::Own, &format!("held{number}")).await);
    }
    let before_them = sent_until_one_is_refused(storm, Way::Own).await;
    database.execute_batch("COMMIT").unwrap();
    let mut refused = 0;
    for stream in &mut own {
        refused += usize::from(!is_done(whole(stream).await.as_bytes()));
    }
    assert!(refused <= before_them, "{refused} found no place");
    drop(own);

    let (upstream, site) = (storm.upstream.requests().len(), storm.site.requests().len());
    let mut held = Vec::new();
    for number in 0..IN_FLIGHT {
        held.push(sent(storm, Way::Front, &format!("{STUCK}-{number}")).await);
    }
    for number in 0..PLACES {
        held.push(sent(storm, Way::Site, &format!("{STUCK}-{number}")).await);
    }
    let deadline = Instant::now() + PATIENCE;
    let asked = || {
        (
            storm.upstream.requests().len() - upstream,
            storm.site.requests().len() - site,
        )
    };
    while asked().0 < PLACES || asked().1 < PLACES {
        assert!(Instant::now() < deadline, "only {:?} are free", asked());
        sleep(Duration::from_millis(5)).await;
    }
    drop(held);

    // All of the room for bodies is there for one.
    let call = bytes(Way::Own, "large");
    let call = String::from_utf8(call).unwrap();
    let (_, call) = call.split_once("\r\n\r\n").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begin = format!("POST /own HTTP/1.1\r\nHost: x\r\nContent-Length: {BODIES}\r\n\r\n");
    let blanks = " ".repeat(BODIES - call.len());
    stream
        .write_all((begin + &blanks + call).as_bytes())
        .await
        .unwrap();
    let answer = whole(&mut stream).await;
    assert!(is_done(answer.as_bytes()), "{answer}");
}

/// As many connections as there may be are served at once, and no other.
async fn every_slot_is_free(storm: &Storm) {
    let mut open = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while open.len() < SLOTS {
        assert!(Instant::now() < deadline, "only {} are free", open.len());
        let mut stream = TcpStream::connect(storm.address()).await.unwrap();
        // One that is refused is closed at once; those above may take a moment to be noticed as gone.
        if let Some(answer) = asked(&mut stream).await {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            open.push(stream);
        }
    }
    let mut more = TcpStream::connect(storm.address()).await.unwrap();
    assert_eq!(asked(&mut more).await, None);
    // None of them was closed for the others.
    for stream in &mut open {
        assert!(asked(stream).await.is_some());
    }
}

/// The answer to a request that goes no further than the gateway.
async fn asked(stream: &mut TcpStream) -> Option<String> {
    let head = b"GET /own HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(head).await.ok()?;
    let mut answer = vec![0; 4096];
    let length = timeout(PATIENCE, stream.read(&mut answer))
        .await
        .unwrap()
        .ok()?;
    (length > 0).then(|| String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// A connection with a request on it that is not answered yet.
async fn sent(storm: &Storm, way: Way, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(storm.address()).await.unwrap();
    stream.write_all(&bytes(way, name)).await.unwrap();
    stream
}

/// One answer with its length.
async fn whole(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = crate::pass_fixture::length(head);
            if body.len() >= length {
                return text.into_owned();
            }
        }
        let read = timeout(PATIENCE, stream.read_buf(&mut answer))
            .await
            .unwrap();
        assert!(read.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
}

/// Sends requests until one finds no place. Returns how many found one: they may have been quicker than
/// those that were sent before them.
async fn sent_until_one_is_refused(storm: &Storm, way: Way) -> usize {
    // Mostly enough for those.
    sleep(Duration::from_millis(200)).await;
    for number in 0..10 {
        let mut stream = sent(storm, way, &format!("more{number}")).await;
        let answer = timeout(Duration::from_millis(300), whole(&mut stream)).await;
        if let Ok(answer) = answer {
            assert!(!is_done(answer.as_bytes()), "{answer}");
            return number;
        }
    }
    panic!("no request is one too many");
}
