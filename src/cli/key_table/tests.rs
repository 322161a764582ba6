use super::*;
use crate::auth::api_key::KeyDigest;
use crate::auth::keys::Key;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - days * DAY)
}

fn record(created: i64, used: Option<i64>, expires_in: Option<i64>) -> KeyRecord {
    let key = Key {
        name: "crm".to_owned(),
        digest: KeyDigest::from_bytes([1; 32]),
        scopes: Scopes::default(),
        accounts: Vec::new(),
        routes: Vec::new(),
        expires_at: expires_in.map(|days| days_ago(-days)),
    };
    KeyRecord {
        last_used_at: used.map(days_ago),
        ..KeyRecord::new(key, "a1b2".to_owned(), days_ago(created))
    }
}

#[test]
fn a_key_is_old_after_a_year() {
    assert_eq!(notes(&record(365, Some(0), None), NOW), []);
    assert_eq!(notes(&record(366, Some(0), None), NOW), [Note::Old]);
}

#[test]
fn a_key_is_unused_if_it_never_was_or_not_for_90_days() {
    assert_eq!(notes(&record(200, Some(90), None), NOW), []);
    assert_eq!(notes(&record(200, Some(91), None), NOW), [Note::Unused]);
    assert_eq!(notes(&record(0, None, None), NOW), [Note::Unused]);
}

#[test]
fn a_key_is_expiring_within_14_days() {
    assert_eq!(notes(&record(0, Some(0), Some(15)), NOW), []);
    assert_eq!(notes(&record(0, Some(0), Some(14)), NOW), [Note::Expiring]);
}

#[test]
fn a_key_can_be_all_of_it_at_once() {
    let all = [Note::Old, Note::Unused, Note::Expiring];
    assert_eq!(notes(&record(400, None, Some(1)), NOW), all);
}

#[test]
fn states_follow_from_the_times() {
    let live = record(1, None, Some(1));
    assert_eq!(state(&live, NOW), State::Live);
    let replaced = KeyRecord {
        replaced_at: Some(NOW),
        ..live.clone()
    };
    assert_eq!(state(&replaced, NOW), State::Replaced);
    let expired = record(9, None, Some(0));
    assert_eq!(state(&expired, NOW), State::Expired);
    let revoked = KeyRecord {
        revoked_at: Some(NOW),
        ..expired
    };
    assert_eq!(state(&revoked, NOW), State::Revoked);
}

#[test]
fn only_a_live_key_is_worth_a_note() {
    let worth = record(400, None, Some(1));
    let replaced = KeyRecord {
        replaced_at: Some(NOW),
        ..worth.clone()
    };
    let revoked = KeyRecord {
        revoked_at: Some(NOW),
        ..worth
    };
    for record in [replaced, revoked, record(400, None, Some(0))] {
        assert_eq!(notes(&record, NOW), []);
    }
}
