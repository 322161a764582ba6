//! Commands at upstreams, without a socket: what is sent, what answers mean, and what the caller
//! gets back. The golden matrix has a file for each command of each caller.

mod answers;
mod b2evolution;
mod classes;
mod grupo;
mod heard;
mod laws;
mod matrix;
mod refusals;
mod upstream;
mod vision6;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dragoman::auth::call::RequestId;
use dragoman::auth::{Call, Credentials};
use dragoman::command::{AccountId, Dialect, Id};
use dragoman::dialect::exchange::{Effect, Exchange, Failure, Known, Learnt, Step, Terms, Unknown};
use dragoman::dialect::{self, Decoded, ReplyTo};
use dragoman::outcome::Outcome;
use dragoman::route::Route;
use dragoman::secret::Secret;
use http::{Request, Response};

use self::upstream::Upstream;
use crate::golden::{Case, same_as_recorded};
use crate::harness;

/// The cases of the matrix: every command that a caller of the dialect can send.
const GRUPO: [&str; 18] = [
    "a-user-is-made-from-what-the-documentation-asks-for",
    "a-user-is-changed-by-username",
    "a-user-is-changed-by-number",
    "a-user-is-given-another-name",
    "a-user-is-deactivated",
    "a-role-is-given-by-its-name",
    "a-user-is-removed-by-username",
    "a-user-is-removed-by-number",
    "a-group-is-made-from-its-name",
    "a-group-is-changed-by-slug",
    "a-group-is-removed-by-slug",
    "a-member-is-added",
    "a-member-is-removed",
    "a-member-gets-a-role",
    "a-member-is-banned",
    "a-member-is-banned-up-to-a-day",
    "a-ban-is-lifted",
    "a-message-is-not-sent-from-here",
];
const VISION6: [&str; 20] = [
    "add-user",
    "add-user-with-names",
    "add-user-needs-only-a-username",
    "edit-user-leaves-what-is-not-mentioned",
    "edit-user-changes-the-names",
    "edit-user-changes-every-documented-key",
    "edit-user-deactivates",
    "edit-user-refuses-a-taken-username",
    "delete-user",
    "delete-user-in-2-0",
    "get-user-by-id",
    "search-users-lists-everybody",
    "search-users-cuts-out-a-page",
    "search-users-by-exactly",
    "search-users-by-ids",
    "search-users-by-contains",
    "count-users",
    "count-users-by-criteria",
    "get-timezone-list",
    "native-get-credit-balance-is-not-supported",
];
const B2EVOLUTION: [&str; 19] = [
    "create-minimal",
    "create-in-full",
    "create-with-names",
    "update-identity",
    "update-of-the-names",
    "update-keeps-what-is-not-sent",
    "update-of-organizations-with-roles",
    "update-of-the-admin-form",
    "update-of-preferences",
    "update-of-subscriptions",
    "update-of-the-login-needs-no-flag",
    "update-that-closes-an-account",
    "password-changed-by-an-administrator",
    "delete",
    "view",
    "list",
    "list-by-name",
    "logins",
    "recipients-are-native",
];

#[test]
fn every_command_of_a_grupo_caller_is_carried_out_or_refused_at_every_upstream() {
    check_matrix(Dialect::Grupo, &GRUPO);
}

#[test]
fn every_command_of_a_vision6_caller_is_carried_out_or_refused_at_every_upstream() {
    check_matrix(Dialect::Vision6, &VISION6);
}

#[test]
fn every_command_of_a_b2evolution_caller_is_carried_out_or_refused_at_every_upstream() {
    check_matrix(Dialect::B2evolution, &B2EVOLUTION);
}

fn check_matrix(caller: Dialect, cases: &[&str]) {
    let mut wrong = Vec::new();
    for case in cases {
        let shown: String = Dialect::ALL
            .into_iter()
            .map(|upstream| show(caller, case, upstream))
            .collect();
        let path = folder("exchange").join(format!("{caller}-{case}.exchange"));
        if !same_as_recorded(&path, &shown) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(
        wrong.is_empty(),
        "GOLDEN=write records them, git diff shows how:\n{}",
        wrong.join("\n")
    );
}

pub(super) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// One cell: everything sent and answered, the outcome, and what the caller reads.
fn show(caller: Dialect, case: &str, upstream: Dialect) -> String {
    let path = folder(caller.name()).join(format!("{case}.http"));
    let route = route(caller);
    let (call, reply_to) = decode(&Case::read(&path), &route);
    let mut server = Upstream::new(upstream);
    let ran = run(upstream, call, Known::default(), terms(upstream), |sent| {
        server.answer(sent)
    });
    let mut shown = format!("==== {upstream}\n{}", ran.shown());
    let result = ran.result.map_err(Failure::into_error);
    match &result {
        Ok(outcome) => writeln!(shown, "outcome: {outcome:?}").unwrap(),
        Err(error) => writeln!(shown, "{}: {error}", error.kind().name()).unwrap(),
    }
    let reference = RequestId::new(REQUEST).reference();
    let reply = reply_to.encode_response(vec![result], reference, &route.policy);
    let body = String::from_utf8_lossy(reply.body()).into_owned();
    writeln!(shown, "reply: {} {body}\n", reply.status().as_u16()).unwrap();
    shown
}

fn decode(case: &Case, route: &Route) -> (Call, ReplyTo) {
    let (head, body) = case.request().into_parts();
    match dialect::decode_request(route.dialect, &head, &body, &route.policy) {
        Decoded::Calls(mut calls, reply_to) => (calls.remove(0).unwrap(), reply_to),
        Decoded::NotOurs(error, _) => panic!("{error:?}"),
    }
}

fn route(dialect: Dialect) -> Route {
    let mut routes = harness::routes("").into_iter();
    routes.find(|route| route.dialect == dialect).unwrap()
}

/// An upstream as it is configured.
pub(super) fn terms(upstream: Dialect) -> Arc<Terms> {
    Arc::new(Terms {
        policy: route(upstream).policy,
        account: (upstream == Dialect::Vision6).then(|| AccountId::new(id(500))),
        unknown: Unknown::Warn,
    })
}

pub(super) fn id(number: i64) -> Id {
    Id::new(number).unwrap()
}

/// The gateway's own login.
pub(super) fn own_credentials(upstream: Dialect) -> Credentials {
    match upstream {
        Dialect::Grupo | Dialect::Vision6 => Credentials::Key(Secret::from("own-key")),
        Dialect::B2evolution => Credentials::Basic {
            login: "gateway".to_owned(),
            password: Secret::from("own-password"),
        },
    }
}

/// What happened in an exchange.
pub(super) struct Ran {
    pub(super) sent: Vec<(Effect, Request<Bytes>)>,
    pub(super) answers: Vec<Response<Bytes>>,
    pub(super) result: Result<Outcome, Failure>,
    pub(super) learnt: Learnt,
}

/// The request that is answered, and how messages refer to it.
const REQUEST: u128 = 0x7f_3a9c;
const REFERENCE: &str = "7f3a9c";

/// More requests than any command takes.
const TOO_MANY: usize = 10;

/// Carries a call out with the upstream's own credentials.
pub(super) fn run(
    upstream: Dialect,
    mut call: Call,
    known: Known,
    terms: Arc<Terms>,
    mut answer: impl FnMut(&Request<Bytes>) -> Response<Bytes>,
) -> Ran {
    call.credentials = own_credentials(upstream);
    let mut ran = Ran {
        sent: Vec::new(),
        answers: Vec::new(),
        result: Ok(Outcome::Done),
        learnt: Learnt::default(),
    };
    let (mut exchange, mut step) = match Exchange::start(upstream, call, known, terms) {
        Ok(started) => started,
        Err(failure) => {
            ran.result = Err(failure);
            return ran;
        }
    };
    loop {
        match step {
            Step::Done(outcome) => {
                ran.result = Ok(outcome);
                break;
            }
            Step::Send { request, effect } => {
                assert!(ran.sent.len() < TOO_MANY, "it never ends");
                let response = answer(&request);
                ran.sent.push((effect, *request));
                ran.answers.push(response.clone());
                let (head, body) = response.into_parts();
                match exchange.next(&head, &body) {
                    Ok(next) => step = next,
                    Err(failure) => {
                        ran.result = Err(failure);
                        break;
                    }
                }
            }
        }
    }
    let learnt = exchange.learnt();
    ran.learnt.user.clone_from(&learnt.user);
    ran.learnt.mistaken.clone_from(&learnt.mistaken);
    ran.learnt.at_risk.clone_from(&learnt.at_risk);
    ran
}

impl Ran {
    pub(super) fn writes(&self) -> usize {
        let effects = self.sent.iter().map(|(effect, _)| effect);
        effects.filter(|effect| **effect == Effect::Write).count()
    }

    /// Method and path of every request.
    pub(super) fn lines(&self) -> Vec<String> {
        let requests = self.sent.iter().map(|(_, request)| request);
        requests
            .map(|request| format!("{} {}", request.method(), request.uri()))
            .collect()
    }

    pub(super) fn body(&self, index: usize) -> &str {
        std::str::from_utf8(self.sent[index].1.body()).unwrap()
    }

    /// Everything that was sent, as bytes on a wire would have it.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        for ((effect, request), response) in self.sent.iter().zip(&self.answers) {
            let effect = match effect {
                Effect::Read => "read",
                Effect::Write => "write",
            };
            writeln!(shown, "---- {effect}").unwrap();
            writeln!(shown, "{} {}", request.method(), request.uri()).unwrap();
            for (name, value) in request.headers() {
                writeln!(shown, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
            let body = String::from_utf8_lossy(request.body());
            if !body.is_empty() {
                writeln!(shown, "\n{body}").unwrap();
            }
            let answer = String::from_utf8_lossy(response.body());
            writeln!(shown, "---- {}\n{answer}", response.status().as_u16()).unwrap();
        }
        writeln!(shown, "----").unwrap();
        if let Some((named, id)) = &self.learnt.user {
            writeln!(shown, "learnt: {named:?} is {id}").unwrap();
        }
        if !self.learnt.at_risk.is_empty() {
            writeln!(shown, "at risk: {}", self.learnt.at_risk.join(", ")).unwrap();
        }
        shown
    }
}
