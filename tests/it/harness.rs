//! The assembled gateway over a store with known contents, without sockets.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dragoman::auth::api_key::Pepper;
use dragoman::auth::keys::{Key, KeyRing};
use dragoman::auth::password::{PasswordHash, PasswordHasherPool};
use dragoman::auth::scope::{Scope, Scopes};
use dragoman::auth::sign_in;
use dragoman::clock::{Clock, Timestamp};
use dragoman::command::email::Email;
use dragoman::command::group::{GroupChange, GroupRef};
use dragoman::command::member::Membership;
use dragoman::command::name::{Slug, Username};
use dragoman::command::text::Text;
use dragoman::command::timezone::Timezone;
use dragoman::command::user::{Level, Role, Status, UserChange, UserRef};
use dragoman::command::{AccountId, Action, Dialect, Edit, Id};
use dragoman::config::{self, Sources};
use dragoman::forward::Upstreams;
use dragoman::forward::pass::Sites;
use dragoman::journal::Entry;
use dragoman::route::{Policy, Route};
use dragoman::secret::Secret;
use dragoman::stack;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{MemberChange, Store};
use http::Request;
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::store_fixture::seal;

/// Every scope but native ones, any account.
pub(crate) const FULL_KEY: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// `user:read`, any account.
pub(crate) const READ_KEY: &str =
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
/// What a key made without scopes may do, any account.
pub(crate) const WRITE_KEY: &str =
    "00001111222233334444555566667777000011112222333344445555666677ff";
/// `user:delete`, any account.
pub(crate) const DELETE_KEY: &str =
    "9999888877776666555544443333222299998888777766665555444433332200";
/// Every scope but native ones, account 1 only.
pub(crate) const ACCOUNT_KEY: &str =
    "aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd";

/// The time it is, always.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Whether goldens are written instead of compared.
pub(crate) fn writes_goldens() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is no configuration of the product"
    )]
    std::env::var("GOLDEN").is_ok_and(|value| value == "write")
}

/// The shipped routes, with options such as `key_in_query = true` in each that knows them. What is no
/// such option is one of a Grupo route if it begins with `group_`, else of a b2evolution route, as
/// its section has it.
pub(crate) fn routes(options: &str) -> Vec<Route> {
    let mut routes = config::load(&Sources::new(None).in_directory("/nonexistent"))
        .unwrap()
        .routes;
    let (mut groups, mut profile) = (String::new(), String::new());
    for option in options.lines() {
        match option {
            "key_in_query = true" => routes
                .iter_mut()
                .for_each(|route| route.policy.key_in_query = true),
            "anonymous = true" => routes
                .iter_mut()
                .for_each(|route| route.policy.anonymous = true),
            group if group.starts_with("group_") => groups.extend([group, "\n"]),
            other => profile.extend([other, "\n"]),
        }
    }
    let groups = policy(Dialect::Grupo, &groups);
    let profile = policy(Dialect::B2evolution, &profile).profile;
    for route in &mut routes {
        route.policy.group_roles = groups.group_roles.clone();
        route.policy.group_categories = groups.group_categories.clone();
        route.policy.profile = profile.clone();
    }
    routes
}

/// The policy of a route with that section.
fn policy(dialect: Dialect, section: &str) -> Policy {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let text = format!("[routes.{dialect}]\ndialect = \"{dialect}\"\n{section}");
    fs::write(&file, text).unwrap();
    let loaded = config::load(&Sources::new(Some(file)));
    let mut config = loaded.unwrap_or_else(|faults| panic!("{faults}"));
    config.routes.remove(0).policy
}

/// A gateway in memory, its store in a directory of its own.
pub(crate) struct Gateway {
    pub(crate) service: stack::Gateway<Full<Bytes>>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) keys: Arc<KeyRing>,
    directory: TempDir,
}

impl Gateway {
    /// The store's file as another program sees it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.directory.path().join("db")).unwrap()
    }

    /// What is answered, body and all.
    pub(crate) async fn answer(&self, request: Request<Bytes>) -> (http::StatusCode, String) {
        let response = self.service.clone().oneshot(request.map(Full::new)).await;
        let (head, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The file of its store.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("db")
    }
}

/// A closed database file to copy: hashing the passwords of the seed takes its time.
pub(crate) struct Seed {
    directory: TempDir,
}

impl Seed {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        fill(&store).await;
        store.close().await.unwrap();
        Self { directory }
    }

    /// The users of the server whose answers were recorded, all with one password.
    pub(crate) async fn recorder() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        fill_as_recorded(&store).await;
        store.close().await.unwrap();
        Self { directory }
    }

    pub(crate) fn gateway(&self, routes: Vec<Route>) -> Gateway {
        let keys = [
            key("full", FULL_KEY, Scopes::full(), &[]),
            key(
                "read",
                READ_KEY,
                Scopes::new([Scope::parse("user:read").unwrap()]),
                &[],
            ),
            key("write", WRITE_KEY, Scopes::default(), &[]),
            key(
                "delete",
                DELETE_KEY,
                Scopes::new([Scope::parse("user:delete").unwrap()]),
                &[],
            ),
            key("account-1", ACCOUNT_KEY, Scopes::full(), &[account(1)]),
        ];
        self.gateway_with(routes, keys.into())
    }

    pub(crate) fn gateway_with(&self, routes: Vec<Route>, keys: Vec<Key>) -> Gateway {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(
            self.directory.path().join("db"),
            directory.path().join("db"),
        )
        .unwrap();
        let store = Arc::new(open(directory.path()));
        let keys = Arc::new(KeyRing::new(pepper(), keys));
        let service = stack::gateway(stack::Parts {
            routes,
            beside: Vec::new(),
            sites: Sites::new([]).unwrap(),
            trusted_proxies: Vec::new(),
            store: Some(Arc::<SqliteStore>::clone(&store)),
            forward: stack::forward(
                Upstreams::new(Vec::new()).unwrap(),
                None,
                Clock::fixed(NOW, 0xab),
            ),
            keys: Arc::clone(&keys),
            account: account(1),
            body_budget: 64 << 20,
            sign_in: sign_in::Parameters::default(),
            hashes_at_once: 1,
            tap: None,
            notifies: false,
            clock: Clock::fixed(NOW, 0xab),
        });
        Gateway {
            service,
            store,
            keys,
            directory,
        }
    }
}

fn open(directory: &Path) -> SqliteStore {
    let parameters = Parameters {
        readers: 1,
        reserved_names: vec!["root".to_owned(), "support".to_owned()],
        ..Parameters::default()
    };
    SqliteStore::open(&directory.join("db"), &parameters, seal()).unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(&[7; 32])
}

pub(crate) fn key(name: &str, secret: &str, scopes: Scopes, accounts: &[AccountId]) -> Key {
    Key {
        name: name.to_owned(),
        digest: pepper().digest(&Secret::from(secret)),
        scopes,
        accounts: accounts.to_vec(),
        routes: Vec::new(),
        expires_at: None,
    }
}

pub(crate) fn account(number: i64) -> AccountId {
    AccountId::new(Id::new(number).unwrap())
}

pub(crate) fn entry(account_number: i64) -> Entry {
    Entry {
        at: NOW,
        principal: "seed".to_owned(),
        action: Action::CreateUser.into(),
        account: account(account_number),
        source: None,
        route: None,
        request_id: String::new(),
        not_done: None,
        event: None,
        tries: None,
        once: None,
    }
}

fn text(text: &str) -> Edit<Text> {
    Edit::Set(Text::parse(text).unwrap())
}

fn user(username: &str) -> UserChange {
    UserChange {
        username: Username::parse(username),
        ..UserChange::default()
    }
}

fn with_email(username: &str) -> UserChange {
    UserChange {
        email: Email::parse(format!("{username}@example.com")),
        ..user(username)
    }
}

/// Users 1 to 4 and two groups in account 1; users 11 to 13 in account 123456.
async fn fill(store: &SqliteStore) {
    let passwords = PasswordHasherPool::new(1);
    let mut hashes: Vec<Option<PasswordHash>> = Vec::new();
    for password in ["Adm1nPass!x", "MaryPass1", "DavePass1"] {
        hashes.push(Some(passwords.hash(Secret::from(password)).await.unwrap()));
    }
    hashes.push(None);
    let role = Role::new(Text::parse(Role::ADMINISTRATOR).unwrap());
    let users = [
        UserChange {
            given_name: text("Johnny"),
            family_name: text("Admin"),
            role: Edit::Set(role),
            level: Level::new(10),
            ..with_email("admin")
        },
        UserChange {
            given_name: text("Mary"),
            family_name: text("Wilson"),
            level: Level::new(1),
            ..with_email("mary")
        },
        UserChange {
            status: Some(Status::Closed),
            ..with_email("dave")
        },
        user("paul"),
    ];
    for (change, hash) in users.into_iter().zip(hashes) {
        store.create_user(change, hash, entry(1)).await.unwrap();
    }
    fill_groups(store).await;
    fill_other_account(store).await;
}

/// Users 1 to 10 in account 1; 6 is closed, 1 an administrator.
async fn fill_as_recorded(store: &SqliteStore) {
    let password = Secret::from("Adm1nPass!x");
    let hash = PasswordHasherPool::new(1).hash(password).await.unwrap();
    let names = [
        "admin", "mary", "jay", "dave", "paul", "larry", "kate", "eight", "nine", "ten",
    ];
    for name in names {
        let administrator = Role::new(Text::parse(Role::ADMINISTRATOR).unwrap());
        let change = UserChange {
            email: Email::parse(format!("{name}@example.test")),
            given_name: text(name),
            family_name: text("Recorded"),
            gender: text("M"),
            picture_url: text("/picture.jpg"),
            role: if name == "admin" {
                Edit::Set(administrator)
            } else {
                Edit::Keep
            },
            status: (name == "larry").then_some(Status::Closed),
            ..user(name)
        };
        store
            .create_user(change, Some(hash.clone()), entry(1))
            .await
            .unwrap();
    }
}

async fn fill_groups(store: &SqliteStore) {
    for (name, slug) in [("Staff", "staff"), ("Lounge", "lounge")] {
        let change = GroupChange {
            name: Some(Text::parse(name).unwrap()),
            slug: Slug::parse(slug),
            ..GroupChange::default()
        };
        store.create_group(change, None, entry(1)).await.unwrap();
    }
    let mary = Membership {
        user: UserRef::Username(Username::parse("mary").unwrap()),
        group: GroupRef::Slug(Slug::parse("staff").unwrap()),
    };
    store
        .change_member(mary, MemberChange::Add(None), entry(1))
        .await
        .unwrap();
}

async fn fill_other_account(store: &SqliteStore) {
    for number in 5..=10 {
        let filler = user(&format!("filler{number}"));
        store.create_user(filler, None, entry(99)).await.unwrap();
    }
    let users = [
        UserChange {
            given_name: text("Vera"),
            family_name: text("Stone"),
            phone: text("+61 7 3000 0000"),
            timezone: Edit::Set(Timezone::parse("Australia/Brisbane").unwrap()),
            email_verified: Some(true),
            ..with_email("vera")
        },
        UserChange {
            read_only: Some(true),
            ..with_email("otto")
        },
        UserChange {
            status: Some(Status::Deactivated),
            ..user("nina")
        },
    ];
    for change in users {
        store
            .create_user(change, None, entry(123_456))
            .await
            .unwrap();
    }
}
