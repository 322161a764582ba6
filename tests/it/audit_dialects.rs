//! Every recorded call of every dialect, by a caller who may, by one who may not, and by nobody:
//! what the audit trail has of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use dragoman::clock::Timestamp;
use dragoman::command::{Action, Dialect};
use dragoman::dialect::{self, Decoded};
use dragoman::journal::denial::DenialLog;
use dragoman::journal::record::Record;
use dragoman::route::Route;
use http::{HeaderName, Request};

use crate::audit_fixture::{records, verify};
use crate::golden::{Case, cases};
use crate::harness::{self, ACCOUNT_KEY, FULL_KEY, Gateway, NOW, READ_KEY, Seed};

const ADMINISTRATOR: &str = "Basic YWRtaW46QWRtMW5QYXNzIXg=";
const UNKNOWN_KEY: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// The request with another key where the key, or the administrator's password, was.
fn with_key(case: &Case, key: &str) -> Option<Request<Bytes>> {
    let (mut head, body) = case.request().into_parts();
    let body = String::from_utf8(body.to_vec()).ok()?;
    // A batch may have keys of several callers.
    if body.contains(READ_KEY) || body.contains(ACCOUNT_KEY) {
        return None;
    }
    let mut found = body.contains(FULL_KEY);
    let body = Bytes::from(body.replace(FULL_KEY, key));
    let uri = head.uri.to_string();
    if uri.contains(FULL_KEY) {
        found = true;
        head.uri = uri.replace(FULL_KEY, key).parse().unwrap();
    }
    for name in ["authorization", "x-api-key"].map(HeaderName::from_static) {
        let value = head
            .headers
            .get(&name)
            .and_then(|value| value.to_str().ok());
        if value.is_some_and(|value| value.contains(FULL_KEY) || value == ADMINISTRATOR) {
            found = true;
            head.headers.remove(&name);
            let key = key.parse().unwrap();
            head.headers
                .insert(HeaderName::from_static("x-api-key"), key);
        }
    }
    found.then(|| Request::from_parts(head, body))
}

/// What the request asks for, if all of it can be read.
fn actions(request: &Request<Bytes>, route: &Route) -> Option<Vec<Action>> {
    let (head, body) = request.clone().into_parts();
    let Decoded::Calls(calls, _) =
        dialect::decode_request(route.dialect, &head, &body, &route.policy)
    else {
        return None;
    };
    let actions: Result<Vec<_>, _> = calls
        .into_iter()
        .map(|call| call.map(|call| call.command.action()))
        .collect();
    actions.ok().filter(|actions| !actions.is_empty())
}

/// A recorded call that can be sent with another key.
struct Sent {
    name: String,
    routes: Vec<Route>,
    request: Request<Bytes>,
    /// What it asks for.
    actions: Vec<Action>,
}

/// The cases of a dialect that can be sent with another key, and what each asks for.
fn sent(dialect: Dialect, key: &str) -> Vec<Sent> {
    let mut sent = Vec::new();
    for path in cases(dialect) {
        let case = Case::read(&path);
        let routes = harness::routes(&case.options);
        let route = routes
            .iter()
            .find(|route| route.dialect == dialect)
            .unwrap();
        if let Some(request) = with_key(&case, key)
            && let Some(actions) = actions(&request, route)
        {
            let name = path.display().to_string();
            sent.push(Sent {
                name,
                routes,
                request,
                actions,
            });
        }
    }
    sent
}

/// Everything that is stored but the trail itself.
fn state(gateway: &Gateway) -> BTreeMap<&'static str, Vec<String>> {
    let raw = gateway.raw();
    let tables = [
        "accounts",
        "users",
        "user_organizations",
        "user_extensions",
        "groups",
        "group_extensions",
        "names",
        "members",
        "keys",
    ];
    let rows = |table| {
        let mut statement = raw.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap()));
            Ok(cells.collect::<Vec<_>>().join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    tables
        .into_iter()
        .map(|table| (table, rows(table)))
        .collect()
}

fn action_names(records: &[Record]) -> Vec<&str> {
    let names = records.iter().map(|record| record.action.as_deref());
    names.map(Option::unwrap_or_default).collect()
}

async fn every_write_has_a_record(dialect: Dialect) {
    let seed = Seed::new().await;
    let mut written = 0;
    for Sent {
        name,
        routes,
        request,
        actions,
    } in sent(dialect, FULL_KEY)
    {
        if actions.iter().all(|action| action.is_read()) {
            continue;
        }
        let gateway = seed.gateway(routes);
        let (before, known) = (state(&gateway), records(&gateway.store).await.len());
        let (_, reply) = gateway.answer(request).await;
        let trail = records(&gateway.store).await;
        let new = &trail[known..];
        let is_changed = state(&gateway) != before;
        assert!(new.len() <= actions.len(), "{name}: {new:?}");
        assert!(!is_changed || !new.is_empty(), "{name}: {reply}");
        for record in new {
            let action = record.action.as_deref().unwrap();
            assert!(
                actions.iter().any(|asked| asked.name() == action),
                "{name}: {action}"
            );
            assert_eq!(record.outcome, "done", "{name}");
            assert_eq!(record.principal.as_deref(), Some("key:full"), "{name}");
            assert_eq!(record.route.as_deref(), Some(dialect.name()), "{name}");
            assert_eq!(
                record.request_id.as_deref().map(str::len),
                Some(36),
                "{name}"
            );
            let is_made = ["user.create", "group.create"].contains(&action);
            let is_gone = ["user.delete", "group.delete", "member.remove"].contains(&action);
            // Whoever is added may have been a member before.
            let may_be_new = is_made || action == "member.add";
            assert!(!is_made || record.before.is_none(), "{name}");
            assert!(may_be_new || record.before.is_some(), "{name}");
            assert_eq!(record.after.is_none(), is_gone, "{name}");
            assert!(record.targets().next().is_some(), "{name}");
        }
        verify(&gateway.store, None).await.unwrap();
        written += new.len();
    }
    assert!(written > 15, "only {written} writes of {dialect}");
}

#[tokio::test]
async fn every_write_of_grupo_has_a_record() {
    every_write_has_a_record(Dialect::Grupo).await;
}

#[tokio::test]
async fn every_write_of_vision6_has_a_record() {
    every_write_has_a_record(Dialect::Vision6).await;
}

#[tokio::test]
async fn every_write_of_b2evolution_has_a_record() {
    every_write_has_a_record(Dialect::B2evolution).await;
}

#[tokio::test]
async fn every_denied_call_of_a_known_key_has_a_record_in_each_dialect() {
    let seed = Seed::new().await;
    let allowed = [
        Action::ReadUser,
        Action::ListUsers,
        Action::CountUsers,
        Action::ListTimezones,
        Action::Native,
    ];
    for dialect in Dialect::ALL {
        let mut denied = 0;
        for Sent {
            name,
            routes,
            request,
            actions,
        } in sent(dialect, READ_KEY)
        {
            let expected: Vec<_> = actions
                .iter()
                .filter(|action| !allowed.contains(action))
                .map(|action| action.name())
                .collect();
            if expected.is_empty() {
                continue;
            }
            let gateway = seed.gateway(routes);
            let (before, known) = (state(&gateway), records(&gateway.store).await.len());
            gateway.answer(request).await;
            let trail = records(&gateway.store).await;
            let new = &trail[known..];
            assert_eq!(state(&gateway), before, "{name}");
            assert_eq!(action_names(new), expected, "{name}");
            for record in new {
                assert_eq!(record.outcome, "denied", "{name}");
                assert_eq!(
                    record.reason.as_deref(),
                    Some("permission_denied"),
                    "{name}"
                );
                assert_eq!(record.principal.as_deref(), Some("key:read"), "{name}");
                assert_eq!(record.route.as_deref(), Some(dialect.name()), "{name}");
            }
            denied += new.len();
        }
        assert!(denied > 20, "only {denied} denials of {dialect}");
    }
}

#[tokio::test]
async fn calls_of_nobody_have_no_record_but_a_count_for_each_minute() {
    let seed = Seed::new().await;
    for dialect in Dialect::ALL {
        let routes = harness::routes("");
        let gateway = seed.gateway(routes.clone());
        let known = records(&gateway.store).await.len();
        let mut calls = 0;
        let plain = sent(dialect, UNKNOWN_KEY)
            .into_iter()
            .filter(|sent| sent.routes == routes);
        for Sent {
            name,
            request,
            actions,
            ..
        } in plain
        {
            gateway.answer(request).await;
            calls += actions.len();
            let now = records(&gateway.store).await.len();
            assert_eq!(now, known, "{name}: one packet bought one sync");
        }
        assert!(calls > 50, "only {calls} calls of {dialect}");
        gateway.store.write_counts(NOW);
        assert_eq!(records(&gateway.store).await.len(), known);
        let minute = Timestamp::from_millis(NOW.as_millis() + 60_000);
        gateway.store.write_counts(minute);
        gateway.store.write_counts(minute);
        let trail = records(&gateway.store).await;
        let [count] = &trail[known..] else {
            panic!("{:?}", &trail[known..]);
        };
        assert_eq!(count.outcome, "unauthenticated");
        assert_eq!(count.attempts, i64::try_from(calls).ok());
        assert_eq!(count.source.as_deref(), Some("unknown"));
        assert_eq!((&count.principal, &count.action), (&None, &None));
        assert_eq!(count.at.as_millis() % 60_000, 0);
        verify(&gateway.store, None).await.unwrap();
    }
}
