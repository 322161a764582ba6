//! A read is ended when its caller leaves, and only that one.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::auth::api_key::Pepper;
use crate::clock::Clock;
use crate::store::sqlite::{connect, open};

/// Does not end by itself.
const ENDLESS: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
                       SELECT count(*) FROM n";

/// Long enough for anything that ends.
const PATIENCE: Duration = Duration::from_secs(60);

fn one_reader() -> (tempfile::TempDir, Readers) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let seal = Pepper::new(&[7; 32]).seal();
    let (_, presence) = open::open(&path, Clock::system().now(), &seal).unwrap();
    let connections = vec![connect::reader(&path).unwrap()];
    (
        directory,
        Readers::start(connections, &Arc::new(presence)).unwrap(),
    )
}

async fn number(readers: &Readers, sql: &'static str) -> Result<i64, StoreError> {
    readers
        .read(move |connection| Ok(connection.query_row(sql, [], |row| row.get(0))?))
        .await
}

#[tokio::test]
async fn a_read_that_its_caller_gave_up_is_ended_and_the_next_one_served() {
    let (_directory, readers) = one_reader();
    for _ in 0..3 {
        let given_up = timeout(Duration::from_millis(20), number(&readers, ENDLESS)).await;
        assert!(given_up.is_err(), "{given_up:?}");
        let next = timeout(PATIENCE, number(&readers, "SELECT 7")).await;
        assert_eq!(next.expect("the reader is free again").unwrap(), 7);
    }
}

#[tokio::test]
async fn a_reader_that_was_stopped_ends_with_the_caller_of_its_last_read() {
    let (_directory, readers) = one_reader();
    let given_up = timeout(Duration::from_millis(20), number(&readers, ENDLESS)).await;
    assert!(given_up.is_err(), "{given_up:?}");
    let threads = readers.stop();
    let ended = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(JoinHandle::join));
    timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
}

/// Callers leave before, while and after their read is carried out; a thousand instructions more
/// than the next one's look for its caller.
#[tokio::test]
async fn a_caller_that_leaves_at_any_moment_costs_no_other_its_read() {
    const TEN_THOUSAND: &str =
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
         SELECT count(*) FROM n";
    let (_directory, readers) = one_reader();
    let mut given_up = 0;
    for microseconds in (0..4000).step_by(10) {
        let patience = Duration::from_micros(microseconds);
        let left = timeout(patience, number(&readers, TEN_THOUSAND)).await;
        given_up += u32::from(left.is_err());
        let next = number(&readers, TEN_THOUSAND).await;
        assert_eq!(next.unwrap(), 10_000);
    }
    assert!(given_up > 0, "nobody left");
}
