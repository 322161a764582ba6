//! What look-ups leave in the store while the writer is held up.

use std::time::Duration;

use dragoman::clock::{Clock, Timestamp};
use dragoman::command::Id;
use dragoman::store::crosswalk::{
    CrosswalkAdmin, CrosswalkStore, Found, Line, Name, NameKind, Named,
};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use tokio::time::{sleep, timeout};

use crate::forward_fixture::{CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;
use crate::store_fixture::{Fixture, named};

fn remember(store: &SqliteStore, upstream: &str, key: &str, until: i64) {
    let kind = NameKind::Username;
    let key = key.to_owned();
    let named = Named {
        account: None,
        name: Name { kind, key },
    };
    let there = Id::new(2).unwrap();
    let until = Timestamp::from_millis(until);
    let now = Timestamp::from_millis(0);
    store.remember(upstream.to_owned(), named, Found { there, until }, now);
}

#[tokio::test]
async fn look_ups_and_what_is_forgotten_leave_the_writers_queue_to_writes() {
    let fixture = Fixture::with(&Parameters {
        write_queue: 128,
        ..Parameters::default()
    });
    let store = &fixture.store;
    let raw = fixture.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..200 {
        remember(store, "back", &format!("user{number}"), 9);
        store.forget_user("back".to_owned(), None, Id::new(9));
    }
    let created = fixture.create(named("ann"));
    let freed = async { raw.execute_batch("ROLLBACK").unwrap() };
    let (created, ()) = tokio::join!(created, freed);
    created.unwrap();
    let listed = store.list_crosswalk(Timestamp::from_millis(0)).await;
    let noted = listed.unwrap().len();
    assert!((1..=64).contains(&noted), "{noted}");
    // Room is given back.
    remember(store, "back", "later", 9);
    fixture.create(named("ben")).await.unwrap();
    let listed = store.list_crosswalk(Timestamp::from_millis(0)).await;
    assert_eq!(listed.unwrap().len(), noted + 1);
}

const OWN: &str = "[routes.own]\ndialect = 'grupo'\npath = '/own'\n";

async fn update(front: &Front, fields: &str) {
    let request = http::Request::post("/grupo/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(bytes::Bytes::from(format!(
            "api_secret_key={CALLERS_KEY}&update=site_users&{fields}"
        )));
    let answered = front.ask(request.unwrap()).await;
    assert_eq!(answered.body, r#"{"success":true}"#, "{fields}");
}

/// The store then has a number that is another's, which is why none is trusted.
#[tokio::test]
async fn a_name_that_could_not_be_forgotten_in_the_store_leads_no_write_to_who_had_it() {
    let upstream = PhpUpstream::start("b2evolution");
    let at = php_at("b2evolution", &upstream);
    let config = format!(
        "scopes = ['user:*']\n[upstreams.back]\n{at}\n\
         [routes.front]\ndialect = 'grupo'\npath = '/grupo'\nuser = 'back'\ngroup = 'back'\n{OWN}"
    );
    let front = Front::new(&config);
    update(&front, "user=mary&full_name=May+Major").await;
    let store = front.store.clone().unwrap();
    assert_eq!(of_back(&store).await, 1);

    let raw = rusqlite::Connection::open(front.directory.path().join("db")).unwrap();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..64 {
        remember(&store, "else", &format!("user{number}"), i64::MAX);
    }
    let freed = async {
        let forgotten = async {
            while !front.forward.crosswalk().is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(4), forgotten).await.unwrap();
        raw.execute_batch("ROLLBACK").unwrap();
    };
    tokio::join!(update(&front, "user=mary&username=maria"), freed);
    assert_eq!(of_back(&store).await, 1, "there was room to forget it");

    let mut state = upstream.state();
    state["users"]["3"] = state["users"]["2"].clone();
    state["users"]["3"]["username"] = "mary".into();
    state["users"]["3"]["email"] = "other@example.com".into();
    state["next"] = 4.into();
    upstream.keep(&state);
    let front = front.again(&config).await;
    update(&front, "user=mary&full_name=Marie+Curie").await;
    let names = |id: &str| upstream.state()["users"][id]["firstname"].clone();
    assert_eq!((names("2"), names("3")), ("May".into(), "Marie".into()));
}

async fn of_back(store: &SqliteStore) -> usize {
    let listed = store.list_crosswalk(Clock::system().now()).await.unwrap();
    let is_of_back =
        |line: &&Line| matches!(line, Line::Remembered { upstream, .. } if upstream == "back");
    listed.iter().filter(is_of_back).count()
}
