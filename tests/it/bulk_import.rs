//! `dragoman users import`, `groups import` and `members import`, as a shell sees them.

use std::fs;

use serde_json::json;

use crate::bulk_fixture::{done, dragoman, import, number, run, user};
use crate::process::Served;

#[test]
fn every_column_of_a_user_is_kept_in_either_format() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let csv = "\u{feff}id,account,username,password_hash,display_name,given_name,family_name,nickname,gender,locale,email,email_verified,status,level,phone,mobile,fax,title,timezone,picture_url,read_only,role,organizations,id.grupo,id.vision6,id.b2evolution,x.grupo.custom_field_1,x.vision6.promo,x.b2evolution.a.b\n\
        7,3,ada,evo$md5$963e2232fa95666443f1ee9ffcdceda0,Ada L.,Ada,Lovelace,al,F,en-GB,Ada@example.com,1,deactivated,9,1,2,3,Countess,europe/london,https://example.com/a.png,true,editor,\"[{\"\"id\"\":3,\"\"role\"\":\"\"Ed\"\"},{\"\"id\"\":1}]\",17,18,19,\" a,\"\"b\"\"\nc \",\\,\\\\x\n";
    let (code, said, errors) = import(at, "users", "u.csv", csv);
    assert_eq!(
        (code, said.as_str()),
        (0, "imported 1 unchanged 0 refused 0\n"),
        "{errors}"
    );
    let object = json!({
        "id": 7, "account": 3, "username": "ada", "display_name": "Ada L.", "given_name": "Ada",
        "family_name": "Lovelace", "nickname": "al", "gender": "F", "locale": "en-GB",
        "email": "Ada@example.com", "email_verified": true, "status": "deactivated", "level": 9,
        "phone": "1", "mobile": "2", "fax": "3", "title": "Countess", "timezone": "Europe/London",
        "picture_url": "https://example.com/a.png", "read_only": true, "role": "editor",
        "organizations": [{"id": 3, "role": "Ed"}, {"id": 1}],
        "ids": {"grupo": 17, "vision6": 18, "b2evolution": 19},
        "extensions": {
            "grupo": {"custom_field_1": " a,\"b\"\nc "},
            "vision6": {"promo": ""},
            "b2evolution": {"a.b": "\\x"},
        },
    });
    let get = ["users", "get", "7", "--account", "3"];
    let stored: serde_json::Value = serde_json::from_str(&done(at, &get)).unwrap();
    assert_eq!(stored, object);

    // The same line as JSON, as a list and as lines, is the same user.
    let mut line = object;
    line["password_hash"] = "evo$md5$963e2232fa95666443f1ee9ffcdceda0".into();
    for (name, text) in [
        ("u.json", format!("\u{feff} [\n{line} ]\n")),
        ("u.jsonl", format!("{line}\n\n{line}")),
    ] {
        let (code, said, errors) = import(at, "users", name, &text);
        assert!(
            code == 0 && said.starts_with("imported 0 "),
            "{said}{errors}"
        );
    }
}

#[test]
fn ids_are_kept_and_the_next_free_one_follows() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let csv = "id,username\n500,ada\n7,bob\n,carl\n";
    assert_eq!(import(at, "users", "u.csv", csv).0, 0);
    assert_eq!(user(at, "ada")["id"], 500);
    assert_eq!(user(at, "bob")["id"], 7);
    assert_eq!(user(at, "carl")["id"], 501);
    let csv = "id,name,slug\n40,Staff,staff\n,Lounge,\n";
    assert_eq!(import(at, "groups", "g.csv", csv).0, 0);
    let lounge = done(at, &["groups", "get", "41"]);
    assert!(lounge.contains("Lounge"), "{lounge}");
    assert_eq!(
        number(
            at,
            "SELECT count(*) FROM audit WHERE action = 'user.import'"
        ),
        3
    );
    assert_eq!(
        number(
            at,
            "SELECT count(*) FROM audit WHERE action = 'group.import'"
        ),
        2
    );
}

#[test]
fn what_a_column_cannot_hold_is_refused_by_line_and_column_and_the_rest_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let cases = [
        ("id", "0", "whole number"),
        ("id", "9007199254740992", "at most 9007199254740991"),
        ("account", "x", "whole number"),
        ("username", "", "missing"),
        ("username", "\u{1}", "control or invisible"),
        ("username", "ev\u{200b}e", "control or invisible"),
        ("username", "eve ", "end with a blank"),
        ("password_hash", "hunter2hunter2", "is no hash"),
        ("password_hash", "$2y$04$short", "cut off"),
        ("display_name", "\0", "NUL"),
        ("email", "not an address", "e-mail address"),
        ("email", "e\u{a0}ve@example.com", "e-mail address"),
        ("email", "e\u{202e}ve@example.com", "e-mail address"),
        ("email_verified", "yes", "true or false"),
        ("status", "sleeping", "unconfirmed, active"),
        ("level", "11", "0 to 10"),
        ("timezone", "Mars/Olympus", "time zone database"),
        ("organizations", "3", "JSON list"),
        ("organizations", "[{\"id\":0}]", "JSON list"),
        ("organizations", "[{\"id\":1,\"rank\":2}]", "JSON list"),
        ("id.grupo", "-1", "whole number"),
        ("nickname", "\\x", "backslash"),
    ];
    for (column, value, reason) in cases {
        let text = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
        let (names, cells) = match column {
            "username" => ("username,fax".to_owned(), format!("{},", text(value))),
            _ => (format!("username,{column}"), format!("eve,{}", text(value))),
        };
        let csv = format!("{names}\ngood,\n{cells}\n");
        let (code, said, errors) = import(at, "users", "u.csv", &csv);
        assert_eq!(code, 1, "{csv}: {said}{errors}");
        assert!(said.contains("refused 1"), "{csv}: {said}");
        assert!(
            errors.contains(&format!("line 3: {column} ")),
            "{csv}: {errors}"
        );
        assert!(errors.contains(reason), "{csv}: {errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    assert_eq!(number(at, "SELECT count(*) FROM users"), 1);
}

#[test]
fn what_another_one_has_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    import(at, "groups", "g.csv", "id,name,slug\n1,Staff,staff\n");
    import(
        at,
        "users",
        "u.csv",
        "id,username,email,id.grupo\n5,ada,ada@example.com,17\n4,bob@example.com,,\n",
    );
    let cases = [
        ("5,eve,,", "id belongs to user 5, where username"),
        ("6,ADA,,", "username belongs to user 5, where id, username"),
        (",ada,,", "username belongs to user 5, where email"),
        ("6,staff,,", "username is the slug of a group"),
        ("6,eve,ADA@example.com,", "email is taken"),
        (
            "6,Ada@Example.com,,",
            "username is the slug of a group, or the e-mail address of another user",
        ),
        (
            "6,eve,Bob@example.com,",
            "email is taken by another user, as an address or a username",
        ),
        ("6,eve,,17", "id.grupo is taken"),
    ];
    for (line, reason) in cases {
        let csv = format!("id,username,email,id.grupo\n{line}\n");
        let (code, said, errors) = import(at, "users", "u.csv", &csv);
        assert!(code == 1 && said.contains("refused 1"), "{line}: {said}");
        assert!(errors.contains(reason), "{line}: {errors}");
    }
    // In another account the same names and addresses are others'; an id is an id.
    let csv = "id,account,username,email,id.grupo\n6,2,ada,ada@example.com,17\n5,2,eve,,\n";
    let (_, said, errors) = import(at, "users", "u.csv", csv);
    assert!(said.contains("imported 1 unchanged 0 refused 1"), "{said}");
    assert!(
        errors.contains("belongs to user 5, where account"),
        "{errors}"
    );

    for (line, reason) in [
        ("1,Other,", "id belongs to group 1, where name, slug"),
        ("2,Other,STAFF", "slug belongs to group 1, where id"),
        ("2,Other,ada", "slug is taken by another group or a user"),
        ("2,Other,a/b", "slug must be"),
    ] {
        let (code, _, errors) = import(at, "groups", "g.csv", &format!("id,name,slug\n{line}\n"));
        assert!(code == 1 && errors.contains(reason), "{line}: {errors}");
    }
}

#[test]
fn a_membership_needs_both_and_a_ban_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    import(at, "groups", "g.csv", "id,name,slug\n1,Staff,staff\n");
    import(at, "users", "u.csv", "id,username\n5,ada\n6,bob\n7,carl\n");
    let head = "group_id,user_id,role,banned,ban_end\n";
    let good = format!("{head}1,5,2,0,\n1,6,,1,\n1,7,,true,2030-01-31\n");
    let (code, said, _) = import(at, "members", "m.csv", &good);
    assert_eq!(
        (code, said.as_str()),
        (0, "imported 3 unchanged 0 refused 0\n")
    );
    let (code, said, _) = import(at, "members", "m.csv", &good);
    assert_eq!(
        (code, said.as_str()),
        (0, "imported 0 unchanged 3 refused 0\n")
    );
    let carl = done(at, &["members", "get", "carl", "staff"]);
    assert!(carl.contains("\"ban_end\": \"2030-01-31\""), "{carl}");
    for (line, reason) in [
        ("1,9,,0,", "user_id is no user of account 1"),
        ("9,5,,0,", "group_id is no group of account 1"),
        ("1,,,0,", "user_id is missing"),
        ("1,5,3,0,", "a member, where role differs"),
        ("1,6,,0,", "a member, where the ban differs"),
        ("1,5,2,0,2030-01-31", "ban_end is there without banned"),
        ("1,5,2,1,31.1.2030", "ban_end must be a date"),
    ] {
        let (code, _, errors) = import(at, "members", "m.csv", &format!("{head}{line}\n"));
        assert!(code == 1 && errors.contains(reason), "{line}: {errors}");
    }
}

#[test]
fn a_file_that_is_wrong_as_a_whole_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (name, text, reason) in [
        ("u.csv", "", "the file is empty"),
        ("u.csv", "username,colour\nada,red\n", "\"colour\""),
        ("u.csv", "username,x.scim.a\nada,red\n", "\"x.scim.a\""),
        ("u.csv", "username,username\nada,ada\n", "twice"),
        ("u.txt", "username\nada\n", "add --format"),
    ] {
        let (code, _, errors) = import(at, "users", name, text);
        assert!(code == 64 && errors.contains(reason), "{text}: {errors}");
    }
    let (code, _, errors) = import(at, "members", "m.csv", "group_id,user_id,id.grupo\n");
    assert!(code == 64 && errors.contains("id.grupo"), "{errors}");
    let (code, _, errors) = run(at, &["users", "import", "nowhere.csv"]);
    assert!(code == 1 && errors.contains("nowhere.csv"), "{errors}");
    assert!(!at.join("data").exists());
    fs::write(at.join("u.txt"), "username\nada\n").unwrap();
    done(at, &["users", "import", "u.txt", "--format", "csv"]);
}

#[test]
fn a_line_that_cannot_be_read_does_not_hide_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let mut csv = b"username,fax\nada,1\nbob\ncarl,\xff\ndora,2\n".to_vec();
    fs::write(at.join("u.csv"), &csv).unwrap();
    let (code, said, errors) = run(at, &["users", "import", "u.csv"]);
    assert_eq!(
        (code, said.as_str()),
        (1, "imported 2 unchanged 0 refused 2\n")
    );
    assert!(
        errors.contains("line 3: has 1 cells where the first line has 2"),
        "{errors}"
    );
    assert!(errors.contains("line 4: fax is not UTF-8"), "{errors}");

    let json = "[\n{\"username\":\"eve\"},\n{\"username\":},\n{\"username\":\"fay\",\"colour\":1},\n{\"username\":\"gus\",\"username\":\"gus\"},\n{\"username\":\"hal\",\"phone\":[1]},\n{\"username\":\"ida\",\"extensions\":3},\n{\"username\":\"joe\"}]";
    let (code, said, errors) = import(at, "users", "u.json", json);
    assert_eq!(
        (code, said.as_str()),
        (1, "imported 2 unchanged 0 refused 5\n")
    );
    for said in [
        "line 3: is no JSON",
        "line 4: colour means nothing here",
        "line 5: username is there twice",
        "line 6: phone must be a text",
        "line 7: extensions must be an object",
    ] {
        assert!(errors.contains(said), "{said}: {errors}");
    }

    // A quote that is not closed ends the file, and does not bring all of it into memory.
    csv = b"username,fax\nkim,1\nleo,\"".to_vec();
    csv.resize(40 << 20, b'x');
    fs::write(at.join("u.csv"), &csv).unwrap();
    let (code, _, errors) = run(at, &["users", "import", "u.csv"]);
    assert!(
        code == 1 && errors.contains("a quote may not be closed"),
        "{errors}"
    );
    for json in [
        "[{\"username\":\"kim\"}",
        "[{\"username\":\"kim\"} {",
        "[{\"username\":\"kim\"}]]",
        "{\"username\":\"kim\"",
        "[,]",
        "7",
    ] {
        let (code, _, errors) = import(at, "users", "u.json", json);
        assert!(code == 1 && errors.contains("line 1: "), "{json}: {errors}");
    }
}

#[test]
fn a_dry_run_says_the_same_and_stores_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    // Both lines with the name of one are seen, though neither is stored.
    fs::write(at.join("u.csv"), "id,username\n1,ada\n2,ada\n").unwrap();
    let dry_run = ["users", "import", "u.csv", "--dry-run"];
    let (code, said, errors) = run(at, &dry_run);
    assert_eq!(code, 1);
    assert_eq!(
        said,
        "imported 1 unchanged 0 refused 1 (dry run: nothing was stored)\n"
    );
    assert!(
        errors.contains("line 3: username belongs to user 1"),
        "{errors}"
    );
    assert!(!at.join("data").exists());

    import(at, "users", "v.csv", "id,username\n1,ada\n");
    let (_, said, _) = run(at, &dry_run);
    assert_eq!(
        said,
        "imported 0 unchanged 1 refused 1 (dry run: nothing was stored)\n"
    );
    assert_eq!(number(at, "SELECT count(*) FROM users"), 1);
    let left: Vec<_> = fs::read_dir(at.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("dry-run"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_report_has_every_refused_line_and_the_terminal_the_first_ones() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let mut csv = "username,level\n".to_owned();
    for number in 0..1_200 {
        csv.extend([format!(
            "user{number},{}\n",
            if number % 2 == 0 { 1 } else { 99 }
        )]);
    }
    fs::write(at.join("u.csv"), csv).unwrap();
    let arguments = ["users", "import", "u.csv", "--report", "r.csv"];
    let (code, said, errors) = run(at, &arguments);
    assert_eq!(
        (code, said.as_str()),
        (1, "imported 600 unchanged 0 refused 600\n")
    );
    assert!(
        errors.contains("580 more faults are not shown; the report has all"),
        "{errors}"
    );
    let report = fs::read_to_string(at.join("r.csv")).unwrap();
    assert_eq!(report.lines().count(), 601);
    assert!(
        report.starts_with("line,field,reason\n3,level,\"must be a whole number, 0 to 10\"\n"),
        "{report}"
    );
}

/// A store after its first start, with the administrator as user 1.
fn first_start() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    Served::start(directory.path()).stop();
    assert_eq!(user(directory.path(), "admin")["id"], 1);
    directory
}

fn take_over(directory: &tempfile::TempDir, csv: &str) -> (i32, String, String) {
    fs::write(directory.path().join("u.csv"), csv).unwrap();
    let arguments = ["users", "import", "u.csv", "--take-over", "admin"];
    run(directory.path(), &arguments)
}

#[test]
fn the_first_administrator_is_refused_to_a_file_and_given_to_one_that_may_take_it_over() {
    for csv in [
        "id,username,role,fax\n1,admin,administrator,1\n2,bob,,\n",
        "id,username,role,fax\n57,admin,administrator,1\n1,bob,,\n",
        "id,username,role,fax\n1,bob,administrator,1\n57,admin,,\n",
        "username,role,fax\nbob,,\nadmin,administrator,1\n",
    ] {
        let directory = first_start();
        let at = directory.path();
        fs::write(at.join("u.csv"), csv).unwrap();
        let (code, refused, errors) = run(at, &["users", "import", "u.csv"]);
        assert!(
            code == 1 && !refused.contains("refused 0"),
            "{csv}: {refused}"
        );
        assert!(errors.contains("belongs to user 1"), "{csv}: {errors}");

        let directory = first_start();
        let at = directory.path();
        let (code, stored, errors) = take_over(&directory, csv);
        assert_eq!((code, errors.as_str()), (0, ""), "{csv}: {stored}");
        let said = "imported 1 taken over 1 unchanged 0 refused 0\n";
        assert_eq!(stored, said, "{csv}");
        assert_eq!(number(at, "SELECT count(*) FROM users"), 2);
        // Its password went with it.
        let hashes = "SELECT count(*) FROM users WHERE password_hash IS NOT NULL";
        assert_eq!(number(at, hashes), 0);
        assert_eq!(
            number(
                at,
                "SELECT count(*) FROM audit WHERE action = 'user.delete'"
            ),
            1
        );

        // Once more, as after an interruption: nobody is taken over again.
        let (code, again, _) = take_over(&directory, csv);
        assert_eq!(
            (code, again.as_str()),
            (0, "imported 0 unchanged 2 refused 0\n"),
            "{csv}"
        );
    }
}

#[test]
fn one_user_is_taken_over_once_and_its_role_is_missed() {
    let directory = first_start();
    let (code, said, errors) = take_over(&directory, "id,username\n1,ada\n1,bob\n");
    assert_eq!(
        (code, said.as_str()),
        (1, "imported 0 taken over 1 unchanged 0 refused 1\n")
    );
    assert!(
        errors.contains("no user of account 1 is an administrator"),
        "{errors}"
    );
    assert!(errors.contains("line 3: id belongs to user 1"), "{errors}");
    let (_, said, errors) = take_over(&directory, "id,username\n1,ada\n");
    assert!(errors.contains("nobody is called admin"), "{errors}");
    assert_eq!(said, "imported 0 unchanged 1 refused 0\n");
}

#[test]
fn reserved_names_are_taken_from_a_file_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let (code, said, _) = import(directory.path(), "users", "u.csv", "username\nroot\n");
    assert_eq!(
        (code, said.as_str()),
        (0, "imported 1 unchanged 0 refused 0\n")
    );
}

#[test]
fn an_import_that_was_killed_is_run_again_and_ends_where_it_would_have() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let mut csv = "id,username,email,x.grupo.custom_field_1\n".to_owned();
    for id in 1..=6_000 {
        csv.extend([format!("{id},user{id},user{id}@example.com,value {id}\n")]);
    }
    csv.push_str("1,somebody,,\n");
    fs::write(at.join("u.csv"), csv).unwrap();
    done(at, &["keys", "create", "--name", "k"]);
    let mut child = dragoman(at, &["users", "import", "u.csv"]).spawn().unwrap();
    let count = || number(at, "SELECT count(*) FROM users");
    while count() < 1_000 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it was too quick to be killed"
        );
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let stored = count();
    assert!((1_000..6_000).contains(&stored), "{stored}");
    // Whole batches, each user with its audit record.
    assert_eq!(
        number(
            at,
            "SELECT count(*) FROM audit WHERE action = 'user.import'"
        ),
        stored
    );

    let (code, said, errors) = run(at, &["users", "import", "u.csv"]);
    let rest = 6_000 - stored;
    assert_eq!(
        said,
        format!("imported {rest} unchanged {stored} refused 1\n")
    );
    assert!(
        code == 1 && errors.contains("line 6002: id belongs to user 1"),
        "{errors}"
    );
    assert_eq!(count(), 6_000);
}
