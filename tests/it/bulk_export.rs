//! What is exported comes in again as it was, and no secret comes out by accident.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use dragoman::auth::password::PasswordHash;
use dragoman::command::email::Email;
use dragoman::command::extension::Extension;
use dragoman::command::group::Group;
use dragoman::command::member::{BanEnd, Member, MemberRole};
use dragoman::command::name::{Slug, Username};
use dragoman::command::organization::Organization;
use dragoman::command::text::Text;
use dragoman::command::timezone::Timezone;
use dragoman::command::user::{Level, Role, Status, User};
use dragoman::command::{AccountId, Action, Dialect, Id};
use dragoman::store::Store;
use dragoman::store::bulk::{BulkStore, GroupRow, MemberRow, OtherIds, UserRow};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bulk_fixture::{Contents, done, import, open, run};
use crate::store_fixture::entry;

const HASH: &str = "evo$salted$salt$963e2232fa95666443f1ee9ffcdceda0";

fn text() -> impl Strategy<Value = Text> {
    let awkward = select(vec![
        "",
        "\\",
        "\\N",
        "\\\\",
        "\\x",
        "\"",
        ",",
        "\r",
        "\r\n",
        "\n",
        " ",
        "null",
        "=1+1",
        "\u{feff}",
        "\u{1f600}",
        "[{}]",
        "#",
        "'",
    ]);
    prop_oneof![
        awkward.prop_map(str::to_owned),
        "[^\0]{0,12}",
        "[a-z\\\\\",\r\n]{0,6}"
    ]
    .prop_map(|text| Text::parse(text).unwrap())
}

fn id() -> impl Strategy<Value = Id> {
    (1_i64..1 << 53).prop_map(|id| Id::new(id).unwrap())
}

fn hash() -> impl Strategy<Value = Option<PasswordHash>> {
    option::of(Just(PasswordHash::parse(HASH).unwrap()))
}

fn extensions() -> impl Strategy<Value = Vec<Extension>> {
    let key = (select(Dialect::ALL.to_vec()), text());
    btree_map(key, text(), 0..4).prop_map(|map| {
        let extension = |((dialect, field), value)| Extension {
            dialect,
            field,
            value,
        };
        map.into_iter().map(extension).collect()
    })
}

/// No two of one dialect may be the same, so each is that of the row.
fn other_ids(row: i64) -> impl Strategy<Value = OtherIds> {
    btree_map(
        select(Dialect::ALL.to_vec()),
        Just(Id::new(row + 1).unwrap()),
        0..=3,
    )
}

fn user(row: i64) -> impl Strategy<Value = UserRow> {
    let texts = vec(option::of(text()), 12);
    let organizations = vec((id(), option::of(text())), 0..3);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let zone = option::of(select(vec!["UTC", "Europe/Berlin"]));
    let rest = (hash(), extensions(), other_ids(row), organizations);
    let numbers = (
        select(Status::ALL.to_vec()),
        0_u8..=10,
        1_i64..=2,
        "[^\0-\u{9f}]{0,8}".prop_filter("no username", |name| {
            Username::parse(format!("{name}0")).is_some()
        }),
    );
    (texts, flags, zone, rest, numbers).prop_map(move |(texts, flags, zone, rest, numbers)| {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().flatten();
        let (hash, extensions, other_ids, organizations) = rest;
        let (status, level, account, name) = numbers;
        UserRow {
            keeps_id: true,
            user: User {
                id: Id::new(10 + row * 7).unwrap(),
                account: AccountId::new(Id::new(account).unwrap()),
                username: Username::parse(format!("{name}{row}")).unwrap(),
                display_name: text(),
                given_name: text(),
                family_name: text(),
                nickname: text(),
                gender: text(),
                locale: text(),
                email: flags
                    .0
                    .then(|| Email::parse(format!("u{row}@example.com")).unwrap()),
                email_verified: flags.1,
                status,
                level: Level::new(level).unwrap(),
                phone: text(),
                mobile: text(),
                fax: text(),
                title: text(),
                timezone: zone.and_then(Timezone::parse),
                picture_url: text(),
                read_only: flags.2,
                role: text().map(Role::new),
                organizations: organizations
                    .into_iter()
                    .map(|(id, role)| Organization { id, role })
                    .collect(),
                extensions,
            },
            hash,
            other_ids,
        }
    })
}

fn group(row: i64) -> impl Strategy<Value = GroupRow> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let texts = (text(), option::of(text()), option::of(text()));
    let rest = (
        hash(),
        extensions(),
        other_ids(row),
        option::of(id()),
        any::<bool>(),
    );
    (flags, texts, rest).prop_map(move |(flags, (name, description, icon_url), rest)| {
        let (hash, extensions, other_ids, category_id, has_slug) = rest;
        GroupRow {
            account: AccountId::new(Id::ONE),
            keeps_id: true,
            group: Group {
                id: Id::new(3 + row).unwrap(),
                name,
                slug: has_slug.then(|| Slug::parse(format!("Grüppe {row}")).unwrap()),
                description,
                category_id,
                secret: flags.0,
                unleavable: flags.1,
                pinned: flags.2,
                password_protected: flags.3,
                icon_url,
                extensions,
            },
            hash,
            other_ids,
        }
    })
}

fn ban() -> impl Strategy<Value = Option<BanEnd>> {
    let day = BanEnd::Until(Text::parse("2030-01-31").unwrap());
    select(vec![None, Some(BanEnd::Never), Some(day)])
}

fn members(users: &[UserRow], groups: &[GroupRow], bans: &[Option<BanEnd>]) -> Vec<MemberRow> {
    let in_first = users.iter().filter(|row| row.user.account.id() == Id::ONE);
    let pairs = groups.iter().flat_map(|group| {
        let user = |row: &UserRow| (group.group.id, row.user.id);
        in_first.clone().map(user).collect::<Vec<_>>()
    });
    pairs
        .zip(bans)
        .map(|((group, user), ban)| MemberRow {
            account: AccountId::new(Id::ONE),
            member: Member {
                user,
                group,
                role: ban.is_none().then_some(MemberRole(user)),
                ban: ban.clone(),
            },
        })
        .collect()
}

fn contents() -> impl Strategy<Value = Contents> {
    let users = (0..12).map(user).collect::<Vec<_>>();
    let groups = (0..3).map(group).collect::<Vec<_>>();
    (users, groups, vec(ban(), 20)).prop_map(|(users, groups, bans)| {
        let mut members = members(&users, &groups, &bans);
        members.sort_by_key(|row| (row.member.group, row.member.user));
        Contents {
            users,
            groups,
            members,
        }
    })
}

async fn fill(directory: &Path, contents: &Contents) {
    fs::create_dir(directory.join("data")).unwrap();
    let store = open(directory);
    let entry = || entry(Action::Native);
    let users: Arc<[_]> = contents.users.clone().into();
    let (verdicts, _) = store.import_users(users, None, entry()).await.unwrap();
    let groups = store.import_groups(contents.groups.clone().into(), entry());
    let groups = groups.await.unwrap();
    let members = store.import_members(contents.members.clone().into(), entry());
    let members = members.await.unwrap();
    store.close().await.unwrap();
    for verdict in verdicts.iter().chain(&groups).chain(&members) {
        assert_eq!(*verdict, dragoman::store::bulk::Verdict::Imported);
    }
    // The pepper that a store has is made with its first key.
    fs::write(directory.join("data/pepper"), [b'0'; 64]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn an_import_of_an_export_gives_the_same_store(contents in contents(), json in any::<bool>()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        runtime.block_on(fill(&from, &contents));
        let format = if json { "json" } else { "csv" };
        for noun in ["users", "groups", "members"] {
            let file = to.join(format!("{noun}.{format}"));
            let file = file.to_str().unwrap();
            done(&from, &[noun, "export", "--format", format, "--with-hashes", "--output", file]);
            let said = done(&to, &[noun, "import", file]);
            prop_assert!(said.contains("unchanged 0 refused 0"), "{}", said);
        }
        prop_assert_eq!(runtime.block_on(Contents::of(&to)), contents);
        // What is there already is left alone, line by line.
        for noun in ["users", "groups", "members"] {
            let said = done(&to, &[noun, "import", &format!("{noun}.{format}")]);
            prop_assert!(said.starts_with("imported 0 "), "{}", said);
        }
    }
}

fn one_user() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let csv = format!("id,account,username,password_hash\n7,1,ada,{HASH}\n8,2,bob,{HASH}\n");
    assert_eq!(import(directory.path(), "users", "u.csv", &csv).0, 0);
    directory
}

#[test]
fn hashes_come_out_only_when_asked_for_and_never_on_a_terminal() {
    let directory = one_user();
    let at = directory.path();
    for arguments in [
        &["users", "export"][..],
        &["users", "export", "--format", "json"],
        &["users", "list"],
        &["users", "list", "--json"],
        &["users", "get", "ada"],
    ] {
        let said = done(at, arguments);
        assert!(said.contains("ada"), "{said}");
        assert!(
            !said.contains("evo$") && !said.contains("password_hash"),
            "{said}"
        );
    }
    let said = done(at, &["users", "export", "--with-hashes"]);
    assert!(said.contains(HASH), "{said}");

    let command = format!(
        "{} users export --with-hashes",
        env!("CARGO_BIN_EXE_dragoman")
    );
    let on_a_terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(at)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(on_a_terminal.stdout).unwrap();
    assert_eq!(on_a_terminal.status.code(), Some(64), "{said}");
    assert!(
        said.contains("--output FILE") && !said.contains(HASH),
        "{said}"
    );
}

#[test]
fn a_file_is_new_and_for_its_owner_only() {
    let directory = one_user();
    let at = directory.path();
    let export = ["users", "export", "--output", "out.csv"];
    assert_eq!(done(at, &export), "");
    let metadata = fs::metadata(at.join("out.csv")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let (code, _, errors) = run(at, &export);
    assert!(
        code == 1 && errors.contains("cannot make the new file out.csv"),
        "{errors}"
    );
}

#[test]
fn an_account_is_exported_and_listed_alone() {
    let directory = one_user();
    let at = directory.path();
    let of_two = done(at, &["users", "export", "--account", "2"]);
    assert!(
        of_two.contains("bob") && !of_two.contains("ada"),
        "{of_two}"
    );
    let listed = done(at, &["users", "list", "--account", "1"]);
    assert!(
        listed.contains("ada") && !listed.contains("bob"),
        "{listed}"
    );
    let (code, _, errors) = run(at, &["users", "get", "bob"]);
    assert!(
        code == 1 && errors.contains("no user bob in account 1"),
        "{errors}"
    );
    assert!(done(at, &["users", "get", "bob", "--account", "2"]).contains("bob"));
}

#[test]
fn a_file_without_hashes_says_nothing_of_passwords() {
    let directory = one_user();
    let at = directory.path();
    fs::write(at.join("plain.csv"), done(at, &["users", "export"])).unwrap();
    let said = done(at, &["users", "import", "plain.csv"]);
    assert_eq!(said, "imported 0 unchanged 2 refused 0\n");
    assert!(done(at, &["users", "export", "--with-hashes"]).contains(HASH));
}

#[test]
fn looking_makes_no_store_and_what_is_not_there_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    assert_eq!(done(at, &["users", "list", "--json"]), "[]\n");
    assert_eq!(
        done(at, &["members", "export"]),
        "account,group_id,user_id,role,banned,ban_end\n"
    );
    assert_eq!(run(at, &["groups", "get", "staff"]).0, 1);
    assert_eq!(fs::read_dir(at).unwrap().count(), 0);
}

#[test]
fn attributes_without_end_are_no_table() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let fields: BTreeMap<_, _> = (0..1_001).map(|field| (format!("f{field}"), "x")).collect();
    let line = serde_json::json!({"username": "ada", "extensions": {"grupo": fields}});
    assert_eq!(import(at, "users", "u.json", &line.to_string()).0, 0);
    let (code, _, errors) = run(at, &["users", "export"]);
    assert!(
        code == 1 && errors.contains("use --format json"),
        "{errors}"
    );
    assert!(done(at, &["users", "export", "--format", "json"]).contains("f1000"));
}
