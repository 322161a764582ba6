//! What a b2evolution upstream takes more than one request for, and what it is not even sent.

use std::sync::Arc;

use bytes::Bytes;
use dragoman::auth::{Call, Credentials};
use dragoman::command::extension::ExtensionEdit;
use dragoman::command::name::Username;
use dragoman::command::organization::Organization;
use dragoman::command::query::{Attribute, Criterion, Operator, UserQuery};
use dragoman::command::text::Text;
use dragoman::command::user::{Status, UserChange, UserRef};
use dragoman::command::{AccountId, Command, Dialect, Edit};
use dragoman::dialect::exchange::{Known, Terms, Unknown};
use dragoman::error::{Kind, PasswordFault};
use dragoman::outcome::Outcome;
use dragoman::secret::Secret;
use http::Response;
use serde_json::json;

use super::upstream::{Upstream, coded, json_answer};
use super::{Ran, id, run, terms};

const UPSTREAM: Dialect = Dialect::B2evolution;

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn extension(field: &str, value: &str) -> ExtensionEdit {
    ExtensionEdit {
        dialect: UPSTREAM,
        field: text(field),
        value: Some(text(value)),
    }
}

fn update(change: UserChange) -> Command {
    Command::UpdateUser(UserRef::Id(id(11)), Box::new(change))
}

fn rename() -> UserChange {
    UserChange {
        given_name: Edit::Set(text("Zoë")),
        ..UserChange::default()
    }
}

fn play(command: Command, known: Known, answers: Vec<Response<Bytes>>) -> Ran {
    let mut answers = answers.into_iter();
    let call = Call::new(Credentials::None, None, command);
    run(UPSTREAM, call, known, terms(UPSTREAM), |_| {
        answers.next().unwrap()
    })
}

/// With a server that does as it is told.
fn done(command: Command, known: Known) -> Ran {
    let mut server = Upstream::new(UPSTREAM);
    let call = Call::new(Credentials::None, None, command);
    run(UPSTREAM, call, known, terms(UPSTREAM), |sent| {
        server.answer(sent)
    })
}

fn kind(ran: &Ran) -> Kind {
    match &ran.result {
        Ok(outcome) => panic!("{outcome:?}"),
        Err(
            dragoman::dialect::exchange::Failure::Call(error)
            | dragoman::dialect::exchange::Failure::Login(error),
        ) => error.kind().clone(),
    }
}

#[test]
fn an_identity_is_read_and_written_whole() {
    let kept = UserChange {
        nickname: Edit::Set(text("Vee")),
        organizations: Some(vec![Organization {
            id: id(3),
            role: Some(text("chair")),
        }]),
        extensions: vec![
            extension("edited_user_age_min", "20"),
            extension("uf_12", "https://vera.example"),
            extension("edited_user_source", "import"),
        ],
        ..UserChange::default()
    };
    let known = Known {
        kept: Box::new(kept),
        ..Known::default()
    };
    let ran = done(update(rename()), known);
    assert_eq!(
        ran.lines(),
        [
            "GET /api/v1/users/11",
            "POST /api/v1/users/11",
            "GET /api/v1/users/11"
        ]
    );
    for field in [
        "identity_form=1&edited_user_firstname=Zo%C3%AB&edited_user_lastname=Wilson",
        "edited_user_nickname=Vee&edited_user_gender=F",
        "organizations%5B0%5D=3&org_roles%5B0%5D=chair",
        "edited_user_ctry_ID=74",
        "edited_user_age_min=20",
        "uf_12=https%3A%2F%2Fvera.example",
    ] {
        assert!(
            ran.body(1).contains(field),
            "{field} is not in {}",
            ran.body(1)
        );
    }
    // The source is of another form, which is not sent and replaces nothing.
    assert!(!ran.body(1).contains("source"));
    assert_eq!(ran.learnt.at_risk, ["birthday", "age"]);
    assert_eq!(ran.result.unwrap(), Outcome::Done);
}

#[test]
fn the_gateway_proves_who_it_is_and_nobody_else() {
    let change = UserChange {
        password: Some(Secret::from("NewPass1")),
        ..UserChange::default()
    };
    let ask = |is_callers| {
        let known = Known {
            is_callers,
            ..Known::default()
        };
        let call = Call::new(Credentials::None, None, update(change.clone()));
        let mut server = Upstream::new(UPSTREAM);
        run(UPSTREAM, call, known, terms(UPSTREAM), |sent| {
            server.answer(sent)
        })
    };
    let proven = ask(false);
    assert!(proven.body(0).contains("current_user_pass=own-password"));
    let unproven = ask(true);
    assert_eq!(kind(&unproven), Kind::Unsupported);
    assert!(unproven.lines().is_empty());
}

#[test]
fn what_nobody_knows_is_told_or_protected() {
    let hidden = ["nickname", "organizations", "birthday", "age"];
    let ran = done(update(rename()), Known::default());
    assert_eq!(ran.learnt.at_risk, hidden);
    let reject = Arc::new(Terms {
        unknown: Unknown::Reject,
        ..(*terms(UPSTREAM)).clone()
    });
    let mut server = Upstream::new(UPSTREAM);
    let call = Call::new(Credentials::None, None, update(rename()));
    let ran = run(UPSTREAM, call, Known::default(), reject, |sent| {
        server.answer(sent)
    });
    assert_eq!((ran.writes(), kind(&ran)), (0, Kind::Unsupported));
    let message = ran.result.unwrap_err().into_error().to_string();
    assert!(
        message.contains("nickname, organizations, birthday, age"),
        "{message}"
    );
}

#[test]
fn what_is_no_identity_is_written_without_a_read() {
    let change = UserChange {
        status: Some(Status::Closed),
        ..UserChange::default()
    };
    let ran = done(update(change), Known::default());
    assert_eq!(ran.body(0), "admin_form=1&edited_user_status=closed");
    assert_eq!(ran.sent.len(), 1);
    assert!(ran.learnt.at_risk.is_empty());
}

#[test]
fn a_success_that_kept_nothing_is_found_out() {
    let view = |name: &str| {
        json_answer(
            200,
            &json!({"id": 11, "login": "vera", "firstname": name, "lastname": null, "gender": null}),
        )
    };
    let written = || coded(200, "update_success", "Profile has been updated.");
    let ran = play(
        update(rename()),
        Known::default(),
        vec![view("Vera"), written(), view("Vera")],
    );
    assert_eq!(kind(&ran), Kind::Upstream);
    let message = ran.result.unwrap_err().into_error().to_string();
    assert!(message.contains("given_name"), "{message}");
    // A read that fails proves nothing.
    let closed = coded(403, "no_access", "The requested user account is closed!");
    let ran = play(
        update(rename()),
        Known::default(),
        vec![view("Vera"), written(), closed],
    );
    assert_eq!(ran.result.unwrap(), Outcome::Done);
}

#[test]
fn a_new_user_is_looked_up_and_made_even_if_it_is_not_found() {
    let create = || {
        Command::CreateUser(Box::new(UserChange {
            username: Username::parse("Vera"),
            email: dragoman::command::email::Email::parse("vera@example.com"),
            password: Some(Secret::from("correct horse")),
            ..UserChange::default()
        }))
    };
    let made = || coded(201, "update_success", "New user has been created.");
    let found = json_answer(
        200,
        &json!({"found": 2, "page": 1, "users": [{"id": 6, "login": "vera1"}, {"id": 7, "login": "vera"}]}),
    );
    let ran = play(create(), Known::default(), vec![made(), found]);
    assert_eq!(
        ran.lines()[1],
        "GET /api/v1/users?filter=new&keywords=Vera&per_page=100&page=1"
    );
    assert!(
        ran.body(0)
            .contains("edited_user_pass1=correct+horse&edited_user_pass2=correct+horse")
    );
    assert_eq!(ran.result.unwrap(), Outcome::UserCreated(id(7)));
    let broken = super::upstream::answer(500, "");
    let ran = play(create(), Known::default(), vec![made(), broken]);
    assert_eq!(ran.result.unwrap(), Outcome::Done);
}

#[test]
fn a_login_is_found_among_all_who_have_it_somewhere() {
    let rows = |from: i64, to: i64| -> Vec<_> {
        (from..=to)
            .map(|id| json!({"id": id, "login": format!("vera{id}")}))
            .collect()
    };
    let first = json_answer(
        200,
        &json!({"found": 101, "page": 1, "users": rows(1, 100)}),
    );
    let mut all = rows(1, 100);
    all.push(json!({"id": 500, "login": "VERA"}));
    let all = json_answer(200, &json!({"found": 101, "page": 1, "users": all}));
    let deleted = coded(200, "delete_success", "User &laquo;vera&raquo; deleted.");
    let named = UserRef::Username(Username::parse("vera").unwrap());
    let ran = play(
        Command::DeleteUser(named.clone()),
        Known::default(),
        vec![first, all, deleted],
    );
    assert_eq!(
        ran.lines(),
        [
            "GET /api/v1/users?filter=new&keywords=vera&per_page=100&page=1",
            "GET /api/v1/users?filter=new&keywords=vera&per_page=101&page=1",
            "DELETE /api/v1/users/500",
        ]
    );
    assert_eq!(
        ran.result.unwrap(),
        Outcome::UserDeleted(Username::parse("vera").unwrap())
    );
    assert_eq!(ran.learnt.user, Some((named, id(500))));
}

#[test]
fn an_address_is_not_looked_up_by_guessing() {
    let address = UserRef::UsernameOrEmail(Username::parse("vera@example.com").unwrap());
    let ran = play(
        Command::DeleteUser(address.clone()),
        Known::default(),
        vec![],
    );
    assert_eq!(kind(&ran), Kind::Unsupported);
    let known = Known {
        user: Some(id(9)),
        ..Known::default()
    };
    let ran = done(Command::DeleteUser(address), known);
    assert_eq!(ran.lines(), ["DELETE /api/v1/users/9"]);
    let nobodys = UserRef::Username(Username::parse("no such login").unwrap());
    let ran = play(Command::DeleteUser(nobodys), Known::default(), vec![]);
    assert_eq!(kind(&ran), Kind::UserNotFound);
}

#[test]
fn a_session_is_used_again_and_ends_when_the_server_says_so() {
    let ran = done(update(rename()), Known::default());
    assert!(!ran.sent[0].1.headers().contains_key("cookie"));
    for (_, request) in &ran.sent[1..] {
        assert_eq!(request.headers()["cookie"], "session_b2evo=5_zwfkDXGu");
    }
    let known = Known {
        session: Some(Secret::from("session_b2evo=1_old")),
        ..Known::default()
    };
    let ran = done(Command::ReadUser(UserRef::Id(id(2))), known);
    assert_eq!(ran.sent[0].1.headers()["cookie"], "session_b2evo=1_old");
}

#[test]
fn a_list_is_always_the_first_page() {
    let list = |offset, limit| {
        Command::ListUsers(UserQuery {
            offset,
            limit,
            ..UserQuery::default()
        })
    };
    let ran = done(list(1, Some(1)), Known::default());
    assert_eq!(
        ran.lines(),
        ["GET /api/v1/users?filter=new&per_page=2&page=1"]
    );
    let Outcome::Users(page) = ran.result.unwrap() else {
        panic!("no users");
    };
    assert_eq!(
        (page.users[0].id, page.users.len(), page.total),
        (id(2), 1, 3)
    );
    let ran = play(list(0, Some(20_000)), Known::default(), vec![]);
    assert_eq!(kind(&ran), Kind::Unsupported);
    // Fewer users than the server says there are is no list.
    let cut = json_answer(
        200,
        &json!({"found": 3, "page": 1, "users": [{"id": 1, "login": "a"}]}),
    );
    let ran = play(list(0, None), Known::default(), vec![cut]);
    assert_eq!(kind(&ran), Kind::Upstream);
}

#[test]
fn a_search_by_address_is_refused_and_one_by_number_is_checked() {
    let search = |attribute, value: &str| {
        Command::ListUsers(UserQuery {
            criteria: vec![Criterion {
                attribute,
                operator: Operator::Exactly,
                values: vec![text(value)],
            }],
            ..UserQuery::default()
        })
    };
    let ran = play(search(Attribute::Email, "a@b.co"), Known::default(), vec![]);
    assert_eq!(kind(&ran), Kind::Unsupported);
    let ran = done(search(Attribute::Id, "9"), Known::default());
    assert_eq!(kind(&ran), Kind::Upstream);
}

#[test]
fn what_b2evolution_would_lose_silently_is_not_sent() {
    let long = "x".repeat(51);
    let name = |name: &str| UserChange {
        given_name: Edit::Set(text(name)),
        ..UserChange::default()
    };
    let given_name = || Kind::InvalidArgument("given_name".into());
    let username = |name: &str| UserChange {
        username: Username::parse(name),
        ..UserChange::default()
    };
    let password = |password: &str| UserChange {
        password: Some(Secret::from(password)),
        ..UserChange::default()
    };
    let refused = |fault| Kind::PasswordRefused(fault);
    let changes = [
        (name(&long), given_name()),
        (name("<b>Zoë</b>"), given_name()),
        (name(" Zoë"), given_name()),
        (name("Zoë\nMoss"), given_name()),
        (
            username(&"x".repeat(21)),
            Kind::InvalidArgument("username".into()),
        ),
        (username("usr_12"), Kind::InvalidArgument("username".into())),
        (username("Zoë"), Kind::InvalidArgument("username".into())),
        (password("abcd"), refused(PasswordFault::TooShort)),
        (password("a<b>cdef"), refused(PasswordFault::Characters)),
        (password(" abcdef"), refused(PasswordFault::Characters)),
        (
            UserChange {
                email: dragoman::command::email::Email::parse("zoe+blog@example.com"),
                ..UserChange::default()
            },
            Kind::InvalidEmail,
        ),
        (
            UserChange {
                gender: Edit::Set(text("X")),
                ..UserChange::default()
            },
            Kind::InvalidArgument("gender".into()),
        ),
        (
            UserChange {
                extensions: vec![extension("edited_user_source", &"x".repeat(31))],
                ..UserChange::default()
            },
            Kind::InvalidArgument("edited_user_source".into()),
        ),
        (
            UserChange {
                extensions: vec![extension("edited_user_showonline", "1")],
                ..UserChange::default()
            },
            Kind::MissingArgument("locale".into()),
        ),
        (
            UserChange {
                phone: Edit::Set(text("123")),
                ..UserChange::default()
            },
            Kind::Unsupported,
        ),
    ];
    for (change, expected) in changes {
        let shown = format!("{change:?}");
        let ran = play(update(change), Known::default(), vec![]);
        assert_eq!(kind(&ran), expected, "{shown}");
    }
}

#[test]
fn a_password_is_changed_with_the_gateways_own_as_the_proof() {
    let change = UserChange {
        password: Some(Secret::from("correct horse")),
        current_password: Some(Secret::from("the-callers")),
        ..UserChange::default()
    };
    let ran = done(update(change), Known::default());
    assert_eq!(
        ran.body(0),
        "password_form=1&current_user_pass=own-password\
         &edited_user_pass1=correct+horse&edited_user_pass2=correct+horse"
    );
}

#[test]
fn a_display_name_becomes_a_first_and_a_last_name() {
    let change = UserChange {
        display_name: Edit::Set(text("Ana Maria Silva")),
        ..UserChange::default()
    };
    let ran = done(update(change), Known::default());
    assert!(
        ran.body(1)
            .contains("edited_user_firstname=Ana+Maria&edited_user_lastname=Silva")
    );
    assert_eq!(ran.result.unwrap(), Outcome::Done);
}

#[test]
fn a_refused_form_may_have_changed_memberships() {
    let change = UserChange {
        organizations: Some(Vec::new()),
        ..UserChange::default()
    };
    let view = json_answer(200, &json!({"id": 11, "login": "vera"}));
    let refused = coded(403, "update_failed", "Nobody knows why.");
    let ran = play(update(change), Known::default(), vec![view, refused]);
    assert_eq!(kind(&ran), Kind::Unsupported);
    assert!(ran.learnt.at_risk.contains(&"organizations"));
}

#[test]
fn preferences_and_subscriptions_are_filled_up_from_what_is_known() {
    let kept = UserChange {
        extensions: vec![
            extension("edited_user_showonline", "1"),
            extension("edited_user_notify_messages", "1"),
        ],
        ..UserChange::default()
    };
    let known = Known {
        kept: Box::new(kept),
        ..Known::default()
    };
    let change = UserChange {
        locale: Edit::Set(text("fr-FR")),
        extensions: vec![extension("enable_PM", "1")],
        ..UserChange::default()
    };
    let ran = done(update(change), known);
    for field in [
        "edited_user_showonline=1",
        "edited_user_notify_messages=1",
        "enable_PM=1",
    ] {
        assert!(
            ran.body(0).contains(field),
            "{field} is not in {}",
            ran.body(0)
        );
    }
    assert_eq!(ran.learnt.at_risk, ["preferences"]);
}

#[test]
fn a_call_for_another_account_finds_nobody() {
    let own = Arc::new(Terms {
        account: Some(AccountId::new(id(1))),
        ..(*terms(UPSTREAM)).clone()
    });
    let other = Some(AccountId::new(id(2)));
    let call = Call::new(
        Credentials::None,
        other,
        Command::ReadUser(UserRef::Id(id(2))),
    );
    let ran = run(UPSTREAM, call, Known::default(), own, |_| {
        panic!("it was sent")
    });
    assert_eq!(kind(&ran), Kind::UserNotFound);
}

/// What is known of a user is known of its number, so that an update begins again.
#[test]
fn a_number_that_belongs_to_another_by_now_is_looked_up_again_and_never_written_to() {
    let known = |is_doubtful| Known {
        user: Some(id(9)),
        is_doubtful,
        ..Known::default()
    };
    let view = |id: i64, login: &str, name: &str| {
        json_answer(200, &json!({"id": id, "login": login, "firstname": name}))
    };
    let found = || {
        let users = json!([{"id": 5, "login": "vera"}]);
        json_answer(200, &json!({"found": 1, "page": 1, "users": users}))
    };
    let vera = UserRef::Username(Username::parse("vera").unwrap());
    let mail = UserChange {
        locale: Edit::Set(text("fr-FR")),
        ..UserChange::default()
    };
    for (change, is_doubtful, answer) in [
        (rename(), false, view(9, "otto", "Otto")),
        (rename(), true, view(9, "otto", "Otto")),
        (mail, true, found()),
    ] {
        let ran = play(
            Command::UpdateUser(vera.clone(), Box::new(change)),
            known(is_doubtful),
            vec![answer],
        );
        assert_eq!((ran.writes(), kind(&ran)), (0, Kind::UserNotFound));
        assert_eq!(ran.learnt.mistaken, Some(vera.clone()));
    }
    let ran = play(
        Command::ReadUser(vera.clone()),
        known(false),
        vec![view(9, "otto", "Otto"), found(), view(5, "vera", "Vera")],
    );
    assert_eq!(ran.learnt.user, Some((vera, id(5))));
}

#[test]
fn a_refused_login_is_told_apart_at_every_step() {
    let refused = || coded(403, "wrong_login_pass", "Wrong login/password.");
    let vera = || UserRef::Username(Username::parse("vera").unwrap());
    let view = || json_answer(200, &json!({"id": 11, "login": "vera"}));
    let is_login = |ran: &Ran| {
        matches!(
            ran.result,
            Err(dragoman::dialect::exchange::Failure::Login(_))
        )
    };
    let look_up = play(Command::ReadUser(vera()), Known::default(), vec![refused()]);
    let before = play(update(rename()), Known::default(), vec![refused()]);
    let write = play(update(rename()), Known::default(), vec![view(), refused()]);
    for ran in [look_up, before, write] {
        assert!(is_login(&ran), "{}", ran.shown());
        assert_eq!(kind(&ran), Kind::Upstream);
    }
}

#[test]
fn a_new_address_beside_subscriptions_puts_the_status_at_risk() {
    let change = UserChange {
        email: dragoman::command::email::Email::parse("zoe@example.com"),
        extensions: vec![extension("enable_PM", "1")],
        ..UserChange::default()
    };
    let ran = done(update(change), Known::default());
    assert_eq!(ran.learnt.at_risk, ["status", "subscriptions"]);
}
