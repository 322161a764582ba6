use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::{join, join_all, pending};

use super::*;
use crate::error::Kind;

/// What is remembered, a clock that can be turned, and how often something was verified.
struct Fixture {
    verified: Verified,
    now: Arc<AtomicI64>,
    runs: AtomicUsize,
}

impl Fixture {
    fn new(lifetime: Duration) -> Self {
        let now = Arc::new(AtomicI64::new(1_790_000_000_000));
        let told = Arc::clone(&now);
        let clock = Clock::set_by(
            move || Timestamp::from_millis(told.load(Ordering::Relaxed)),
            7,
        );
        Self {
            verified: Verified::new(lifetime, clock),
            now,
            runs: AtomicUsize::new(0),
        }
    }

    fn claim(&self, password: &str) -> Claim {
        let hash = PasswordHash::from_stored("$argon2id$stored".to_owned());
        let password = Secret::from(password);
        self.verified.claim("mary", &password, Some(&hash))
    }

    /// Checks a claim; it takes a turn of the executor to verify, and only `right` is.
    async fn check(&self, password: &str) -> Result<bool, Error> {
        let verify = async {
            self.runs.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(password == "right")
        };
        self.verified.check(self.claim(password), verify).await
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    fn pass(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_was_right_is_not_verified_again_for_its_lifetime_and_then_is() {
    let fixture = Fixture::new(MINUTE);
    assert!(fixture.check("right").await.unwrap());
    fixture.pass(59_999);
    assert!(fixture.check("right").await.unwrap());
    assert_eq!(fixture.runs(), 1);
    fixture.pass(1);
    assert!(fixture.check("right").await.unwrap());
    assert_eq!(fixture.runs(), 2);
}

#[tokio::test]
async fn what_was_wrong_is_verified_each_time_and_nothing_is_kept_of_it() {
    let fixture = Fixture::new(MINUTE);
    for _ in 0..3 {
        assert!(!fixture.check("wrong").await.unwrap());
    }
    assert_eq!(fixture.runs(), 3);
    assert!(fixture.verified.lock().is_empty());
}

#[tokio::test]
async fn a_claim_is_bound_to_login_password_and_stored_hash() {
    let verified = Verified::new(MINUTE, Clock::system());
    let hash = |text: &str| PasswordHash::from_stored(text.to_owned());
    let claims = [
        verified.claim("mary", &Secret::from("p"), Some(&hash("h"))),
        verified.claim("mary", &Secret::from("p"), Some(&hash("i"))),
        verified.claim("mary", &Secret::from("q"), Some(&hash("h"))),
        verified.claim("marx", &Secret::from("p"), Some(&hash("h"))),
        verified.claim("mar", &Secret::from("yp"), Some(&hash("h"))),
        verified.claim("mary", &Secret::from("ph"), None),
        Verified::new(MINUTE, Clock::system()).claim("mary", &Secret::from("p"), Some(&hash("h"))),
    ];
    for (index, claim) in claims.iter().enumerate() {
        assert!(!claims[..index].contains(claim), "{index}");
    }
    assert!(claims[0] == verified.claim("mary", &Secret::from("p"), Some(&hash("h"))));
}

#[tokio::test]
async fn the_same_claim_made_a_hundred_times_at_once_is_verified_once() {
    for lifetime in [MINUTE, Duration::ZERO] {
        let fixture = Fixture::new(lifetime);
        let right = join_all((0..100).map(|_| fixture.check("right"))).await;
        assert!(right.into_iter().all(Result::unwrap));
        assert_eq!(fixture.runs(), 1);
        let wrong = join_all((0..100).map(|_| fixture.check("wrong"))).await;
        assert!(!wrong.into_iter().any(Result::unwrap));
        assert_eq!(fixture.runs(), 2);
    }
}

#[tokio::test]
async fn without_a_lifetime_nothing_is_kept() {
    let fixture = Fixture::new(Duration::ZERO);
    assert!(fixture.check("right").await.unwrap());
    assert!(fixture.check("right").await.unwrap());
    assert_eq!(fixture.runs(), 2);
    assert!(fixture.verified.lock().is_empty());
}

#[tokio::test]
async fn a_check_that_failed_or_was_dropped_is_made_by_who_waits_for_it() {
    let fixture = Fixture::new(MINUTE);
    let claim = fixture.claim("right");
    let failing = async {
        tokio::task::yield_now().await;
        Err(Kind::Overloaded.into())
    };
    let failed = fixture.verified.check(claim, failing);
    let (failed, answered) = join(failed, fixture.check("right")).await;
    assert_eq!(*failed.unwrap_err().kind(), Kind::Overloaded);
    assert!(answered.unwrap());

    let fixture = Fixture::new(MINUTE);
    let mut stuck = Box::pin(fixture.verified.check(claim, pending()));
    let mut waiting = Box::pin(fixture.verified.check(claim, async { Ok(true) }));
    assert!(matches!(futures_util::poll!(&mut stuck), Poll::Pending));
    assert!(matches!(futures_util::poll!(&mut waiting), Poll::Pending));
    drop(stuck);
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn there_are_never_more_entries_than_the_most_and_the_oldest_goes_first() {
    let fixture = Fixture::new(MINUTE);
    for number in 0..MOST {
        let password = Secret::from(number.to_string());
        let claim = fixture.verified.claim("mary", &password, None);
        let known = fixture.verified.check(claim, async { Ok(true) });
        known.await.unwrap();
        fixture.pass(1);
    }
    assert_eq!(fixture.verified.lock().len(), MOST);
    assert!(fixture.check("right").await.unwrap());
    let entries = fixture.verified.lock();
    assert_eq!(entries.len(), MOST);
    let first = fixture.verified.claim("mary", &Secret::from("0"), None);
    let second = fixture.verified.claim("mary", &Secret::from("1"), None);
    assert!(!entries.contains_key(&first));
    assert!(entries.contains_key(&second));
}

#[tokio::test]
async fn checks_whose_callers_left_make_room_before_anything_that_is_right() {
    let fixture = Fixture::new(MINUTE);
    assert!(fixture.check("right").await.unwrap());
    for number in 1..MOST {
        let password = Secret::from(number.to_string());
        let claim = fixture.verified.claim("mary", &password, None);
        assert!(
            fixture
                .verified
                .check(claim, pending())
                .now_or_never()
                .is_none()
        );
    }
    assert_eq!(fixture.verified.lock().len(), MOST);
    fixture.check("wrong").await.unwrap();
    assert_eq!(fixture.verified.lock().len(), 1);
    assert!(fixture.check("right").await.unwrap());
    assert_eq!(fixture.runs(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_what_was_verified() {
    let fixture = Fixture::new(MINUTE);
    fixture.check("right").await.unwrap();
    fixture.pass(-86_400_000);
    fixture.check("right").await.unwrap();
    assert_eq!(fixture.runs(), 2);
}

#[tokio::test]
async fn debug_output_says_nothing_of_what_is_kept() {
    let fixture = Fixture::new(MINUTE);
    fixture.check("right").await.unwrap();
    assert_eq!(
        format!("{:?}", fixture.verified),
        "Verified { lifetime: 60000, .. }"
    );
}
