use super::*;

const START: i64 = 1_790_000_000_000;

fn attempts() -> Attempts {
    Attempts::new(Policy::default(), &Clock::fixed(at(0), 7))
}

/// So many seconds after the start.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

fn source(text: &str) -> Source {
    Source::from(Some(text.parse::<IpAddr>().unwrap()))
}

/// The source of that number.
fn numbered(number: u32) -> Source {
    Source::from(Some(IpAddr::from(number.to_be_bytes())))
}

/// Counts failures until a refusal begins: how many were allowed, and how long it lasts.
fn fail(attempts: &Attempts, source: Source, guess: Guess<'_>, now: Timestamp) -> (u32, u64) {
    for allowed in 0..1000 {
        match attempts.count(source, guess, now) {
            Verdict::Allowed => {}
            Verdict::RefusedFor(length) => return (allowed, length.as_secs()),
            Verdict::Refused => panic!("refused already after {allowed}"),
        }
    }
    panic!("never refused");
}

#[test]
fn twenty_failures_a_minute_are_allowed_and_the_next_begins_a_refusal_of_a_minute() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    assert_eq!(fail(&attempts, caller, Guess::Key, at(0)), (20, 60));
    assert!(attempts.is_refused(caller, Guess::Key, at(59)));
    assert_eq!(attempts.count(caller, Guess::Key, at(59)), Verdict::Refused);
    assert!(!attempts.is_refused(caller, Guess::Key, at(60)));
    assert_eq!(attempts.count(caller, Guess::Key, at(60)), Verdict::Allowed);
}

#[test]
fn failures_that_come_slowly_are_never_refused() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    for second in (0..3600).step_by(3) {
        let verdict = attempts.count(caller, Guess::Key, at(second));
        assert_eq!(verdict, Verdict::Allowed, "{second}");
    }
}

#[test]
fn each_refusal_is_twice_as_long_up_to_a_quarter_of_an_hour_and_attempts_in_it_add_nothing() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    let mut now = 0;
    for expected in [60, 120, 240, 480, 900, 900] {
        assert_eq!(fail(&attempts, caller, Guess::Key, at(now)), (20, expected));
        for _ in 0..100 {
            attempts.count(caller, Guess::Key, at(now + 1));
        }
        now += i64::try_from(expected).unwrap();
    }
}

#[test]
fn a_quarter_of_an_hour_of_quiet_makes_the_next_refusal_short_again() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    fail(&attempts, caller, Guess::Key, at(0));
    assert_eq!(fail(&attempts, caller, Guess::Key, at(60)), (20, 120));
    let almost = at(180 + 899);
    assert_eq!(fail(&attempts, caller, Guess::Key, almost), (20, 240));
    let quiet = at(180 + 899 + 240 + 900);
    assert_eq!(fail(&attempts, caller, Guess::Key, quiet), (20, 60));
}

#[test]
fn another_source_another_login_and_keys_are_counted_apart() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    let mary = Guess::Password("mary");
    assert_eq!(fail(&attempts, caller, mary, at(0)), (20, 60));
    for (source, guess) in [
        (source("192.0.2.2"), mary),
        (caller, Guess::Password("dave")),
        (caller, Guess::Key),
        (caller, Guess::AnyPassword),
    ] {
        assert!(!attempts.is_refused(source, guess, at(0)), "{guess:?}");
        assert_eq!(attempts.count(source, guess, at(0)), Verdict::Allowed);
    }
}

#[test]
fn passwords_of_all_logins_together_have_a_limit_of_their_own() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    assert_eq!(
        fail(&attempts, caller, Guess::AnyPassword, at(0)),
        (100, 60)
    );
}

#[test]
fn an_ipv6_network_of_64_bits_is_one_source_and_a_mapped_address_is_its_ipv4_one() {
    assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:ffff:ffff:1"));
    assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    assert_ne!(Source::from(None), source("192.0.2.1"));
    assert_eq!(source("2001:db8::1").to_string(), "2001:db8::/64");
    assert_eq!(source("192.0.2.1").to_string(), "192.0.2.1");
}

#[test]
fn a_right_attempt_forgives_the_wrong_ones_before_it() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    let mary = Guess::Password("mary");
    for _ in 0..100 {
        for _ in 0..19 {
            assert_eq!(attempts.count(caller, mary, at(0)), Verdict::Allowed);
        }
        attempts.forgive(caller, mary);
    }
    assert_eq!(fail(&attempts, caller, mary, at(0)), (20, 60));
}

#[test]
fn an_attempt_that_was_not_judged_is_none() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    for _ in 0..100 {
        assert_eq!(attempts.count(caller, Guess::Key, at(0)), Verdict::Allowed);
        attempts.take_back(caller, Guess::Key);
    }
    assert_eq!(fail(&attempts, caller, Guess::Key, at(0)), (20, 60));
}

#[test]
fn a_clock_that_is_set_back_lengthens_no_refusal_beyond_the_longest() {
    let attempts = attempts();
    let caller = source("192.0.2.1");
    fail(&attempts, caller, Guess::Key, at(86_400));
    assert!(attempts.is_refused(caller, Guess::Key, at(0)));
    attempts.count(caller, Guess::Key, at(0));
    assert!(!attempts.is_refused(caller, Guess::Key, at(900)));
}

#[test]
fn more_than_a_million_sources_take_33_mebibytes_and_a_refusal_outlives_them() {
    let attempts = attempts();
    let bytes = |attempts: &Attempts| -> usize {
        let records = attempts
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().capacity());
        let fixed = size_of::<Mutex<Vec<Record>>>() * SHARDS;
        fixed + records.sum::<usize>() * size_of::<Record>()
    };
    assert!(bytes(&attempts) < 1 << 18, "{}", bytes(&attempts));
    let caller = source("2001:db8::1");
    fail(&attempts, caller, Guess::Key, at(0));
    for number in 0..1_100_000 {
        attempts.count(numbered(number), Guess::Key, at(1));
    }
    assert!(attempts.is_refused(caller, Guess::Key, at(59)));
    let remembered = attempts
        .shards
        .iter()
        .map(|shard| shard.lock().unwrap().len());
    let remembered: usize = remembered.sum();
    assert!((900_000..=MOST).contains(&remembered), "{remembered}");
    assert!(bytes(&attempts) <= 33 << 20, "{}", bytes(&attempts));
}

#[test]
fn a_full_shard_gives_up_the_least_harmful_of_its_records() {
    let policy = Policy::default();
    let mut shard = Vec::new();
    let now = START + 30_000;
    for (tag, since, failures) in [
        (1, START, 21),              // refused
        (2, START, 19),              // close to it
        (3, START, 1),               // the least, once the old ones are gone
        (4, START + 1000, 1),        // as little, and younger
        (5, START - 86_400_000, 20), // much, long ago
    ] {
        let mut record = Record::new(tag, since);
        for _ in 0..failures {
            record.count(since, 20, &policy);
        }
        shard.push(record);
    }
    let mut order = Vec::new();
    while let Some(least) = shard
        .iter()
        .min_by_key(|record| record.harm(now, &policy))
        .copied()
    {
        shard.retain(|record| record.tag != least.tag);
        order.push(least.tag);
    }
    assert_eq!(order, [5, 3, 4, 2, 1]);
}
