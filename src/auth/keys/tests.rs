use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn pepper() -> Pepper {
    Pepper::new(&[7; 32])
}

fn key(secret: &str) -> Key {
    Key {
        name: "crm".to_owned(),
        digest: pepper().digest(&Secret::from(secret)),
        scopes: Scopes::default(),
        accounts: Vec::new(),
        routes: Vec::new(),
        expires_at: None,
    }
}

fn used(secret: &str, at: Timestamp) -> KeyUse {
    KeyUse {
        digest: key(secret).digest,
        at,
    }
}

fn finds(ring: &KeyRing, secret: &str, route: Option<&str>, now: Timestamp) -> bool {
    ring.find(&Secret::from(secret), route, now).is_some()
}

#[test]
fn a_key_works_until_the_millisecond_it_expires_in() {
    let ring = KeyRing::new(pepper(), Vec::new());
    let expires_at = Some(NOW);
    ring.replace(vec![Key {
        expires_at,
        ..key("short-lived")
    }]);
    let before = Timestamp::from_millis(NOW.as_millis() - 1);
    assert!(finds(&ring, "short-lived", None, before));
    assert!(!finds(&ring, "short-lived", None, NOW));
}

#[test]
fn a_key_with_routes_works_on_those_only() {
    let ring = KeyRing::new(pepper(), Vec::new());
    let routes = vec!["chat".to_owned(), "forum".to_owned()];
    ring.replace(vec![
        Key {
            routes,
            ..key("bound")
        },
        key("unbound"),
    ]);
    for (route, works) in [
        (Some("chat"), true),
        (Some("forum"), true),
        (Some("blog"), false),
        (None, false),
    ] {
        assert_eq!(finds(&ring, "bound", route, NOW), works, "{route:?}");
        assert!(finds(&ring, "unbound", route, NOW), "{route:?}");
    }
}

#[test]
fn only_what_was_answered_counts_as_use() {
    let ring = KeyRing::new(pepper(), vec![key("configured")]);
    let routes = vec!["chat".to_owned()];
    ring.replace(vec![
        Key {
            routes,
            ..key("bound")
        },
        key("idle"),
    ]);
    assert!(finds(&ring, "configured", None, NOW));
    assert!(!finds(&ring, "bound", Some("blog"), NOW));
    assert!(!finds(&ring, "unknown", None, NOW));
    assert_eq!(ring.uses(), []);
    assert!(finds(&ring, "bound", Some("chat"), NOW));
    assert_eq!(ring.uses(), [used("bound", NOW)]);
}

#[test]
fn uses_are_given_until_they_are_noted() {
    let ring = KeyRing::new(pepper(), Vec::new());
    ring.replace(vec![key("busy")]);
    assert!(finds(&ring, "busy", None, NOW));
    let uses = ring.uses();
    let later = Timestamp::from_millis(NOW.as_millis() + 1_000);
    assert!(finds(&ring, "busy", None, later));
    ring.noted(&uses);
    assert_eq!(ring.uses(), [used("busy", later)]);
    ring.noted(&ring.uses());
    assert_eq!(ring.uses(), []);
}

#[test]
fn a_change_of_keys_loses_no_use() {
    let ring = KeyRing::new(pepper(), Vec::new());
    ring.replace(vec![key("kept"), key("revoked"), key("idle")]);
    assert!(finds(&ring, "kept", None, NOW));
    assert!(finds(&ring, "revoked", None, NOW));
    ring.replace(vec![key("kept")]);
    ring.replace(vec![key("kept"), key("new")]);
    let digests: Vec<_> = ring.uses().into_iter().map(|one| one.digest).collect();
    assert_eq!(digests.len(), 2);
    assert!(digests.contains(&key("kept").digest) && digests.contains(&key("revoked").digest));
    ring.noted(&ring.uses());
    assert_eq!(ring.uses(), []);
    ring.replace(vec![key("kept")]);
    assert!(ring.live.load().gone.is_empty(), "nothing is kept for ever");
}

#[test]
fn a_call_in_the_midst_of_a_change_is_noted_too() {
    let ring = KeyRing::new(pepper(), Vec::new());
    ring.replace(vec![key("kept")]);
    let before = ring.live.load_full();
    ring.replace(vec![key("kept"), key("new")]);
    before.last_use(&key("kept").digest).unwrap().stamp(NOW);
    assert_eq!(ring.uses(), [used("kept", NOW)]);
}

#[test]
fn keys_of_the_configuration_and_of_the_store_are_replaced_each_by_themselves() {
    let ring = KeyRing::new(pepper(), vec![key("fixed"), key("both")]);
    ring.replace(vec![key("stored"), key("both")]);
    assert!(finds(&ring, "stored", None, NOW));
    ring.replace_fixed(vec![key("other")]);
    for (secret, works) in [
        ("fixed", false),
        ("other", true),
        ("stored", true),
        ("both", true),
    ] {
        assert_eq!(finds(&ring, secret, None, NOW), works, "{secret}");
    }
    ring.replace(Vec::new());
    assert!(!finds(&ring, "stored", None, NOW));
    assert!(finds(&ring, "other", None, NOW));
    // A use before the reload is written down after it.
    assert!(!ring.uses().is_empty());
}
