use super::*;

/// Hashes and their passwords, as PHP 8.2 made them.
const FOREIGN: [(&str, &str); 9] = [
    (
        "$2y$04$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXaa",
        "päss wörd",
    ),
    // The salt as b2evolution keeps it, before `crypt` clears its last bits.
    (
        "$2y$04$zzzzzzzzzzzzzzzzzzzzzzZYy8x7w3I1vTNQNkyF/V4Y4DXbFREOm",
        "b2",
    ),
    (
        "$argon2id$v=19$m=8192,t=3,p=1$bGEvdEpqcDNnTDZQRFJDcw$e11spwihdwJ/AGWcEezxrMdR62cbD7Hs5kr3AeR4cNw",
        "pässwörd",
    ),
    (
        "$argon2i$v=19$m=8192,t=3,p=1$VU40Z0JWUThSNzlIWFovSA$OTfFBxh1KJVR5qTWtwu3TY017MDRbqJ8uCmtrAUcUjo",
        "pässwörd",
    ),
    // The vector of phpass's own test program.
    ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    ("$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    ("$P$6abcdefghl3IFBiKbAJ.zA3Egzv4XG.", "wörd"),
    ("evo$salted$salt$963e2232fa95666443f1ee9ffcdceda0", "pw"),
    ("evo$md5$963E2232FA95666443F1EE9FFCDCEDA0", "saltpw"),
];

async fn fits(hash: &str, password: &str) -> bool {
    let hash = PasswordHash::parse(hash).unwrap();
    let pool = PasswordHasherPool::new(1);
    pool.verify(Secret::from(password), Some(hash))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_password_verifies_against_its_own_hash_only() {
    let pool = PasswordHasherPool::new(1);
    let hash = pool.hash(Secret::from("correct horse")).await.unwrap();
    assert!(hash.is_current());
    assert!(fits(hash.as_str(), "correct horse").await);
    assert!(!fits(hash.as_str(), "wrong horse").await);
}

#[tokio::test]
async fn an_unknown_login_verifies_nothing_and_the_dummy_hash_parses() {
    assert!(argon2::PasswordHash::new(DUMMY_HASH).is_ok());
    assert!(
        !PasswordHasherPool::new(1)
            .verify(Secret::from("x"), None)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn hashes_of_other_systems_fit_their_passwords_only_and_are_to_be_replaced() {
    for (hash, password) in FOREIGN {
        assert!(fits(hash, password).await, "{hash}");
        for wrong in ["", "x", &format!("{password} "), &password.to_uppercase()] {
            assert!(!fits(hash, wrong).await, "{hash} {wrong}");
        }
        assert!(!PasswordHash::parse(hash).unwrap().is_current(), "{hash}");
    }
}

#[tokio::test]
async fn a_long_password_counts_up_to_72_bytes_as_in_php() {
    let hash = "$2y$04$OxiPUcO8HLt65Mg8RVDyUe3zZ0ujeIuK0H8jJ7ZjB66UaIietavT.";
    assert!(fits(hash, &"x".repeat(80)).await);
    assert!(fits(hash, &"x".repeat(72)).await);
    assert!(!fits(hash, &"x".repeat(71)).await);
}

#[test]
fn what_no_password_can_be_checked_against_is_refused() {
    let unknown = HashFault::Unknown;
    let bcrypt = HashFault::Malformed("bcrypt");
    let phpass = HashFault::Malformed("phpass");
    let b2evolution = HashFault::Malformed("b2evolution");
    let cases = [
        ("", unknown),
        ("hunter2", unknown),
        ("963e2232fa95666443f1ee9ffcdceda0", unknown),
        ("$1$salt$hash", unknown),
        (
            "$2x$04$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXaa",
            unknown,
        ),
        ("$argon2id$v=19$m=8192", HashFault::Malformed("argon2")),
        (
            "$argon2id$v=19$m=8192,t=3,p=1$bGEvdEpqcDNnTDZQRFJDcw",
            HashFault::Malformed("argon2"),
        ),
        (
            "$argon2id$v=19$m=524288,t=1,p=1$bGEvdEpqcDNnTDZQRFJDcw$e11spwihdwJ/AGWcEezxrMdR62cbD7Hs5kr3AeR4cNw",
            HashFault::TooCostly,
        ),
        (
            "$argon2id$v=19$m=65536,t=99,p=1$bGEvdEpqcDNnTDZQRFJDcw$e11spwihdwJ/AGWcEezxrMdR62cbD7Hs5kr3AeR4cNw",
            HashFault::TooCostly,
        ),
        ("$2y$04$DRKaoCMz2/RU9CBOpzY/guows", bcrypt),
        (
            "$2y$03$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXaa",
            bcrypt,
        ),
        (
            "$2y$4$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXaa",
            bcrypt,
        ),
        (
            "$2y$04$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXa!",
            bcrypt,
        ),
        (
            "$2y$16$DRKaoCMz2/RU9CBOpzY/guowsQfZFPJF/vgt/1O.IBHpVkdxSpXaa",
            HashFault::TooCostly,
        ),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L", phpass),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L!", phpass),
        ("$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", phpass),
        ("$P$JIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", HashFault::TooCostly),
        ("evo$salted$$963e2232fa95666443f1ee9ffcdceda0", b2evolution),
        ("evo$md5$963e2232fa95666443f1ee9ffcdceda", b2evolution),
        ("evo$md5$963e2232fa95666443f1ee9ffcdced+0", b2evolution),
        ("evo$sha1$963e2232fa95666443f1ee9ffcdceda0", b2evolution),
    ];
    for (text, fault) in cases {
        assert_eq!(PasswordHash::parse(text).unwrap_err(), fault, "{text}");
    }
}

#[test]
fn the_time_of_a_check_is_made_up_for_where_it_is_much_less_than_ours() {
    for (hash, _) in FOREIGN {
        let is_quick = ["$P$", "$H$", "evo$"]
            .iter()
            .any(|start| hash.starts_with(start));
        assert_eq!(Scheme::parse(hash).unwrap().is_quick(), is_quick, "{hash}");
    }
}
