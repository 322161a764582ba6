//! Every field that Grupo's callers may send, written once and read again by whatever reads here:
//! Grupo itself has no operation for it.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bulk_fixture::{done, run, user};
use crate::process::{Served, curl};

const KEY: &str = "a-key-that-the-configuration-names";
const DONE: &str = r#"{"success":true}"#;
const CONFIGURATION: &str = r#"
[keys.site]
value = "a-key-that-the-configuration-names"
scopes = ["user:*", "group:*", "member:*", "user.role"]

[routes.chat]
dialect = "grupo"
roles = { "3" = "member", "4" = "banned", "banned_users" = "banned" }
group_roles = { "2" = "member", "3" = "moderator" }
group_categories = { "7" = "news", "8" = "sports" }

[routes.blog]
dialect = "b2evolution"
"#;

/// A gateway that chat clients talk to, and its directory.
struct Site {
    directory: TempDir,
    served: Served,
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("routes.toml"), CONFIGURATION).unwrap();
        let served = Served::start(directory.path());
        Self { directory, served }
    }

    fn call(&self, operation: &str, fields: &[(&str, &str)]) -> String {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.extend([operation.to_owned(), format!("api_secret_key={KEY}")]);
        let mut arguments: Vec<&str> = Vec::new();
        for pair in &pairs {
            arguments.extend(["--data-urlencode", pair]);
        }
        let url = format!("{}/api_request/", self.served.url);
        arguments.push(&url);
        curl(&arguments)
    }

    /// What the command line says, as JSON.
    fn read(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&done(self.directory.path(), arguments)).unwrap()
    }

    fn member(&self, user: &str) -> Value {
        self.read(&["members", "get", user, "crew"])
    }

    /// What b2evolution says to who signs in.
    fn sign_in(&self, login: &str, password: &str) -> String {
        let login = format!("{login}:{password}");
        curl(&["-u", &login, &format!("{}/api/v1/users/1", self.served.url)])
    }
}

/// Every field of `expected` is there as it is.
fn assert_holds(found: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(found.get(name), Some(value), "{name} of {found:#}");
    }
}

const NEW_USER: [(&str, &str); 17] = [
    ("full_name", "Ada Byron"),
    ("username", "Ada B"),
    ("email_address", "ada@example.com"),
    ("password", "analytical engine"),
    ("site_role", "3"),
    ("avatarURL", "//pictures.example.com/ada.png"),
    ("custom_field_1", "1815-12-10"),
    ("custom_field_2", "a & <b>"),
    ("phone_number", "+44 20 7946 0000"),
    ("disable_private_messages", "yes"),
    ("deactivate", "no"),
    ("timezone", "Europe/London"),
    ("requires_user_approval", "yes"),
    ("email_login_link", "no"),
    ("avatar", "default/3.png"),
    ("site_role_attribute", "moderators"),
    ("redirect", "/welcome"),
];

#[test]
fn every_field_of_a_user_is_readable_again() {
    let site = Site::new();
    let at = site.directory.path();
    assert_eq!(site.call("add=site_users", &NEW_USER), DONE);
    let made = user(at, "ada@example.com");
    assert_holds(
        &made,
        &json!({
            "username": "Ada-B",
            "display_name": "Ada Byron",
            "email": "ada@example.com",
            "status": "active",
            "phone": "+44 20 7946 0000",
            "timezone": "Europe/London",
            "picture_url": "//pictures.example.com/ada.png",
            "role": "member",
        }),
    );
    let kept = json!({
        "avatar": "default/3.png",
        "custom_field_1": "1815-12-10",
        "custom_field_2": "a & <b>",
        "disable_private_messages": "yes",
        "email_login_link": "no",
        "requires_user_approval": "yes",
        "site_role_attribute": "moderators",
    });
    assert_eq!(made["extensions"]["grupo"], kept, "{made:#}");
    let changed = [
        ("user", "Ada-B"),
        ("full_name", "Ada King"),
        ("username", "ada"),
        ("email_address", "king@example.com"),
        ("password", "difference engine"),
        ("site_role", "4"),
        ("avatarURL", ""),
        ("custom_field_1", "1852-11-27"),
        ("phone_number", "1"),
        ("approve_phone_number", "yes"),
        ("disable_private_messages", "no"),
        ("deactivate", "yes"),
        ("timezone", "Europe/Paris"),
        ("remove_custom_bg", "yes"),
        ("remove_cover_pic", "yes"),
    ];
    assert_eq!(site.call("update=site_users", &changed), DONE);
    let changed = user(at, "ada");
    assert_holds(
        &changed,
        &json!({
            "id": made["id"],
            "username": "ada",
            "display_name": "Ada King",
            "email": "king@example.com",
            "status": "deactivated",
            "phone": "1",
            "timezone": "Europe/Paris",
            "role": "banned",
        }),
    );
    assert_eq!(changed.get("picture_url"), None, "{changed:#}");
    let grupo = &changed["extensions"]["grupo"];
    assert_holds(
        grupo,
        &json!({
            "approve_phone_number": "yes",
            "avatar": "default/3.png",
            "custom_field_1": "1852-11-27",
            "custom_field_2": "a & <b>",
            "disable_private_messages": "no",
            "remove_cover_pic": "yes",
            "remove_custom_bg": "yes",
        }),
    );
    assert_eq!(grupo.get("redirect"), None, "{grupo:#}");
}

const NEW_GROUP: [(&str, &str); 20] = [
    ("group_name", "The crew"),
    ("description", "Who sails"),
    ("slug", "Crew"),
    ("group_icon_url", "https://pictures.example.com/crew.png"),
    ("custom_field_4", "Atlantic"),
    ("group_category_id", "7"),
    ("secret_group", "yes"),
    ("unleavable", "yes"),
    ("pin_group", "yes"),
    ("password_protect", "yes"),
    ("password", "shanty"),
    ("auto_join_group", "yes"),
    ("group_order", "3"),
    ("video_chat", "enable"),
    ("audio_chat", "enable"),
    ("who_all_can_send_messages[]", "2"),
    ("who_all_can_send_messages[]", "3"),
    ("default_group_role", "2"),
    ("meta_title", "Crew"),
    ("meta_description", "All of it"),
];

#[test]
fn every_field_of_a_group_is_readable_again_and_its_password_is_a_hash() {
    let site = Site::new();
    let made = site.call("add=groups", &NEW_GROUP);
    assert_eq!(made, r#"{"success":true,"group_id":"1"}"#);
    let made = site.read(&["groups", "get", "crew"]);
    assert_holds(
        &made,
        &json!({
            "name": "The crew",
            "slug": "Crew",
            "description": "Who sails",
            "category_id": 7,
            "secret": true,
            "unleavable": true,
            "pinned": true,
            "password_protected": true,
            "icon_url": "https://pictures.example.com/crew.png",
        }),
    );
    let kept = json!({
        "audio_chat": "enable",
        "auto_join_group": "yes",
        "custom_field_4": "Atlantic",
        "default_group_role": "2",
        "group_order": "3",
        "meta_description": "All of it",
        "meta_title": "Crew",
        "video_chat": "enable",
        "who_all_can_send_messages[]": r#"["2","3"]"#,
    });
    assert_eq!(made["extensions"]["grupo"], kept, "{made:#}");
    assert!(hash_of_crew(&site).starts_with("$argon2id$"));
    let changed = [
        ("group", "crew"),
        ("group_name", "All hands"),
        ("description", ""),
        ("slug", "hands"),
        ("group_icon_url", "/hands.png"),
        ("custom_field_4", "Pacific"),
        ("group_category_id", "8"),
        ("secret_group", "no"),
        ("unleavable", "no"),
        ("pin_group", "no"),
        ("password_protect", "no"),
        ("password", "not set, since it is not protected"),
        ("remove_custom_bg", "yes"),
    ];
    assert_eq!(site.call("update=groups", &changed), DONE);
    let changed = site.read(&["groups", "get", "hands"]);
    assert_holds(
        &changed,
        &json!({
            "name": "All hands",
            "slug": "hands",
            "category_id": 8,
            "secret": false,
            "unleavable": false,
            "pinned": false,
            "password_protected": false,
            "icon_url": "/hands.png",
        }),
    );
    assert_eq!(changed.get("description"), None, "{changed:#}");
    let grupo = &changed["extensions"]["grupo"];
    assert_holds(
        grupo,
        &json!({"custom_field_4": "Pacific", "meta_title": "Crew", "remove_custom_bg": "yes"}),
    );
    assert_eq!(hash_of_crew(&site), "", "no password is left behind");
}

/// The hash of the only group's password; empty if it has none.
fn hash_of_crew(site: &Site) -> String {
    let at = site.directory.path();
    let file = at.join("groups.json");
    let name = file.to_str().unwrap();
    let export = ["groups", "export", "--with-hashes", "--format", "json"];
    done(at, &[&export[..], &["--output", name]].concat());
    let exported: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    fs::remove_file(&file).unwrap();
    let hash = exported[0].get("password_hash").and_then(Value::as_str);
    hash.unwrap_or_default().to_owned()
}

#[test]
fn roles_and_bans_in_a_group_are_readable_again_and_a_ban_stays_until_it_is_lifted() {
    let site = Site::new();
    assert_eq!(site.call("add=site_users", &NEW_USER), DONE);
    site.call("add=groups", &NEW_GROUP);
    let listed = site.read(&["members", "list", "--json"]);
    assert_eq!(listed, json!([]), "nobody joins by a flag");
    let at_crew = [("user", "Ada-B"), ("group", "crew")];
    let with = |more: &[(&'static str, &'static str)]| [&at_crew[..], more].concat();
    let id = user(site.directory.path(), "Ada-B")["id"].to_string();
    let of_crew = |field| [(field, id.as_str()), ("group", "crew")];

    assert_eq!(
        site.call("add=group_members", &with(&[("group_role", "2")])),
        DONE
    );
    assert_holds(&site.member(&id), &json!({"role": 2, "banned": false}));
    let moderator = with(&[("group_role_id", "3")]);
    assert_eq!(site.call("update=group_user_role", &moderator), DONE);
    assert_holds(&site.member(&id), &json!({"role": 3, "banned": false}));

    let until = [
        &of_crew("temporary_ban_user_id")[..],
        &[("ban_till", "2020-02-29")],
    ]
    .concat();
    assert_eq!(site.call("update=group_user_role", &until), DONE);
    let until = json!({"role": 3, "banned": true, "ban_end": "2020-02-29"});
    assert_holds(&site.member(&id), &until);
    assert_eq!(site.call("add=group_members", &at_crew), DONE);
    assert_holds(&site.member(&id), &until);
    let member = with(&[("group_role", "2")]);
    assert_eq!(site.call("update=group_user_role", &member), DONE);
    assert_holds(&site.member(&id), &json!({"role": 2, "banned": true}));

    assert_eq!(
        site.call("update=group_user_role", &of_crew("ban_user_id")),
        DONE
    );
    let for_good = site.member(&id);
    assert_holds(&for_good, &json!({"role": 2, "banned": true}));
    assert_eq!(for_good.get("ban_end"), None, "{for_good:#}");
    assert_eq!(
        site.call("update=group_user_role", &of_crew("unban_user_id")),
        DONE
    );
    assert_holds(&site.member(&id), &json!({"role": 2, "banned": false}));
    assert_eq!(site.call("remove=group_members", &at_crew), DONE);
    let (code, _, _) = run(
        site.directory.path(),
        &["members", "get", id.as_str(), "crew"],
    );
    assert_eq!(code, 1);
}

#[test]
fn who_is_banned_from_the_site_or_deactivated_may_not_sign_in_until_that_is_lifted() {
    let site = Site::new();
    assert_eq!(site.call("add=site_users", &NEW_USER), DONE);
    let sign_in = || site.sign_in("Ada-B", "analytical engine");
    assert!(sign_in().contains(r#""login":"#), "{}", sign_in());
    for (field, refused, lifted) in [
        ("site_role_attribute", "banned_users", ""),
        ("site_role", "4", "3"),
        ("deactivate", "yes", "no"),
    ] {
        let refuse = [("user", "Ada-B"), (field, refused)];
        assert_eq!(site.call("update=site_users", &refuse), DONE);
        assert!(
            sign_in().contains(r#""code":"closed_account""#),
            "{field}: {}",
            sign_in()
        );
        let lift = match lifted {
            "" => [("user", "Ada-B"), ("site_role", "3")],
            value => [("user", "Ada-B"), (field, value)],
        };
        assert_eq!(site.call("update=site_users", &lift), DONE);
        assert!(sign_in().contains(r#""login":"#), "{field}: {}", sign_in());
    }
}
