//! What the audit trail has of calls that were not carried out, and what it never has of any call.

use std::time::Duration;

use bytes::Bytes;
use dragoman::clock::Timestamp;
use dragoman::command::{Action, Dialect, Id};
use dragoman::journal::denial::{Denial, DenialLog, Verdict};
use dragoman::journal::record::Record;
use dragoman::route::Route;
use dragoman::store::sqlite::Parameters;
use http::Request;
use serde_json::json;

use crate::audit_fixture::{records, verify};
use crate::harness::{self, ACCOUNT_KEY, FULL_KEY, Gateway, READ_KEY, Seed};
use crate::store_fixture::{Fixture, entry, named};

fn grupo(fields: &str) -> Request<Bytes> {
    Request::post("/api_request/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(fields.to_owned()))
        .unwrap()
}

fn vision6(method: &str, params: &serde_json::Value) -> Request<Bytes> {
    let body = json!({"id": 1, "method": method, "params": params});
    Request::post("/api/jsonrpcserver")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

/// A form of b2evolution, by HTTP Basic.
fn b2evolution(path: &str, basic: &str, fields: &str) -> Request<Bytes> {
    Request::post(format!("/api/v1/{path}"))
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(fields.to_owned()))
        .unwrap()
}

const ADMIN: &str = "YWRtaW46QWRtMW5QYXNzIXg=";
const MARY: &str = "bWFyeTpNYXJ5UGFzczE=";

/// The records that these requests add.
async fn added(
    gateway: &Gateway,
    requests: impl IntoIterator<Item = Request<Bytes>>,
) -> Vec<Record> {
    let known = records(&gateway.store).await.len();
    for request in requests {
        gateway.answer(request).await;
    }
    records(&gateway.store).await.split_off(known)
}

#[tokio::test]
async fn a_denial_says_who_wanted_what_of_whom_and_why_not() {
    let seed = Seed::new().await;
    let gateway = seed.gateway(harness::routes(""));
    let added = added(
        &gateway,
        [
            grupo(&format!("api_secret_key={READ_KEY}&remove=site_users&user_id=2")),
            vision6("editUser", &json!([ACCOUNT_KEY, 123_456, {"id": 11, "phone": "1"}])),
            b2evolution("users/1", MARY, "identity_form=1&edited_user_nickname=x"),
            b2evolution(
                "users/2",
                MARY,
                "password_form=1&current_user_pass=wrong-one&edited_user_pass1=NewPass12&edited_user_pass2=NewPass12",
            ),
        ],
    )
    .await;
    let said: Vec<_> = added
        .iter()
        .map(|record| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            assert_eq!(record.outcome, "denied");
            (
                text(&record.principal),
                text(&record.action),
                record.account.unwrap(),
                record.user,
                text(&record.reason),
            )
        })
        .collect();
    let expected = [
        ("key:read", "user.delete", 1, Some(2), "permission_denied"),
        (
            "key:account-1",
            "user.update",
            123_456,
            Some(11),
            "foreign_account",
        ),
        ("user:2", "user.update", 1, Some(1), "permission_denied"),
        ("user:2", "user.update", 1, Some(2), "password_refused"),
    ];
    let expected = expected.map(|(who, what, account, user, why)| {
        (
            who.to_owned(),
            what.to_owned(),
            account,
            user,
            why.to_owned(),
        )
    });
    assert_eq!(said, expected);
    verify(&gateway.store, None).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_taken_or_malformed_is_no_denial() {
    let seed = Seed::new().await;
    let gateway = seed.gateway(harness::routes(""));
    let added = added(
        &gateway,
        [
            grupo(&format!(
                "api_secret_key={FULL_KEY}&remove=site_users&user_id=999"
            )),
            grupo(&format!(
                "api_secret_key={FULL_KEY}&update=site_users&user_id=2&username=admin"
            )),
            grupo(&format!(
                "api_secret_key={FULL_KEY}&update=site_users&user_id=2&email_address=x"
            )),
            vision6("getUserById", &json!([FULL_KEY, 123_456, 999])),
        ],
    )
    .await;
    assert_eq!(added, []);
}

fn impatient() -> Vec<Route> {
    let mut routes = harness::routes("");
    for route in &mut routes {
        route.limits.call_timeout = Duration::from_millis(200);
    }
    routes
}

#[tokio::test]
async fn a_caller_who_was_told_that_nobody_knows_is_in_the_trail_beside_what_was_done() {
    let seed = Seed::new().await;
    let gateway = seed.gateway(impatient());
    let known = records(&gateway.store).await.len();
    let raw = gateway.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let request = vision6(
        "editUser",
        &json!([FULL_KEY, 123_456, {"id": 11, "phone": "1"}]),
    );
    let (_, reply) = gateway.answer(request).await;
    assert!(reply.contains("103"), "{reply}");
    raw.execute_batch("ROLLBACK").unwrap();
    let trail = records(&gateway.store).await;
    let [done, unknown] = &trail[known..] else {
        panic!("{:?}", &trail[known..]);
    };
    assert_eq!(
        (done.outcome.as_str(), unknown.outcome.as_str()),
        ("done", "unknown")
    );
    assert_eq!(done.request_id, unknown.request_id);
    assert_eq!(unknown.user, Some(11));
}

#[tokio::test]
async fn a_flood_of_denials_takes_no_place_from_writes_and_is_counted() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let raw = fixture.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..5_000 {
        store.denied(Denial {
            entry: entry(Action::DeleteUser),
            user: Id::new(7),
            group: None,
            verdict: Verdict::Denied("permission_denied"),
        });
    }
    let write = fixture.create(named("ann"));
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        raw.execute_batch("ROLLBACK").unwrap();
    };
    let (written, ()) = tokio::join!(write, unlock);
    written.unwrap();
    let single = records(store).await.len() - 1;
    assert!((64..=128).contains(&single), "{single} records");
    store.write_counts(Timestamp::from_millis(1_800_000_000_000));
    let trail = records(store).await;
    let count = trail.last().unwrap();
    assert_eq!(count.outcome, "denied");
    assert_eq!(count.principal.as_deref(), Some("key:test"));
    assert_eq!(count.source.as_deref(), Some("192.0.2.7"));
    assert_eq!(count.attempts, i64::try_from(5_000 - single).ok());
    verify(store, None).await.unwrap();
}

#[tokio::test]
async fn a_denial_that_finds_the_queue_full_is_counted() {
    let fixture = Fixture::with(&Parameters {
        write_queue: 1,
        ..Parameters::default()
    });
    let raw = fixture.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pause = || tokio::time::sleep(Duration::from_millis(100));
    // One that the writer takes and is held up with, and one in the only place there is.
    let taken = fixture.create(named("ann"));
    let waiting = async {
        pause().await;
        fixture.create(named("ben")).await
    };
    let denials = async {
        pause().await;
        pause().await;
        for _ in 0..5 {
            fixture.store.denied(Denial {
                entry: entry(Action::DeleteUser),
                user: None,
                group: None,
                verdict: Verdict::Denied("permission_denied"),
            });
        }
        raw.execute_batch("ROLLBACK").unwrap();
    };
    let (taken, waiting, ()) = tokio::join!(taken, waiting, denials);
    taken.and(waiting).unwrap();
    let fixture = fixture.reopened().await;
    let trail = records(&fixture.store).await;
    let attempts: Vec<_> = trail.iter().map(|record| record.attempts).collect();
    assert_eq!(attempts, [None, None, Some(5)]);
}

#[tokio::test]
async fn closing_the_store_writes_the_counts_that_are_left() {
    let fixture = Fixture::new();
    let at = Timestamp::from_millis(120_500);
    for address in ["192.0.2.7", "192.0.2.7", "2001:db8::1"] {
        fixture.store.unauthenticated(at, address.parse().ok());
    }
    assert_eq!(fixture.number("SELECT count(*) FROM audit"), 0);
    let fixture = fixture.reopened().await;
    let trail = records(&fixture.store).await;
    let counts: Vec<_> = trail
        .iter()
        .map(|record| {
            (
                record.at.as_seconds(),
                record.source.as_deref(),
                record.attempts,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            (120, Some("192.0.2.7"), Some(2)),
            (120, Some("2001:db8::/64"), Some(1))
        ]
    );
}

/// Every cell of the trail, as bytes.
fn cells(gateway: &Gateway) -> Vec<Vec<u8>> {
    let raw = gateway.raw();
    let mut statement = raw.prepare("SELECT * FROM audit").unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut cells = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            let cell = row.get_ref(column).unwrap();
            cells.extend(cell.as_bytes_or_null().ok().flatten().map(<[u8]>::to_vec));
        }
    }
    cells
}

#[tokio::test]
async fn no_key_password_address_or_body_is_in_the_trail() {
    let seed = Seed::new().await;
    let gateway = seed.gateway(harness::routes(""));
    let unknown = "q".repeat(64);
    let mut requests = Vec::new();
    for key in [FULL_KEY, READ_KEY, ACCOUNT_KEY, &unknown] {
        let fields = "full_name=canary-name&username=canary-user&email_address=canary%40example.com\
                      &password=canary-password&custom_field_1=canary-field";
        requests.push(grupo(&format!(
            "api_secret_key={key}&add=site_users&{fields}"
        )));
        let fields = "user=canary%40example.com&password=canary-password&email_address=canary2%40example.com";
        requests.push(grupo(&format!(
            "api_secret_key={key}&update=site_users&{fields}"
        )));
        let fields = "group_name=canary-group&password_protect=yes&password=canary-password&confirm_password=canary-password";
        requests.push(grupo(&format!("api_secret_key={key}&add=groups&{fields}")));
        let details = json!({
            "username": "canary-user", "first_name": "canary-name", "email": "canary@example.com",
            "password": "canary-password", "phone": "canary-phone",
        });
        requests.push(vision6("addUser", &json!([key, 123_456, details])));
        requests.push(vision6("canary-method", &json!([key, "canary-params"])));
    }
    for basic in [ADMIN, MARY, "YWRtaW46Y2FuYXJ5LXBhc3N3b3Jk"] {
        let fields = "identity_form=1&edited_user_nickname=canary-nickname&edited_user_email=canary3%40example.com\
                      &password_form=1&current_user_pass=Adm1nPass!x&edited_user_pass1=canary-password&edited_user_pass2=canary-password";
        requests.push(b2evolution("users/1", basic, fields));
    }
    let added = added(&gateway, requests).await;
    let outcomes = |outcome: &str| added.iter().filter(|it| it.outcome == outcome).count();
    assert!(outcomes("done") >= 4, "{added:?}");
    assert!(outcomes("denied") >= 4, "{added:?}");
    assert!(
        added
            .iter()
            .any(|record| record.password.as_deref() == Some("changed"))
    );
    gateway
        .store
        .write_counts(Timestamp::from_millis(1_900_000_000_000));
    let counted = records(&gateway.store).await;
    assert_eq!(counted.last().unwrap().outcome, "unauthenticated");

    let secrets = [
        "canary",
        FULL_KEY,
        READ_KEY,
        ACCOUNT_KEY,
        &unknown,
        "example.com",
        "Adm1nPass",
        "MaryPass",
        ADMIN,
        "argon2",
    ];
    for cell in cells(&gateway) {
        let text = String::from_utf8_lossy(&cell).into_owned();
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {text:?}");
        }
    }
}

#[tokio::test]
async fn a_call_without_any_credentials_is_counted_in_each_dialect() {
    let seed = Seed::new().await;
    for dialect in Dialect::ALL {
        let gateway = seed.gateway(harness::routes(""));
        let request = match dialect {
            Dialect::Grupo => grupo("add=site_users&username=x"),
            Dialect::Vision6 => vision6("editUser", &json!(["", 1, {"id": 1}])),
            Dialect::B2evolution => Request::post("/api/v1/users/1")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::from("identity_form=1&edited_user_nickname=x"))
                .unwrap(),
        };
        assert_eq!(added(&gateway, [request]).await, [], "{dialect}");
        gateway
            .store
            .write_counts(Timestamp::from_millis(1_900_000_000_000));
        let trail = records(&gateway.store).await;
        assert_eq!(trail.last().unwrap().attempts, Some(1), "{dialect}");
    }
}
