//! How long 100,000 users with hashes take to come in, and how much memory: at most a minute, and
//! no more than a tenth as many take.
//!
//! Run with `cargo bench --bench import`.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const USERS: u32 = 100_000;
const MOST_TIME: Duration = Duration::from_secs(60);

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn main() {
    // `cargo test` runs every benchmark once, in a debug build: what counts there is that it runs.
    if !std::env::args().any(|argument| argument == "--bench") {
        import(USERS / 100);
        return;
    }
    let few = import(USERS / 10);
    let many = import(USERS);
    println!("{:>7} users  {:>9}  {:>10}", "", "time", "peak");
    for (users, (time, kib)) in [(USERS / 10, few), (USERS, many)] {
        println!("{users:>7} users  {time:>9.2?}  {kib:>6} KiB");
    }
    assert!(many.0 <= MOST_TIME, "it took {:?}", many.0);
    assert!(
        many.1 <= few.1 + few.1 / 5,
        "{} KiB for ten times the users of {} KiB",
        many.1,
        few.1
    );
}

/// The time that an import takes, and the most KiB that were resident meanwhile.
fn import(users: u32) -> (Duration, u64) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    fs::write(directory.path().join("users.csv"), file(users)).expect("a file of users");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(["users", "import", "users.csv"])
        .current_dir(&directory)
        .env_clear()
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let ended = child.try_wait().expect("it can be waited for");
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            return (began.elapsed(), peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        peak = kib.and_then(|kib| kib.parse().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn file(users: u32) -> String {
    let mut text = "id,username,password_hash,display_name,email,level,phone,role,organizations,\
                    id.grupo,id.b2evolution,x.grupo.custom_field_1,x.b2evolution.uf_1\n"
        .to_owned();
    for id in 1..=users {
        writeln!(
            text,
            "{id},user{id},$2y$10$abcdefghijklmnopqrstuuT0HAMAAK2prqcnAhpGCRjFRL3KNkznK,User {id},\
             user{id}@example.com,3,+49 30 {id},member,\"[{{\"\"id\"\":3,\"\"role\"\":\"\"Ed\"\"}}]\",\
             {id},{id},value {id},another value of {id}"
        )
        .expect("a string takes everything");
    }
    text
}
