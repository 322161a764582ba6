//! What each class of answer means: `tests/golden/answers/UPSTREAM.classes` has the bytes of each, and
//! what it is to a read and what to a write.

use std::fmt::Write as _;

use dragoman::auth::{Call, Credentials};
use dragoman::command::user::{Status, UserChange, UserRef};
use dragoman::command::{Command, Dialect};
use dragoman::dialect::exchange::{Failure, Known};
use dragoman::error::Kind;

use super::classes::{self, Class};
use super::upstream::{Upstream, answer};
use super::{Ran, folder, id, run, terms};
use crate::golden::same_as_recorded;

#[test]
fn every_answer_of_a_grupo_system_means_what_is_recorded() {
    check(Dialect::Grupo);
}

#[test]
fn every_answer_of_a_vision6_system_means_what_is_recorded() {
    check(Dialect::Vision6);
}

#[test]
fn every_answer_of_a_b2evolution_means_what_is_recorded() {
    check(Dialect::B2evolution);
}

fn check(upstream: Dialect) {
    let mut shown = String::new();
    for class in classes::all(upstream) {
        writeln!(shown, "{}", class.name).unwrap();
        show(&mut shown, upstream, &class, "update", &update());
        if upstream != Dialect::Grupo {
            show(&mut shown, upstream, &class, "read", &read());
        }
    }
    let path = folder("answers").join(format!("{upstream}.classes"));
    assert!(
        same_as_recorded(&path, &shown),
        "GOLDEN=write records {}",
        path.display()
    );
}

/// The bytes once, since but for a changed success they are the same to all.
fn show(shown: &mut String, upstream: Dialect, class: &Class, to: &str, command: &Command) {
    let call = Call::new(Credentials::None, None, command.clone());
    let mut server = Upstream::new(upstream);
    let ran = run(upstream, call, Known::default(), terms(upstream), |sent| {
        class.answer(&server.answer(sent))
    });
    let answer = &ran.answers[0];
    let mut bytes = answer.status().as_u16().to_string();
    for (name, value) in answer.headers() {
        write!(bytes, " {name}: {};", value.to_str().unwrap()).unwrap();
    }
    let body = String::from_utf8_lossy(answer.body());
    writeln!(bytes, " {}", body.escape_debug()).unwrap();
    if !shown.ends_with(&bytes) {
        write!(shown, "  {bytes}").unwrap();
    }
    writeln!(shown, "    {to}: {}", meaning(ran)).unwrap();
}

fn meaning(ran: Ran) -> String {
    match ran.result {
        Ok(outcome) => format!("{outcome:?}").chars().take(24).collect(),
        Err(Failure::Call(error)) => format!("{} ({error})", error.kind().name()),
        Err(Failure::Login(error)) => {
            format!(
                "{}, and the login is refused ({error})",
                error.kind().name()
            )
        }
    }
}

pub(super) fn once(upstream: Dialect, command: Command, status: u16, body: &str) -> Ran {
    let call = Call::new(Credentials::None, None, command);
    let body = body.to_owned();
    run(upstream, call, Known::default(), terms(upstream), |_| {
        answer(status, body.clone())
    })
}

/// A change that takes one request everywhere.
pub(super) fn update() -> Command {
    let change = UserChange {
        status: Some(Status::Active),
        ..UserChange::default()
    };
    Command::UpdateUser(UserRef::Id(id(11)), Box::new(change))
}

pub(super) fn read() -> Command {
    Command::ReadUser(UserRef::Id(id(11)))
}

#[test]
fn what_no_caller_can_ask_is_refused_before_anything_is_sent() {
    use dragoman::command::group::GroupRef;
    for upstream in Dialect::ALL {
        for command in [Command::ReadGroup(GroupRef::Id(id(1))), Command::ListGroups] {
            let ran = once(upstream, command, 200, "");
            assert!(ran.sent.is_empty());
            let error = ran.result.unwrap_err().into_error();
            assert_eq!(*error.kind(), Kind::Unsupported, "{upstream}");
        }
    }
}
