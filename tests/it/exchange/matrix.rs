//! What each caller is answered, for every class of answer to every request that its command takes:
//! `tests/golden/answers/CALLER-CASE.UPSTREAM`. The bytes that were sent are in
//! `tests/golden/exchange/CALLER-CASE.exchange`, those of a class in `answers/UPSTREAM.classes`.

mod laws;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use dragoman::auth::call::RequestId;
use dragoman::command::Dialect;
use dragoman::dialect::exchange::{Effect, Failure, Known, Terms};
use dragoman::route::Route;
use http::{Request, Response};

use super::classes::{self, Class};
use super::upstream::Upstream;
use super::{B2EVOLUTION, GRUPO, REQUEST, VISION6, decode, folder, route, run, terms};
use crate::golden::{Case, same_as_recorded};

/// A case for each canonical command, with no more in it than every upstream keeps, if any does.
const RECORDED: [(Dialect, &[&str]); 3] = [
    (
        Dialect::Grupo,
        &[
            "a-user-is-made-from-what-the-documentation-asks-for",
            "a-user-is-given-another-name",
            "a-user-is-removed-by-username",
            "a-group-is-made-from-its-name",
            "a-group-is-changed-by-slug",
            "a-group-is-removed-by-slug",
            "a-member-is-added",
            "a-member-is-removed",
            "a-member-gets-a-role",
            "a-member-is-banned",
            "a-ban-is-lifted",
        ],
    ),
    (
        Dialect::Vision6,
        &[
            "add-user-with-names",
            "edit-user-changes-the-names",
            "get-user-by-id",
            "search-users-lists-everybody",
            "search-users-cuts-out-a-page",
            "count-users",
            "delete-user",
            "delete-user-in-2-0",
            "get-timezone-list",
        ],
    ),
    (
        Dialect::B2evolution,
        &[
            "create-with-names",
            "update-of-the-names",
            "view",
            "list",
            "logins",
            "delete",
        ],
    ),
];

#[test]
fn every_class_of_answer_to_every_request_reaches_every_caller_as_recorded() {
    let mut files: BTreeSet<String> = Dialect::ALL.map(|it| format!("{it}.classes")).into();
    let mut wrong = Vec::new();
    for cell in cells(&RECORDED) {
        let shown = cell.shown();
        // What is refused before anything is sent is in the exchange.
        if shown.is_empty() {
            continue;
        }
        if !same_as_recorded(&folder("answers").join(cell.file()), &shown) {
            wrong.push(cell.file());
        }
        files.insert(cell.file());
    }
    assert!(
        wrong.is_empty(),
        "GOLDEN=write records them, git diff shows how:\n{}",
        wrong.join("\n")
    );
    assert_eq!(listed("answers"), files, "tests/golden/answers");
}

#[test]
fn no_exchange_is_left_of_a_case_that_is_gone() {
    let cases = cells(&ALL).into_iter();
    let files = cases.map(|cell| format!("{}-{}.exchange", cell.caller, cell.case));
    let files: BTreeSet<String> = files.collect();
    assert_eq!(listed("exchange"), files, "tests/golden/exchange");
}

/// The cases of the whole matrix.
const ALL: [(Dialect, &[&str]); 3] = [
    (Dialect::Grupo, &GRUPO),
    (Dialect::Vision6, &VISION6),
    (Dialect::B2evolution, &B2EVOLUTION),
];

fn cells(cases: &[(Dialect, &'static [&'static str])]) -> Vec<Cell> {
    let upstreams =
        Dialect::ALL.map(|dialect| (dialect, terms(dialect), Rc::new(classes::all(dialect))));
    let mut cells = Vec::new();
    for (caller, cases) in cases {
        let route = route(*caller);
        for case in *cases {
            let path = folder(caller.name()).join(format!("{case}.http"));
            let request = Rc::new(Case::read(&path));
            cells.extend(upstreams.iter().map(|(upstream, terms, classes)| Cell {
                caller: *caller,
                case,
                upstream: *upstream,
                request: Rc::clone(&request),
                route: route.clone(),
                terms: Arc::clone(terms),
                classes: Rc::clone(classes),
            }));
        }
    }
    cells
}

fn listed(name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A command of a caller at an upstream.
struct Cell {
    caller: Dialect,
    case: &'static str,
    upstream: Dialect,
    request: Rc<Case>,
    route: Route,
    terms: Arc<Terms>,
    classes: Rc<Vec<Class>>,
}

impl Cell {
    fn file(&self) -> String {
        format!("{}-{}.{}", self.caller, self.case, self.upstream)
    }

    /// The upstream understands everything, and answers one request by the class.
    fn answered(&self, class: Option<(&Class, usize)>) -> Answered {
        let (call, reply_to) = decode(&self.request, &self.route);
        let mut server = Upstream::new(self.upstream);
        let mut step = 0;
        let ran = run(
            self.upstream,
            call,
            Known::default(),
            Arc::clone(&self.terms),
            |sent| {
                let success = server.answer(sent);
                let class = class.filter(|(_, at)| *at == step);
                step += 1;
                class.map_or(success.clone(), |(class, _)| class.answer(&success))
            },
        );
        let result = ran.result.map_err(Failure::into_error);
        let reference = RequestId::new(REQUEST).reference();
        Answered {
            sent: ran.sent,
            reply: reply_to.encode_response(vec![result], reference, &self.route.policy),
        }
    }

    /// Every answer to the caller with the classes that lead to it, by the request that got them.
    fn shown(&self) -> String {
        let mut shown = String::new();
        for (step, (effect, request)) in self.answered(None).sent.iter().enumerate() {
            let effect = match effect {
                Effect::Read => "read",
                Effect::Write => "write",
            };
            let (method, path) = (request.method(), request.uri());
            writeln!(shown, "==== {effect} {method} {path}").unwrap();
            let mut answers: Vec<(String, Vec<&str>)> = Vec::new();
            for class in self.classes.iter() {
                let answer = bytes(&self.answered(Some((class, step))).reply);
                match answers.iter_mut().find(|(known, _)| *known == answer) {
                    Some((_, names)) => names.push(&class.name),
                    None => answers.push((answer, vec![&class.name])),
                }
            }
            for (answer, names) in answers {
                writeln!(shown, "\n{answer}\n{}", wrapped(&names)).unwrap();
            }
            writeln!(shown).unwrap();
        }
        shown
    }
}

/// What was sent, and what the caller got.
struct Answered {
    sent: Vec<(Effect, Request<Bytes>)>,
    reply: Response<Bytes>,
}

fn bytes(reply: &Response<Bytes>) -> String {
    let mut shown = reply.status().as_u16().to_string();
    for (name, value) in reply.headers() {
        write!(shown, "\n{name}: {}", value.to_str().unwrap()).unwrap();
    }
    write!(
        shown,
        "\n{}",
        String::from_utf8(reply.body().to_vec()).unwrap()
    )
    .unwrap();
    shown
}

/// Names between bars, on indented lines of no more than a screen's width.
fn wrapped(names: &[&str]) -> String {
    const WIDTH: usize = 100;
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + 3 <= WIDTH => {
                line.push_str(" | ");
                line.push_str(name);
            }
            _ => lines.push(format!("    {name}")),
        }
    }
    lines.join("\n")
}
