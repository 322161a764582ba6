//! What holds whatever an upstream answers.

use dragoman::auth::{Call, Credentials};
use dragoman::command::email::Email;
use dragoman::command::name::Username;
use dragoman::command::query::UserQuery;
use dragoman::command::text::Text;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Command, Dialect, Edit};
use dragoman::dialect::exchange::Known;
use dragoman::secret::Secret;
use proptest::collection::vec;
use proptest::prelude::*;

use super::upstream::{Upstream, answer};
use super::{id, run, terms};

const PROOF: &str = "the-callers-own-password";

fn commands() -> Vec<Command> {
    let name = Username::parse("vera").unwrap();
    let new = UserChange {
        username: Some(name.clone()),
        email: Email::parse("vera@example.com"),
        password: Some(Secret::from("correct horse")),
        given_name: Edit::Set(Text::parse("Vera").unwrap()),
        family_name: Edit::Set(Text::parse("Stone").unwrap()),
        ..UserChange::default()
    };
    let proven = UserChange {
        current_password: Some(Secret::from(PROOF)),
        ..new.clone()
    };
    let named = UserRef::Username(name);
    vec![
        Command::CreateUser(Box::new(new.clone())),
        Command::UpdateUser(named.clone(), Box::new(new)),
        Command::UpdateUser(UserRef::Id(id(11)), Box::new(proven)),
        Command::ReadUser(named.clone()),
        Command::DeleteUser(named),
        Command::ListUsers(UserQuery::default()),
        Command::CountUsers(UserQuery::default()),
    ]
}

fn known(remembered: bool, is_doubtful: bool) -> Known {
    Known {
        user: remembered.then(|| id(9)),
        is_doubtful,
        ..Known::default()
    }
}

/// Answers of every shape, some of them right.
fn answers() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let statuses = prop_oneof![Just(200_u16), Just(201), Just(403), Just(404), Just(500)];
    let bodies = prop_oneof![
        vec(any::<u8>(), 0..64),
        "[\\[\\]{}\":,a-z0-9]{0,40}".prop_map(String::into_bytes),
        prop_oneof![
            Just(r#"{"success":true}"#),
            Just(r#"{"id":1,"result":true,"error":null}"#),
            Just(r#"{"id":2,"result":[{"id":11,"username":"vera"}],"error":null}"#),
            Just(r#"{"id":1,"result":null,"error":{"code":331,"message":""}}"#),
            Just(r#"{"code":"user_invalid_id","message":"Invalid user ID"}"#),
            Just(r#"{"code":"update_success","message":""}"#),
            Just(r#"{"found":1,"page":1,"users":[{"id":11,"login":"vera"}]}"#),
            Just(r#"{"id":11,"login":"vera","firstname":"Vera","lastname":"Stone"}"#),
        ]
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (statuses, bodies)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_answer_panics_or_makes_it_write_twice_or_for_ever(
        upstream in prop::sample::select(Dialect::ALL.to_vec()),
        command in prop::sample::select(commands()),
        remembered in any::<bool>(),
        is_doubtful in any::<bool>(),
        answers in vec(answers(), 10),
    ) {
        let call = Call::new(Credentials::None, None, command);
        let mut answers = answers.into_iter();
        let ran = run(upstream, call, known(remembered, is_doubtful), terms(upstream), |_| {
            let (status, body) = answers.next().unwrap();
            answer(status, body)
        });
        // A number that was known in vain is the only reason for a second one, and by a doubtful one
        // nothing is written unseen.
        let most = if remembered && !is_doubtful { 2 } else { 1 };
        prop_assert!(ran.writes() <= most, "{}", ran.shown());
        let proof = ran.sent.iter().any(|(_, request)| {
            String::from_utf8_lossy(request.body()).contains(PROOF)
        });
        prop_assert!(!proof, "{}", ran.shown());
    }
}

#[test]
fn a_success_that_is_cut_off_anywhere_is_none() {
    for upstream in Dialect::ALL {
        for command in commands() {
            let call = Call::new(Credentials::None, None, command);
            let mut server = Upstream::new(upstream);
            let whole = run(
                upstream,
                call.clone(),
                known(false, false),
                terms(upstream),
                |sent| server.answer(sent),
            );
            if whole.result.is_err() {
                continue;
            }
            // What follows a write looks something up only, so that the write decides.
            let decisive = if whole.writes() > 0 {
                let effects = whole.sent.iter().map(|(effect, _)| *effect);
                effects
                    .into_iter()
                    .position(|effect| effect == super::Effect::Write)
            } else {
                whole.sent.len().checked_sub(1)
            };
            let decisive = decisive.unwrap();
            let length = whole.answers[decisive].body().len();
            for cut in 0..length {
                let mut server = Upstream::new(upstream);
                let mut index = 0;
                let ran = run(
                    upstream,
                    call.clone(),
                    known(false, false),
                    terms(upstream),
                    |sent| {
                        let mut response = server.answer(sent);
                        if index == decisive {
                            *response.body_mut() = response.body().slice(..cut);
                        }
                        index += 1;
                        response
                    },
                );
                assert!(ran.result.is_err(), "cut at {cut}: {}", ran.shown());
            }
        }
    }
}
