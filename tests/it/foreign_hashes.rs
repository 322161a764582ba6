//! Users who bring the hash of their password along sign in with it, and get one of ours.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dragoman::auth::authenticate::UserDirectory;
use dragoman::auth::password::PasswordHash;
use dragoman::command::Action;

use crate::bulk_fixture::{done, number};
use crate::process::{Served, curl};
use crate::store_fixture::{ACCOUNT, Fixture, entry, hash, named};

/// What PHP prints.
fn php(code: &str) -> String {
    let output = Command::new("php").args(["-r", code]).output();
    let output = output.expect("php is installed by tests/run");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn sign_in(served: &Served, id: i64, login: &str, password: &str) -> String {
    let url = format!("{}/api/v1/users/{id}", served.url);
    curl(&["-u", &format!("{login}:{password}"), &url])
}

fn hash_of(directory: &Path, id: i64) -> String {
    let database = rusqlite::Connection::open(directory.join("data/dragoman.db")).unwrap();
    let sql = "SELECT password_hash FROM users WHERE id = ?1";
    database.query_row(sql, [id], |row| row.get(0)).unwrap()
}

fn until_renewed(directory: &Path, id: i64) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let hash = hash_of(directory, id);
        if PasswordHash::from_stored(hash.clone()).is_current() {
            return hash;
        }
        assert!(Instant::now() < deadline, "it is {hash} still");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_hash_that_php_made_lets_its_user_in_and_is_renewed_by_the_first_sign_in() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    // b2evolution joins nothing: it keeps driver, salt and the rest in three columns.
    let columns = php("$salt = 'abcdefghijklmnopqrstuv';
        echo '$2y$10$', $salt, substr(crypt('pw3', '$2y$10$' . $salt), 29);");
    let hashes = [
        php("echo password_hash('pw0', PASSWORD_BCRYPT);"),
        php("echo password_hash('pw1', PASSWORD_BCRYPT, ['cost' => 11]);"),
        php("echo password_hash('pw2', PASSWORD_ARGON2I, ['memory_cost' => 8192]);"),
        columns,
        php("echo 'evo$salted$Xy7$', md5('Xy7' . 'pw4');"),
        php("echo 'evo$md5$', md5('pw5');"),
        // `test12345`, from phpass's own tests.
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0".to_owned(),
        php("echo password_hash('pw7', PASSWORD_BCRYPT);"),
    ];
    let mut csv = "id,username,password_hash,status\n".to_owned();
    for (id, hash) in (0..).zip(&hashes) {
        let status = if id == 7 { "closed" } else { "active" };
        csv.extend([format!("{},user{id},\"{hash}\",{status}\n", id + 10)]);
    }
    fs::write(at.join("u.csv"), csv).unwrap();
    done(at, &["users", "import", "u.csv"]);
    let served = Served::start(at);
    for (number, hash) in (0..7).zip(&hashes) {
        let (id, login) = (number + 10, format!("user{number}"));
        let password = match number {
            6 => "test12345".to_owned(),
            _ => format!("pw{number}"),
        };
        let refused = sign_in(&served, id, &login, "wrong");
        assert!(refused.contains("wrong_login_pass"), "{refused}");
        assert_eq!(hash_of(at, id), *hash, "a wrong password renews nothing");
        for _ in 0..2 {
            let answer = sign_in(&served, id, &login, &password);
            assert!(
                answer.contains(&format!("\"login\":\"{login}\"")),
                "{hash}: {answer}"
            );
            until_renewed(at, id);
        }
        let refused = sign_in(&served, id, &login, "wrong");
        assert!(refused.contains("wrong_login_pass"), "{refused}");
    }
    // Who may not sign in gets nothing new.
    assert!(!sign_in(&served, 17, "user7", "pw7").contains("\"login\""));
    assert_eq!(
        number(
            at,
            "SELECT count(*) FROM audit WHERE action = 'user.rehash'"
        ),
        7
    );
    let by = "SELECT count(*) FROM audit WHERE action = 'user.rehash'
              AND principal = 'user:' || user_id AND length(request_id) > 0";
    assert_eq!(number(at, by), 7);
    assert_eq!(hash_of(at, 17), hashes[7]);

    // The file may be imported again: nobody's new hash is in its way.
    let said = done(at, &["users", "import", "u.csv"]);
    assert_eq!(said, "imported 0 unchanged 8 refused 0\n");
    until_renewed(at, 10);
    served.stop();
}

#[tokio::test]
async fn a_hash_is_renewed_only_while_it_is_the_one_that_was_checked() {
    let fixture = Fixture::new();
    let id = fixture.create(named("ada")).await.unwrap();
    let (old, new) = (
        hash("evo$md5$963e2232fa95666443f1ee9ffcdceda0"),
        hash("new"),
    );
    let renew = |old: &PasswordHash| {
        fixture
            .store
            .renew_hash(id, old.clone(), new.clone(), entry(Action::UpdateUser))
    };
    assert!(!renew(&old).await.unwrap());
    let sql = format!("UPDATE users SET password_hash = '{}'", old.as_str());
    fixture.raw().execute(&sql, []).unwrap();
    assert!(renew(&old).await.unwrap());
    assert!(!renew(&old).await.unwrap());
    let login = fixture.store.find_login_by_id(ACCOUNT, id).await.unwrap();
    assert_eq!(login.unwrap().hash, Some(new.clone()));
    let records = "SELECT count(*) FROM audit WHERE action = 'user.rehash'";
    assert_eq!(fixture.number(records), 1);
}
