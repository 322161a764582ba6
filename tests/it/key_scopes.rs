//! What a key may do: every operation of every dialect, under every scope, in every account.
//!
//! The table of operations below says what each needs; the rest is generated from it.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use dragoman::auth::keys::Key;
use dragoman::auth::scope::{Scope, Scopes};
use dragoman::command::Dialect;
use dragoman::command::group::{GroupChange, GroupRef};
use dragoman::command::member::Membership;
use dragoman::command::name::{Slug, Username};
use dragoman::command::text::Text;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::store::{MemberChange, Store};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use crate::harness::{self, Gateway, Seed, account, entry, key};

const SCOPES: [&str; 9] = [
    "user:read",
    "user:write",
    "user:delete",
    "group:read",
    "group:write",
    "group:delete",
    "member:write",
    "user.role",
    "user.level",
];

/// What an operation is done to. What is not there in account 1 is made before each call.
#[derive(Clone, Copy, PartialEq)]
enum Subject {
    /// Nothing, or all there is.
    None,
    /// The user `mary`, 2, or the group `staff`, or both; of account 1.
    Known,
    /// The user or group `victim` of account 1, which the operation takes away.
    Victim,
}

struct Operation {
    subject: Subject,
    needs: Vec<&'static str>,
    /// As the dialect has it; `USER` and `NEW` are filled in.
    request: &'static str,
}

impl Operation {
    /// From a line of a table: what it is done to, what it needs, and the request.
    fn parse(line: &'static str) -> Self {
        let mut columns = line.splitn(3, '|');
        let subject = match columns.next().unwrap().trim() {
            "none" => Subject::None,
            "known" => Subject::Known,
            "victim" => Subject::Victim,
            unknown => panic!("no such subject: {unknown:?}"),
        };
        let needs = columns.next().unwrap().split_whitespace().collect();
        let request = columns.next().unwrap().strip_prefix(' ').unwrap();
        Self {
            subject,
            needs,
            request,
        }
    }
}

/// Bodies.
const GRUPO: &str = r"
none   | user:write                      | add=site_users&full_name=N&username=NEW&email_address=NEW@example.com&password=secret-7
none   | user:write user.role            | add=site_users&full_name=N&username=NEW&email_address=NEW@example.com&password=secret-7&site_role_attribute=administrators
known  | user:write                      | update=site_users&user=mary&custom_field_1=x
known  | user:write user.role            | update=site_users&user=mary&site_role_attribute=administrators
known  | user:write user.role            | update=site_users&user=mary&site_role_attribute=wizards
victim | user:delete                     | remove=site_users&user=victim
none   | group:write                     | add=groups&group_name=NEW
known  | group:write                     | update=groups&group=staff&description=x
victim | group:delete                    | remove=groups&group=victims
known  | member:write                    | add=group_members&user=mary&group=staff
known  | member:write                    | remove=group_members&user=mary&group=staff
known  | member:write                    | update=group_user_role&user=mary&group=staff&group_role=3
known  | member:write                    | update=group_user_role&group=staff&ban_user_id=2
known  | member:write                    | update=group_user_role&group=staff&unban_user_id=2
none   | user:read                       | add=message&user=mary&sender=mary&message=x
known  | user:read                       | add=login_session&user=mary
";

/// Method and parameters behind the key. All but the last two name account 1. The password of an
/// administrator, 1, would be a way to every role.
const VISION6: &str = r#"
none   | user:write                      | addUser 1,{"username":"NEW"}
none   | user:write user.role            | addUser 1,{"username":"NEW","is_read_only":false}
known  | user:write                      | editUser 1,{"id":2,"first_name":"M"}
known  | user:write user.role            | editUser 1,{"id":2,"is_read_only":true}
known  | user:write user.role            | editUser 1,{"id":1,"password":"secret-7"}
victim | user:delete                     | deleteUser 1,USER
known  | user:read                       | getUserById 1,2
none   | user:read                       | searchUsers 1,[]
none   | user:read                       | countUsers 1,[]
none   |                                 | getTimezoneList
none   | user:read                       | getCreditBalance
"#;

/// Method, path and body.
const B2EVOLUTION: &str = r"
none   | user:write                      | POST users edited_user_login=NEW&edited_user_email=NEW@example.com&edited_user_pass1=secret-7
none   | user:write user.level           | POST users edited_user_login=NEW&edited_user_email=NEW@example.com&edited_user_pass1=secret-7&edited_user_level=2
known  | user:write                      | POST users/2 identity_form=1&edited_user_firstname=M
known  | user:write user.level           | POST users/2 admin_form=1&edited_user_level=2
known  | user:write user.role            | POST users/2 admin_form=1&edited_user_grp_ID=2
known  | user:write user.role user.level | POST users/2 admin_form=1&edited_user_grp_ID=2&edited_user_level=2
known  | user:write user.role            | POST users/2 admin_form=1&edited_user_secondary_grp_ID[]=3
victim | user:delete                     | DELETE users/USER
none   | user:read                       | GET users
known  | user:read                       | GET users/2
none   | user:read                       | GET users/logins?q=m
none   | user:read                       | GET users/autocomplete?q=mary
none   | user:read                       | GET users/recipients
";

#[tokio::test]
async fn a_grupo_call_is_carried_out_with_the_scopes_it_needs_in_the_accounts_of_its_key() {
    check(Dialect::Grupo, GRUPO).await;
}

#[tokio::test]
async fn a_vision6_call_is_carried_out_with_the_scopes_it_needs_in_the_accounts_of_its_key() {
    check(Dialect::Vision6, VISION6).await;
}

#[tokio::test]
async fn a_b2evolution_call_is_carried_out_with_the_scopes_it_needs_in_the_accounts_of_its_key() {
    check(Dialect::B2evolution, B2EVOLUTION).await;
}

/// What a caller is told, or who else but the caller it is.
#[derive(Debug, PartialEq)]
enum Told {
    /// Done, or that no store could do it.
    Done,
    /// That the key may not.
    Denied,
    /// That there is nobody to do it to.
    Nobody,
}

async fn check(dialect: Dialect, operations: &'static str) {
    let secrets = Secrets::generated();
    let gateway = Seed::new().await.gateway_with(
        harness::routes(""),
        secrets.0.iter().map(Secret::key).collect(),
    );
    let mut wrong = Vec::new();
    for operation in operations.trim().lines().map(Operation::parse) {
        for secret in &secrets.0 {
            let user = prepare(&gateway, operation.subject).await;
            let before = done(&gateway);
            let told = told(
                dialect,
                &ask(&gateway, dialect, &operation, secret, user).await,
            );
            let expected = expected(dialect, &operation, secret);
            if told != Ok(expected) {
                wrong.push(format!("{} with {secret:?}: {told:?}", operation.request));
            } else if told != Ok(Told::Done) && done(&gateway) != before {
                wrong.push(format!("{} with {secret:?} was done", operation.request));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

fn expected(dialect: Dialect, operation: &Operation, secret: &Secret) -> Told {
    let is_elsewhere = secret.accounts == [OTHER];
    if is_elsewhere && names_account(dialect, operation) {
        return Told::Nobody;
    }
    let grants = |need: &&str| {
        let (noun, _) = need.split_once(':').unwrap_or((need, ""));
        let every = format!("{noun}:*");
        secret
            .scopes
            .iter()
            .any(|scope| scope == *need || *scope == every)
    };
    if !operation.needs.iter().all(grants) {
        return Told::Denied;
    }
    if is_elsewhere && operation.subject != Subject::None {
        return Told::Nobody;
    }
    Told::Done
}

/// Account 1 has the subjects. This one has users too, others.
const OTHER: i64 = 123_456;

fn names_account(dialect: Dialect, operation: &Operation) -> bool {
    dialect == Dialect::Vision6 && operation.request.contains(" 1,")
}

#[derive(Debug)]
struct Secret {
    text: String,
    scopes: Vec<String>,
    accounts: Vec<i64>,
}

impl Secret {
    fn key(&self) -> Key {
        let scopes = self.scopes.iter().map(|name| Scope::parse(name).unwrap());
        let accounts: Vec<_> = self.accounts.iter().copied().map(account).collect();
        key("any", &self.text, Scopes::new(scopes), &accounts)
    }
}

struct Secrets(Vec<Secret>);

impl Secrets {
    /// No scope, each alone, all but each, and the short forms; each bound to no account, to that
    /// of the subjects and to another.
    fn generated() -> Self {
        let all = || SCOPES.map(str::to_owned).to_vec();
        let alone = SCOPES.map(|scope| vec![scope.to_owned()]);
        let but = SCOPES.map(|left_out| {
            let mut others = all();
            others.retain(|scope| scope != left_out);
            others
        });
        let named = |scopes: &Scopes| {
            scopes
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect()
        };
        let short = ["user:*", "group:*", "member:*"].map(|scope| vec![scope.to_owned()]);
        let mut sets = vec![
            Vec::new(),
            named(&Scopes::default()),
            named(&Scopes::full()),
        ];
        sets.extend(alone.into_iter().chain(but).chain(short));
        let mut secrets = Vec::new();
        for scopes in sets {
            for accounts in [vec![], vec![1], vec![OTHER]] {
                secrets.push(Secret {
                    text: format!("{:064}", secrets.len()),
                    scopes: scopes.clone(),
                    accounts,
                });
            }
        }
        Self(secrets)
    }
}

/// Makes what the operation is done to, where it is not there, and gives the victim's id.
async fn prepare(gateway: &Gateway, subject: Subject) -> i64 {
    let store = &gateway.store;
    let mary = || Membership {
        user: UserRef::Username(Username::parse("mary").unwrap()),
        group: GroupRef::Slug(Slug::parse("staff").unwrap()),
    };
    match subject {
        Subject::None => 0,
        Subject::Known => {
            let added = store.change_member(mary(), MemberChange::Add(None), entry(1));
            added.await.unwrap();
            2
        }
        Subject::Victim => {
            let name = Username::parse("victim");
            let user = UserChange {
                username: name.clone(),
                ..UserChange::default()
            };
            let group = GroupChange {
                name: Some(Text::parse("Victims").unwrap()),
                slug: Slug::parse("victims"),
                ..GroupChange::default()
            };
            // Either may be there already.
            drop(store.create_user(user, None, entry(1)).await);
            drop(store.create_group(group, None, entry(1)).await);
            let victim = store.read_user(account(1), UserRef::Username(name.unwrap()));
            victim.await.unwrap().unwrap().id.value()
        }
    }
}

/// How many writes were done.
fn done(gateway: &Gateway) -> i64 {
    let raw = rusqlite::Connection::open(gateway.database()).unwrap();
    let sql = "SELECT count(*) FROM audit WHERE outcome = 'done'";
    raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

async fn ask(
    gateway: &Gateway,
    dialect: Dialect,
    operation: &Operation,
    secret: &Secret,
    user: i64,
) -> (u16, String) {
    static NEW: AtomicU32 = AtomicU32::new(0);
    let new = format!("new{}", NEW.fetch_add(1, Ordering::Relaxed));
    let text = operation.request.replace("NEW", &new);
    let text = text.replace("USER", &user.to_string());
    let request = request(dialect, &text, &secret.text);
    let response = gateway.service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn request(dialect: Dialect, text: &str, key: &str) -> Request<Full<Bytes>> {
    let form = "application/x-www-form-urlencoded";
    let (builder, body) = match dialect {
        Dialect::Grupo => {
            let builder = Request::builder().method(Method::POST).uri("/api_request/");
            let body = format!("api_secret_key={key}&{text}");
            (builder.header("content-type", form), body)
        }
        Dialect::Vision6 => {
            let (method, parameters) = text.split_once(' ').unwrap_or((text, ""));
            let comma = if parameters.is_empty() { "" } else { "," };
            let body =
                format!(r#"{{"id":1,"method":"{method}","params":["{key}"{comma}{parameters}]}}"#);
            let builder = Request::builder().method(Method::POST);
            (builder.uri("/api/jsonrpcserver"), body)
        }
        Dialect::B2evolution => {
            let mut parts = text.splitn(3, ' ');
            let method = parts.next().unwrap();
            let uri = format!("/api/v1/{}", parts.next().unwrap());
            let builder = Request::builder().method(method).uri(uri);
            let builder = builder.header("x-api-key", key);
            (
                builder.header("content-type", form),
                parts.next().unwrap_or_default().to_owned(),
            )
        }
    };
    builder.body(Full::from(body)).unwrap()
}

/// What an answer means. Anything that is none of the three is given back.
fn told(dialect: Dialect, (status, body): &(u16, String)) -> Result<Told, String> {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let is_unsupported = body.contains("the store cannot do");
    let found = match dialect {
        Dialect::Grupo => match json["error_key"].as_str() {
            None if json["success"] == true => Some(Told::Done),
            Some("something_went_wrong") if is_unsupported => Some(Told::Done),
            Some("permission_denied") => Some(Told::Denied),
            Some("account_not_found" | "group_not_found") => Some(Told::Nobody),
            _ => None,
        },
        Dialect::Vision6 => match json["error"]["code"].as_i64() {
            None if json["error"].is_null() => Some(Told::Done),
            Some(302) => Some(Told::Done),
            Some(321) => Some(Told::Denied),
            Some(331) => Some(Told::Nobody),
            _ => None,
        },
        Dialect::B2evolution => match (*status, json["code"].as_str()) {
            (200 | 201, _) => Some(Told::Done),
            _ if is_unsupported => Some(Told::Done),
            (403, Some("no_access")) if body.contains("lacks the scope") => Some(Told::Denied),
            (404, Some("user_invalid_id")) | (403, Some("no_access")) => Some(Told::Nobody),
            _ => None,
        },
    };
    found.ok_or_else(|| format!("{status} {body}"))
}
