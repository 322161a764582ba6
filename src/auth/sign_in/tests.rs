use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Notify;

use super::*;
use crate::auth::call::Context;
use crate::auth::password::PasswordHash;
use crate::clock::Timestamp;
use crate::command::Id;
use crate::command::user::Status;

/// One user, `mary` or `mary@example.com`, and a clock that can be turned.
struct Fixture {
    sign_in: SignIn,
    directory: Arc<Directory>,
    passwords: PasswordHasherPool,
    now: Arc<AtomicI64>,
}

#[derive(Default)]
struct Directory {
    mary: Mutex<Option<Login>>,
    renewed: Notify,
}

impl UserDirectory for Directory {
    fn find_login(
        &self,
        _: AccountId,
        login: String,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        let mary = self.mary.lock().unwrap().clone();
        let is_hers = ["mary", "mary@example.com"].contains(&login.to_lowercase().as_str());
        Box::pin(async move { Ok(mary.filter(|_| is_hers)) })
    }

    fn find_login_by_id(
        &self,
        _: AccountId,
        id: Id,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        let mary = self.mary.lock().unwrap().clone();
        Box::pin(async move { Ok(mary.filter(|mary| mary.id == id)) })
    }

    fn renew_hash(
        &self,
        _: Id,
        old: PasswordHash,
        new: PasswordHash,
        _: Entry,
    ) -> BoxFuture<'_, Result<bool, Error>> {
        let mut mary = self.mary.lock().unwrap();
        let login = mary.as_mut().unwrap();
        assert_eq!(login.hash.replace(new), Some(old));
        self.renewed.notify_one();
        Box::pin(async { Ok(true) })
    }
}

impl Fixture {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_790_000_000_000));
        let told = Arc::clone(&now);
        let clock = Clock::set_by(
            move || Timestamp::from_millis(told.load(Ordering::Relaxed)),
            7,
        );
        let passwords = PasswordHasherPool::new(1);
        let directory = Arc::new(Directory::default());
        let users: Arc<dyn UserDirectory + Send + Sync> = Arc::<Directory>::clone(&directory);
        let sign_in = SignIn::new(
            users,
            passwords.clone(),
            Parameters::default(),
            AccountId::new(Id::new(1).unwrap()),
            clock,
        );
        let fixture = Self {
            sign_in,
            directory,
            passwords,
            now,
        };
        fixture.set_password("right").await;
        fixture
    }

    async fn set_password(&self, password: &str) {
        let hash = PasswordHasherPool::new(1)
            .hash(Secret::from(password))
            .await;
        *self.directory.mary.lock().unwrap() = Some(Login {
            id: Id::new(1).unwrap(),
            hash: Some(hash.unwrap()),
            status: Status::Active,
            administrator: false,
            read_only: false,
            banned: false,
        });
    }

    /// The kind of the refusal, if it is one.
    async fn try_from(&self, source: &str, login: &str, password: &str) -> Result<Status, Kind> {
        let context = from(source);
        let login = login.to_owned();
        let user = self.sign_in.user(login, Secret::from(password), &context);
        let user = user.await.map_err(|error| error.kind().clone())?;
        Ok(user.status)
    }

    /// Whether mary, who signed in by that name, proves her password.
    async fn prove(&self, password: &str) -> Result<bool, Kind> {
        let context = from("192.0.2.1");
        let password = Secret::from(password);
        let proof = self
            .sign_in
            .is_own_password(Id::ONE, "mary", password, &context);
        proof.await.map_err(|error| error.kind().clone())
    }

    async fn try_it(&self, password: &str) -> Result<Status, Kind> {
        self.try_from("192.0.2.1", "mary", password).await
    }

    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

fn from(source: &str) -> Context {
    Context {
        source: Some(source.parse::<IpAddr>().unwrap()),
        ..Context::default()
    }
}

#[tokio::test]
async fn the_second_call_with_a_right_password_runs_no_argon2() {
    let fixture = Fixture::new().await;
    for login in ["mary", "mary", "MARY"] {
        let signed_in = fixture.try_from("192.0.2.1", login, "right").await;
        assert_eq!(signed_in, Ok(Status::Active));
        assert_eq!(fixture.passwords.computed(), 1, "{login}");
    }
    fixture.pass(60);
    assert_eq!(fixture.try_it("right").await, Ok(Status::Active));
    assert_eq!(fixture.passwords.computed(), 2);
}

#[tokio::test]
async fn a_changed_password_ends_the_old_one_at_once() {
    let fixture = Fixture::new().await;
    fixture.try_it("right").await.unwrap();
    fixture.set_password("new").await;
    assert_eq!(fixture.try_it("right").await, Err(Kind::Unauthenticated));
    assert_eq!(fixture.try_it("new").await, Ok(Status::Active));
}

#[tokio::test]
async fn closing_and_deleting_a_user_count_at_once() {
    let fixture = Fixture::new().await;
    fixture.try_it("right").await.unwrap();
    for status in [Status::Closed, Status::Deactivated] {
        let mut mary = fixture.directory.mary.lock().unwrap().clone().unwrap();
        mary.status = status;
        *fixture.directory.mary.lock().unwrap() = Some(mary);
        assert_eq!(fixture.try_it("right").await, Ok(status));
    }
    assert_eq!(fixture.passwords.computed(), 1);
    *fixture.directory.mary.lock().unwrap() = None;
    assert_eq!(fixture.try_it("right").await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn after_20_wrong_passwords_the_right_one_is_refused_from_there_and_from_nowhere_else() {
    let fixture = Fixture::new().await;
    // Verified before, so that what is remembered could tell it from a wrong one.
    fixture.try_it("right").await.unwrap();
    for number in 0..20 {
        let wrong = fixture.try_it(&format!("wrong {number}")).await;
        assert_eq!(wrong, Err(Kind::Unauthenticated), "{number}");
    }
    assert_eq!(fixture.try_it("wrong 20").await, Err(Kind::LockedOut));
    assert_eq!(fixture.try_it("right").await, Err(Kind::LockedOut));
    let spelled = fixture.try_from("192.0.2.1", "MARY", "right").await;
    assert_eq!(spelled, Err(Kind::LockedOut));
    assert_eq!(fixture.passwords.computed(), 21);

    let elsewhere = fixture.try_from("192.0.2.2", "mary", "right").await;
    assert_eq!(elsewhere, Ok(Status::Active));
    fixture.pass(60);
    assert_eq!(fixture.try_it("right").await, Ok(Status::Active));
}

#[tokio::test]
async fn a_right_password_forgets_the_wrong_ones_before_it() {
    let fixture = Fixture::new().await;
    for round in 0..3 {
        for number in 0..15 {
            let wrong = fixture.try_it(&format!("wrong {round} {number}")).await;
            assert_eq!(wrong, Err(Kind::Unauthenticated));
        }
        fixture.set_password("right").await;
        assert_eq!(fixture.try_it("right").await, Ok(Status::Active));
    }
}

#[tokio::test]
async fn wrong_passwords_sent_at_once_are_checked_20_times_and_no_more() {
    let fixture = Fixture::new().await;
    let guesses: Vec<_> = (0..60).map(|number| format!("wrong {number}")).collect();
    let answers = join_all(guesses.iter().map(|guess| fixture.try_it(guess))).await;
    let wrong = answers
        .iter()
        .filter(|answer| **answer == Err(Kind::Unauthenticated));
    assert_eq!(wrong.count(), 20);
    assert_eq!(fixture.passwords.computed(), 20);
}

#[tokio::test]
async fn a_proof_of_what_one_signed_in_with_runs_no_argon2() {
    let fixture = Fixture::new().await;
    fixture.try_it("right").await.unwrap();
    assert_eq!(fixture.prove("right").await, Ok(true));
    assert_eq!(fixture.passwords.computed(), 1);
    fixture.set_password("new").await;
    assert_eq!(fixture.prove("right").await, Ok(false));
}

#[tokio::test]
async fn wrong_proofs_count_as_wrong_passwords_of_that_login() {
    let fixture = Fixture::new().await;
    fixture.try_it("right").await.unwrap();
    for number in 0..20 {
        let wrong = fixture.prove(&format!("wrong {number}")).await;
        assert_eq!(wrong, Ok(false), "{number}");
    }
    assert_eq!(fixture.prove("wrong 20").await, Err(Kind::LockedOut));
    assert_eq!(fixture.prove("right").await, Err(Kind::LockedOut));
    assert_eq!(fixture.try_it("right").await, Err(Kind::LockedOut));
    assert_eq!(fixture.passwords.computed(), 21);
    let elsewhere = fixture.try_from("192.0.2.2", "mary", "right").await;
    assert_eq!(elsewhere, Ok(Status::Active));
}

#[tokio::test]
async fn a_hundred_calls_at_once_with_one_right_password_are_one_check_and_no_failure() {
    let fixture = Fixture::new().await;
    let answers = join_all((0..100).map(|_| fixture.try_it("right"))).await;
    assert!(answers.iter().all(|answer| *answer == Ok(Status::Active)));
    assert_eq!(fixture.passwords.computed(), 1);
}

#[tokio::test]
async fn one_password_tried_with_many_logins_is_refused_after_100() {
    let fixture = Fixture::new().await;
    for number in 0..101 {
        let login = format!("user{number}");
        let wrong = fixture.try_from("192.0.2.1", &login, "123456").await;
        assert_eq!(wrong, Err(Kind::Unauthenticated), "{number}");
    }
    assert_eq!(fixture.try_it("right").await, Err(Kind::LockedOut));
    let elsewhere = fixture.try_from("192.0.2.2", "mary", "right").await;
    assert_eq!(elsewhere, Ok(Status::Active));
}

#[tokio::test]
async fn a_check_that_found_no_room_is_no_failure() {
    let fixture = Fixture::new().await;
    let busy = PasswordHasherPool::new(0);
    let full = SignIn {
        passwords: busy.clone(),
        ..fixture.sign_in
    };
    // The pool's own queue of 64, which moves not at all.
    let mut waiting: Vec<_> = (0..64)
        .map(|_| Box::pin(busy.verify(Secret::from("x"), None)))
        .collect();
    for stuck in &mut waiting {
        assert!(futures_util::poll!(stuck).is_pending());
    }
    let context = from("192.0.2.1");
    for number in 0..100 {
        let guess = Secret::from(format!("guess {number}"));
        let refused = full.user("mary".to_owned(), guess, &context).await;
        assert_eq!(*refused.unwrap_err().kind(), Kind::Overloaded, "{number}");
    }
}

#[tokio::test]
async fn a_hash_of_another_system_is_renewed_once_for_calls_at_once() {
    let fixture = Fixture::new().await;
    let md5_of_right = "evo$md5$7c4f29407893c334a6cb7a87bf045c0d";
    let mut mary = fixture.directory.mary.lock().unwrap().clone().unwrap();
    mary.hash = Some(PasswordHash::parse(md5_of_right).unwrap());
    *fixture.directory.mary.lock().unwrap() = Some(mary);
    let answers = join_all((0..20).map(|_| fixture.try_it("right"))).await;
    assert!(answers.iter().all(|answer| *answer == Ok(Status::Active)));
    fixture.directory.renewed.notified().await;
    assert_eq!(fixture.passwords.computed(), 2);
    assert_eq!(fixture.try_it("right").await, Ok(Status::Active));
    assert_eq!(fixture.passwords.computed(), 3);
}
