//! A flood of wrong passwords, each of another login from another address: the hardest there is, since
//! no refusal stops it. Memory stays, and calls with a key are answered as ever.
//!
//! The test of every day is short, on the debug binary, and allows for a busy machine. The whole one is
//! `tests/soak/flood`: the release binary, half a minute, and the bounds as they are promised.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dragoman::command::Dialect;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::caller::{Caller, Credential, KEY, configure};
use crate::process::{Served, command, release_binary};

/// What is measured, and how strictly.
struct Trial {
    binary: PathBuf,
    length: Duration,
    /// What a slow moment of the machine may add to the 99th percentile.
    allowance: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_wrong_passwords_takes_no_memory_and_does_not_slow_calls_with_a_key() {
    flood(&Trial {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_dragoman")),
        length: Duration::from_secs(4),
        allowance: Duration::from_millis(25),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_for_half_a_minute_on_the_release_binary() {
    if std::env::var_os("DRAGOMAN_TEST_FLOOD").is_none() {
        return;
    }
    flood(&Trial {
        binary: release_binary(),
        length: Duration::from_secs(30),
        allowance: Duration::ZERO,
    })
    .await;
}

async fn flood(trial: &Trial) {
    let directory = tempfile::tempdir().unwrap();
    let quiet_log = "[auth]\ntrusted_proxies = [\"127.0.0.2\"]\n[log]\nfilter = \"off\"";
    configure(directory.path(), quiet_log);
    let served = Served::run(command(&trial.binary, directory.path()).arg("serve"));
    call_with_key(&served.url, Duration::from_secs(1)).await;
    let quiet = call_with_key(&served.url, trial.length).await;
    let memory = resident(served.id());

    let url = served.url.clone();
    let length = trial.length;
    let flood = tokio::spawn(async move { send_wrong_passwords(&url, length).await });
    let flooded = call_with_key(&served.url, trial.length).await;
    let statuses = flood.await.unwrap();
    let grown = resident(served.id()).saturating_sub(memory);

    let (before, during) = (percentile_99(quiet), percentile_99(flooded));
    println!(
        "99th percentile {before:?} quiet, {during:?} flooded; {} KiB more; {} of {} passwords judged",
        grown / 1024,
        statuses.iter().filter(|status| **status == 403).count(),
        statuses.len()
    );
    let sent = Duration::from_millis(5) * u32::try_from(statuses.len()).unwrap();
    assert!(sent * 4 > trial.length * 3, "only {} sent", statuses.len());
    assert!(grown <= 64 << 20, "{} KiB more", grown / 1024);
    let most = before * 2 + trial.allowance;
    assert!(during <= most, "{during:?} instead of {before:?}");
}

/// Reads a user a hundred times a second; how long each took.
async fn call_with_key(url: &str, length: Duration) -> Vec<Duration> {
    let caller = Caller::new(url, "127.0.0.1");
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let end = Instant::now() + length;
    let mut took = Vec::new();
    while Instant::now() < end {
        ticks.tick().await;
        let since = Instant::now();
        let (_, answer) = caller.call(Dialect::Vision6, Credential::Key(KEY)).await;
        took.push(since.elapsed());
        assert!(answer.contains(r#""username":"admin""#), "{answer}");
    }
    took
}

/// Sends 200 a second, whether they are answered or not; the statuses of the answers.
async fn send_wrong_passwords(url: &str, length: Duration) -> Vec<u16> {
    let mut ticks = interval(Duration::from_millis(5));
    let mut sent = Vec::new();
    let end = Instant::now() + length;
    let client = Arc::new(Caller::new(url, "127.0.0.2"));
    for number in 0_u32.. {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        let client = Arc::clone(&client);
        sent.push(tokio::spawn(async move {
            let [_, a, b, c] = number.to_be_bytes();
            client
                .guess(&format!("user{number}"), &format!("10.{a}.{b}.{c}"))
                .await
        }));
    }
    let mut statuses = Vec::new();
    for answer in sent {
        statuses.push(answer.await.unwrap());
    }
    statuses
}

impl Caller {
    /// Tries a wrong password on behalf of another address.
    async fn guess(&self, login: &str, source: &str) -> u16 {
        let mut guesser = self.clone();
        guesser.headers = vec![("x-forwarded-for", source.to_owned())];
        let guess = Credential::Basic(login, "wrong");
        guesser.call(Dialect::B2evolution, guess).await.0
    }
}

fn percentile_99(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() * 99 / 100]
}

/// Bytes of memory of a process.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kibibytes = line.split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() * 1024
}
