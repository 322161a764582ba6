//! What no recording can get wrong: the laws of the matrix, over every case of every caller.

use bytes::Bytes;
use dragoman::dialect::exchange::Effect;
use http::Request;

use super::super::classes::{Class, PAGE, Sort};
use super::super::heard::{Heard, hear, must};
use super::{ALL, Answered, Cell, cells};

#[test]
fn every_class_of_answer_is_told_to_every_caller_for_what_it_is() {
    let mut told = 0;
    let mut breaches = Vec::new();
    for cell in cells(&ALL) {
        let done = cell.answered(None);
        for step in 0..done.sent.len() {
            for class in cell.classes.iter() {
                let answered = cell.answered(Some((class, step)));
                if let Err(breach) = check(&cell, &done, step, class, &answered) {
                    let body = String::from_utf8_lossy(answered.reply.body());
                    let at = format!("{} step {step}: {}", cell.file(), class.name);
                    breaches.push(format!("{at}: {breach}: {body}"));
                }
                told += 1;
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
    assert!(told > 8000, "{told}");
}

fn check(
    cell: &Cell,
    done: &Answered,
    step: usize,
    class: &Class,
    answered: &Answered,
) -> Result<(), String> {
    let reply = std::str::from_utf8(answered.reply.body()).unwrap();
    for hidden in HIDDEN {
        must(!reply.contains(hidden), format!("it shows {hidden}"))?;
    }
    if is_relayed(cell) {
        return Ok(());
    }
    let heard = hear(cell.caller, &answered.reply)?;
    let is_form = ["create", "update"]
        .iter()
        .any(|it| cell.case.starts_with(it));
    must(
        !is_form || names_no_attribute(reply),
        "a form has no such field",
    )?;
    let (effect, request) = &done.sent[step];
    let allowed: &[Heard] = match (class.sort, effect) {
        // A user without a number is no success to those who are owed one.
        _ if is_settled(done, step) => &[Heard::Success, Heard::Made],
        (Sort::Success, _) => {
            let is_same = answered.reply.body() == done.reply.body();
            return must(is_same, "it is another answer than the success");
        }
        (Sort::To(is_to) | Sort::FaultBut(is_to), _) if is_to(request) => {
            &[Heard::Success, Heard::Made, Heard::Refused, Heard::Fault]
        }
        // What is wrong with a question of the gateway's own is nothing that the caller sent.
        (Sort::Fault | Sort::FaultBut(_) | Sort::Doubt, Effect::Read) if looks_up(done, step) => {
            &[Heard::Refused, Heard::UpstreamFailed]
        }
        (Sort::Fault | Sort::FaultBut(_), _) | (Sort::Doubt, Effect::Read) => {
            &[Heard::Refused, Heard::Fault, Heard::UpstreamFailed]
        }
        (Sort::Doubt | Sort::Nothing | Sort::To(_), Effect::Write) => &[Heard::UnknownOutcome],
        (Sort::Nothing | Sort::To(_), Effect::Read) | (Sort::Unsent, _) => &[Heard::UpstreamFailed],
    };
    must(
        allowed.contains(&heard),
        format!("it is heard as {heard:?}"),
    )?;
    let later = answered.sent.iter().skip(step + 1);
    let goes_on = later
        .into_iter()
        .any(|(effect, _)| *effect == Effect::Write);
    must(heard == Heard::Success || !goes_on, "it wrote all the same")
}

/// The vendor's words name a field of a form by the vendor's name.
fn names_no_attribute(reply: &str) -> bool {
    let attributes = [
        "username",
        "password",
        "email",
        "level",
        "given_name",
        "display_name",
    ];
    let is_named = |it: &&str| reply.contains(&format!("&laquo;{it}&raquo;"));
    !attributes.iter().any(is_named)
}

/// What no answer shows: pages, and the gateway's own credentials and session.
const HIDDEN: [&str; 5] = [
    PAGE,
    "own-key",
    "own-password",
    "Z2F0ZXdheTpvd24",
    "zwfkDXGu",
];

/// Whether the command was done before that request, which only looks something up.
fn is_settled(done: &Answered, step: usize) -> bool {
    let (before, rest) = done.sent.split_at(step);
    let is_written = before.iter().any(|(effect, _)| *effect == Effect::Write);
    is_written || (step > 0 && counts(&rest[0].1))
}

/// Whether the request finds out what the write after it needs.
fn looks_up(done: &Answered, step: usize) -> bool {
    let mut later = done.sent.iter().skip(step + 1);
    later.any(|(effect, _)| *effect == Effect::Write)
}

/// Whether it asks how many users there are besides those that were listed.
fn counts(request: &Request<Bytes>) -> bool {
    let body = std::str::from_utf8(request.body()).unwrap();
    body.contains("\"countUsers\"")
}

/// Whether the upstream's answer is the caller's, as it is.
fn is_relayed(cell: &Cell) -> bool {
    cell.caller == cell.upstream && (cell.case.contains("native") || cell.case == RELAYED)
}

const RELAYED: &str = "a-message-is-not-sent-from-here";
