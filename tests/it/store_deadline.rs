//! Searches that take longer than their callers wait.

use std::time::Duration;

use dragoman::command::query::{Attribute, Criterion, Operator, UserQuery};
use dragoman::store::Store;
use dragoman::store::sqlite::Parameters;
use tokio::time::timeout;

use crate::store_fixture::{ACCOUNT, Fixture, text};

/// 200 comparisons, as many as there may be, with the longest way to compare and without a hit.
fn slow_search() -> UserQuery {
    UserQuery {
        criteria: vec![Criterion {
            attribute: Attribute::Title,
            operator: Operator::Contains,
            values: (100..300).map(|number| text(&number.to_string())).collect(),
        }],
        ..UserQuery::default()
    }
}

#[tokio::test]
async fn a_search_is_cut_at_its_deadline_and_its_reader_serves_the_next_call() {
    let fixture = Fixture::with(&Parameters {
        readers: 1,
        ..Parameters::default()
    });
    let ann = fixture.user("Ann").await;
    let rows = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
                INSERT INTO users (account_id, username, username_key, title)
                SELECT 1, 'user' || n, 'user' || n, replace(hex(zeroblob(1000)), '00', 'Ü') FROM n";
    assert_eq!(fixture.raw().execute(rows, []).unwrap(), 5000);

    for _ in 0..2 {
        let store = &fixture.store;
        let late = timeout(
            Duration::from_millis(100),
            store.count_users(ACCOUNT, slow_search()),
        );
        let late = late.await;
        assert!(late.is_err(), "the search is not slow: {late:?}");
        // The whole search takes many times as long.
        let next = timeout(Duration::from_secs(4), fixture.read(ann)).await;
        let next = next.expect("the reader is busy with what nobody waits for");
        assert_eq!(next.username.as_str(), "Ann");
    }
}
