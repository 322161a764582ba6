//! Which commands go where, whose calls go nowhere, and what an upstream is not asked at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dragoman::auth::password::PasswordHasherPool;
use dragoman::command::Edit;
use dragoman::command::name::Username;
use dragoman::command::text::Text;
use dragoman::command::user::{Role, UserChange};
use dragoman::secret::Secret;
use dragoman::store::Store;
use http::Request;

use crate::forward_fixture::{Answered, Front, b2evolution_at, vision6_at};
use crate::harness::entry;
use crate::upstream_script::{Reply, Script};

const PASSWORD: &str = "Adm1nPass!x";

fn accepting() -> Script {
    Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":true,"error":null}"#.to_owned()))
}

async fn add(front: &Front, name: &str, role: Edit<Role>) {
    let hash = PasswordHasherPool::new(1)
        .hash(Secret::from(PASSWORD))
        .await;
    let change = UserChange {
        username: Username::parse(name),
        role,
        ..UserChange::default()
    };
    let store = front.store.as_ref().unwrap();
    store
        .create_user(change, Some(hash.unwrap()), entry(1))
        .await
        .unwrap();
}

async fn update(front: &Front, login: &str, user: i64, form: &str) -> Answered {
    let basic = STANDARD.encode(format!("{login}:{PASSWORD}"));
    let request = Request::post(format!("/api/v1/users/{user}"))
        .header("Authorization", format!("Basic {basic}"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap();
    front.ask(request).await
}

#[tokio::test]
async fn who_signs_in_here_edits_nobody_at_an_upstream_but_as_an_administrator_and_no_password() {
    let script = accepting();
    let front = Front::new(&format!(
        "[upstreams.back]\n{}\n[routes.front]\ndialect = 'b2evolution'\nuser = 'back'\n\
         [routes.own]\ndialect = 'grupo'\n",
        vision6_at(script.address) + "\naccount = 1"
    ));
    let administrator = Role::new(Text::parse(Role::ADMINISTRATOR).unwrap());
    add(&front, "admin", Edit::Set(administrator)).await;
    add(&front, "mary", Edit::Keep).await;

    // User 2 there is somebody else.
    let own = update(
        &front,
        "mary",
        2,
        "identity_form=1&edited_user_firstname=Mary",
    )
    .await;
    assert_eq!(own.status, 403, "{own:?}");
    let password = format!(
        "password_form=1&current_user_pass={PASSWORD}&edited_user_pass1=engine-1&edited_user_pass2=engine-1"
    );
    let password = update(&front, "admin", 2, &password).await;
    assert_eq!(password.status, 403, "{password:?}");
    assert!(script.asked().is_empty());

    let name = update(
        &front,
        "admin",
        2,
        "identity_form=1&edited_user_firstname=Mary",
    )
    .await;
    assert_eq!(name.status, 200, "{name:?}");
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_call_for_another_account_than_the_upstreams_finds_nobody() {
    let script = accepting();
    let options = format!("{}\naccount = 7", vision6_at(script.address));
    let front = Front::vision6(&options, "");
    let foreign = front
        .call("editUser", r#"8,{"id":5,"position":"Analyst"}"#)
        .await;
    assert!(foreign.body.contains(r#""code":331"#), "{foreign:?}");
    assert!(script.asked().is_empty());
    let own = front
        .call("editUser", r#"7,{"id":5,"position":"Analyst"}"#)
        .await;
    assert!(own.body.contains(r#""result":true"#), "{own:?}");
}

#[tokio::test]
async fn a_moved_command_goes_alone() {
    let script = accepting();
    let route = "commands = { 'user.update' = 'store' }\nallow_split = true";
    let front = Front::vision6(&vision6_at(script.address), route);
    let updated = front
        .call("editUser", r#"1,{"id":5,"position":"Analyst"}"#)
        .await;
    assert!(updated.body.contains(r#""code":331"#), "{updated:?}");
    assert!(script.asked().is_empty());
    let deleted = front.call("countUsers", "1").await;
    assert_eq!(script.asked().len(), 1, "{deleted:?}");
}

#[tokio::test]
async fn time_zones_are_known_here_and_native_operations_go_to_no_other_dialect() {
    let script = accepting();
    let front = Front::vision6(&b2evolution_at(script.address), "");
    let zones = front.call("getTimezoneList", "").await;
    assert!(zones.body.contains("Australia"), "{zones:?}");
    let native = front.call("getCreditBalance", r#""sms""#).await;
    let why = "getCreditBalance is an operation of vision6 alone, and the system behind the gateway \
               speaks b2evolution";
    assert!(native.body.contains(why), "{native:?}");
    assert!(script.asked().is_empty());
}
