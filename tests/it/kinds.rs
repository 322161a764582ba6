//! Every kind of error in every dialect, for every operation, as `tests/golden/DIALECT/kinds.txt`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use dragoman::auth::call::RequestId;
use dragoman::command::Dialect;
use dragoman::dialect::{self, Decoded};
use dragoman::error::{Error, Kind, PasswordFault};
use http::Response;
use http_body_util::BodyExt;

use crate::golden::{Case, cases, same_as_recorded};
use crate::harness;

#[tokio::test]
async fn every_kind_is_answered_in_every_dialect_as_recorded() {
    for dialect in Dialect::ALL {
        let shown = show_kinds(dialect).await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(dialect.name());
        assert!(
            same_as_recorded(&folder.join("kinds.txt"), &shown),
            "{dialect} differs; GOLDEN=write records it, git diff shows how"
        );
    }
}

/// A client or a proxy that obeys it comes back when there is room again.
#[test]
fn a_crowded_gateway_says_when_to_come_back_in_every_dialect() {
    for dialect in Dialect::ALL {
        for (action, case) in one_case_an_action(dialect) {
            let answer = answer(dialect, &case, Kind::Overloaded);
            let wait = answer.headers().get("retry-after").unwrap();
            assert_eq!(wait, "1", "{dialect} {action}");
        }
    }
}

async fn show_kinds(dialect: Dialect) -> String {
    let mut shown = String::new();
    for (action, case) in one_case_an_action(dialect) {
        for kind in kinds() {
            let answer = fault(dialect, &case, kind.clone()).await;
            writeln!(shown, "{action} {kind:?}: {answer}").unwrap();
        }
    }
    shown
}

/// The first case of a single decodable call for each action.
fn one_case_an_action(dialect: Dialect) -> BTreeMap<&'static str, Case> {
    let mut found = BTreeMap::new();
    for path in cases(dialect) {
        let case = Case::read(&path);
        let (head, body) = case.request().into_parts();
        let route = route(dialect, &case);
        if let Decoded::Calls(calls, _) =
            dialect::decode_request(dialect, &head, &body, &route.policy)
            && let [Ok(call)] = calls.as_slice()
        {
            found.entry(call.command.action().name()).or_insert(case);
        }
    }
    found
}

async fn fault(dialect: Dialect, case: &Case, kind: Kind) -> String {
    let response = answer(dialect, case, kind);
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get("retry-after")
        .map_or("", |value| value.to_str().unwrap());
    let retry_after = if retry_after.is_empty() {
        String::new()
    } else {
        format!(" (Retry-After: {retry_after})")
    };
    let body = http_body_util::Full::new(response.into_body())
        .collect()
        .await
        .unwrap()
        .to_bytes();
    format!(
        "{status}{retry_after} {}",
        String::from_utf8(body.to_vec()).unwrap()
    )
}

fn answer(dialect: Dialect, case: &Case, kind: Kind) -> Response<Bytes> {
    let (head, body) = case.request().into_parts();
    let route = route(dialect, case);
    let Decoded::Calls(_, reply_to) = dialect::decode_request(dialect, &head, &body, &route.policy)
    else {
        unreachable!("the case was chosen because it decodes");
    };
    let reference = RequestId::new(0x7f_3a9c).reference();
    reply_to.encode_response(vec![Err(Error::from(kind))], reference, &route.policy)
}

fn route(dialect: Dialect, case: &Case) -> dragoman::route::Route {
    harness::routes(&case.options)
        .into_iter()
        .find(|route| route.dialect == dialect)
        .unwrap()
}

fn kinds() -> Vec<Kind> {
    use Kind::*;
    let passwords = [
        PasswordFault::CurrentMissing,
        PasswordFault::CurrentWrong,
        PasswordFault::Empty,
        PasswordFault::Mismatch,
        PasswordFault::TooShort,
        PasswordFault::Characters,
    ];
    let mut kinds = vec![
        Unauthenticated,
        LockedOut,
        PermissionDenied,
        UserNotFound,
        GroupNotFound,
        UsernameTaken,
        EmailTaken,
        InvalidEmail,
        SlugTaken,
        InvalidArgument("field".into()),
        MissingArgument("field".into()),
        BadSearch,
        DeleteRefused,
        Closed,
        NotAMember,
        UnknownOutcome,
        InProgress,
        KeyReused,
        UnknownOperation,
        Unsupported,
        Malformed,
        RateLimited {
            retry_after: Duration::from_secs(7),
        },
        TooLarge,
        Timeout,
        Overloaded,
        Upstream,
        Internal,
    ];
    kinds.extend(passwords.map(PasswordRefused));
    kinds
}
