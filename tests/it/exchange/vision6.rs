//! What a Vision6 upstream takes more than one request for.

use dragoman::auth::{Call, Credentials};
use dragoman::command::name::Username;
use dragoman::command::query::UserQuery;
use dragoman::command::user::UserRef;
use dragoman::command::{AccountId, Command, Dialect};
use dragoman::dialect::exchange::Known;
use dragoman::error::Kind;
use dragoman::outcome::Outcome;
use serde_json::{Value, json};

use super::upstream::json_answer;
use super::{Ran, id, run, terms};

/// Answers the requests in turn; the numbers are filled in.
fn play(command: Command, known: Known, results: &[Value]) -> Ran {
    let mut results = results.iter();
    let call = Call::new(Credentials::None, None, command);
    run(
        Dialect::Vision6,
        call,
        known,
        terms(Dialect::Vision6),
        |sent| {
            let sent: Value = serde_json::from_slice(sent.body()).unwrap();
            let result = results.next().unwrap();
            let answer = if result.is_object() {
                json!({"id": sent["id"], "result": null, "error": result})
            } else {
                json!({"id": sent["id"], "result": result, "error": null})
            };
            json_answer(200, &answer)
        },
    )
}

fn kind(ran: Ran) -> Kind {
    ran.result.unwrap_err().into_error().kind().clone()
}

fn named(name: &str) -> UserRef {
    UserRef::UsernameOrEmail(Username::parse(name).unwrap())
}

#[test]
fn a_name_is_looked_up_as_a_username_and_then_as_an_address() {
    let found = json!([{"id": 5, "username": "vera", "email": "Vera@example.com"}]);
    let results = [json!([]), found, json!(true)];
    let ran = play(
        Command::DeleteUser(named("vera@example.com")),
        Known::default(),
        &results,
    );
    assert!(
        ran.body(1)
            .contains(r#"[["email","exactly","vera@example.com"]]"#)
    );
    assert_eq!(
        ran.body(2),
        r#"{"id":3,"method":"deleteUser","params":["own-key",500,5]}"#
    );
    assert_eq!(ran.result.unwrap(), Outcome::Done);
    assert_eq!(ran.learnt.user, Some((named("vera@example.com"), id(5))));
}

#[test]
fn only_who_has_the_very_name_is_found() {
    let delete = || Command::DeleteUser(named("vera"));
    let everybody = json!([{"id": 1, "username": "otto"}, {"id": 2, "username": "emma"}]);
    assert_eq!(
        kind(play(delete(), Known::default(), &[everybody])),
        Kind::UserNotFound
    );
    let twice = json!([{"id": 1, "username": "vera"}, {"id": 2, "username": "VERA"}]);
    assert_eq!(
        kind(play(delete(), Known::default(), &[twice])),
        Kind::InvalidArgument("user".into())
    );
}

#[test]
fn a_number_that_is_out_of_date_is_looked_up_once() {
    let known = || Known {
        user: Some(id(4)),
        ..Known::default()
    };
    let gone = json!({"code": 331, "message": "Unable to load Account User"});
    let found = json!([{"id": 5, "username": "vera"}]);
    let delete = || Command::DeleteUser(named("vera"));
    let ran = play(
        delete(),
        known(),
        &[gone.clone(), found.clone(), json!(true)],
    );
    assert_eq!((ran.sent.len(), ran.writes()), (3, 2));
    assert_eq!(ran.result.unwrap(), Outcome::Done);
    let ran = play(delete(), known(), &[gone.clone(), found, gone.clone()]);
    assert_eq!(kind(ran), Kind::UserNotFound);
    // A number of the caller's own is no memory.
    let by_number = Command::DeleteUser(UserRef::Id(id(4)));
    let ran = play(by_number, Known::default(), &[gone]);
    assert_eq!((ran.sent.len(), kind(ran)), (1, Kind::UserNotFound));
}

#[test]
fn a_full_page_is_counted_and_a_count_that_fails_costs_nothing() {
    let page = || {
        Command::ListUsers(UserQuery {
            limit: Some(1),
            ..UserQuery::default()
        })
    };
    let listed = json!([{"id": 5, "username": "vera"}]);
    let total = |ran: Ran| {
        let Outcome::Users(page) = ran.result.unwrap() else {
            panic!("no users");
        };
        (page.users.len(), page.total)
    };
    let ran = play(page(), Known::default(), &[listed.clone(), json!(8)]);
    assert_eq!(total(ran), (1, 8));
    let broken = json!({"code": 100, "message": ""});
    let ran = play(page(), Known::default(), &[listed, broken]);
    assert_eq!(total(ran), (1, 1));
    let nobody = Command::ListUsers(UserQuery {
        limit: Some(0),
        ..UserQuery::default()
    });
    let ran = play(nobody, Known::default(), &[json!(8)]);
    assert_eq!(total(ran), (0, 8));
}

#[test]
fn users_are_in_the_account_they_were_asked_for_in() {
    let found = json!([{"id": 11, "username": "vera"}]);
    let ran = play(
        Command::ReadUser(UserRef::Id(id(11))),
        Known::default(),
        &[found],
    );
    let Outcome::User(user) = ran.result.unwrap() else {
        panic!("no user");
    };
    assert_eq!(user.account, AccountId::new(id(500)));
}

#[test]
fn a_number_that_belongs_to_another_by_now_is_looked_up() {
    let known = || Known {
        user: Some(id(4)),
        ..Known::default()
    };
    let other = json!([{"id": 4, "username": "otto"}]);
    let found = json!([{"id": 5, "username": "vera"}]);
    let read = |name: &str| Command::ReadUser(named(name));
    let ran = play(read("vera"), known(), &[other, found]);
    assert_eq!(ran.learnt.user, Some((named("vera"), id(5))));
    let by_address = json!([{"id": 4, "username": "otto", "email": "o@example.com"}]);
    let ran = play(read("o@example.com"), known(), &[by_address]);
    assert!(ran.result.is_ok());
}
