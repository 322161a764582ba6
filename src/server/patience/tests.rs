use super::*;

const IDLE: Seen = Seen {
    protocol: Protocol::Http1,
    open: 0,
    finished: 0,
    head_begun: false,
    write_blocked: false,
    written: 0,
    held_up: 0,
    pieces: 0,
    closing: false,
};

struct Clock {
    patience: Patience,
    limits: Limits,
    start: Instant,
}

impl Clock {
    fn start() -> Self {
        let start = Instant::now();
        Self {
            patience: Patience::new(start),
            limits: Limits::default(),
            start,
        }
    }

    fn at(&mut self, seconds: u64, seen: Seen, stage: Stage) -> Verdict {
        let now = self.start + Duration::from_secs(seconds);
        self.patience.judge(&seen, stage, &self.limits, now)
    }

    fn wait_until(&self, seconds: u64) -> Verdict {
        Verdict::Wait(Some(self.start + Duration::from_secs(seconds)))
    }
}

#[test]
fn silence_and_an_unfinished_preface_are_held_to_the_first_byte_limit() {
    let mut clock = Clock::start();
    let unknown = Seen {
        protocol: Protocol::Unknown,
        ..IDLE
    };
    assert_eq!(clock.at(0, unknown, Stage::Serving), clock.wait_until(5));
    let begun = Seen {
        head_begun: true,
        ..unknown
    };
    assert_eq!(clock.at(4, begun, Stage::Serving), clock.wait_until(5));
    assert_eq!(
        clock.at(5, begun, Stage::Serving),
        Verdict::Close(Reason::FirstByte)
    );
}

#[test]
fn further_bytes_do_not_extend_the_head_limit() {
    let mut clock = Clock::start();
    let head = Seen {
        head_begun: true,
        ..IDLE
    };
    assert_eq!(clock.at(1, head, Stage::Serving), clock.wait_until(11));
    assert_eq!(clock.at(9, head, Stage::Serving), clock.wait_until(11));
    assert_eq!(
        clock.at(11, head, Stage::Serving),
        Verdict::Close(Reason::Head)
    );
}

#[test]
fn a_request_in_progress_has_no_limit_and_each_one_renews_the_idle_limit() {
    let mut clock = Clock::start();
    let busy = Seen {
        open: 1,
        head_begun: true,
        ..IDLE
    };
    assert_eq!(clock.at(1, busy, Stage::Serving), Verdict::Wait(None));
    assert_eq!(clock.at(900, busy, Stage::Serving), Verdict::Wait(None));
    let first = Seen {
        finished: 1,
        ..IDLE
    };
    assert_eq!(
        clock.at(1000, first, Stage::Serving),
        clock.wait_until(1060)
    );
    let second = Seen {
        finished: 2,
        ..IDLE
    };
    assert_eq!(
        clock.at(1050, second, Stage::Serving),
        clock.wait_until(1110)
    );
    assert_eq!(clock.at(1110, second, Stage::Serving), Verdict::Shut);
    assert_eq!(
        clock.at(1110, second, Stage::Serving),
        clock.wait_until(1112)
    );
    assert_eq!(
        clock.at(1112, second, Stage::Serving),
        Verdict::Close(Reason::Linger)
    );
}

#[test]
fn frames_without_a_stream_do_not_renew_the_idle_limit() {
    let mut clock = Clock::start();
    let idle = Seen {
        protocol: Protocol::Http2,
        head_begun: true,
        ..IDLE
    };
    assert_eq!(clock.at(0, idle, Stage::Serving), clock.wait_until(60));
    let pinged = Seen {
        written: 17_000,
        ..idle
    };
    assert_eq!(clock.at(59, pinged, Stage::Serving), clock.wait_until(60));
    assert_eq!(clock.at(60, pinged, Stage::Serving), Verdict::Shut);
}

#[test]
fn a_full_socket_is_given_up_unless_it_drains() {
    let mut clock = Clock::start();
    let blocked = Seen {
        open: 1,
        write_blocked: true,
        written: 10,
        ..IDLE
    };
    assert_eq!(clock.at(0, blocked, Stage::Serving), clock.wait_until(15));
    let progress = Seen {
        written: 11,
        ..blocked
    };
    assert_eq!(clock.at(14, progress, Stage::Serving), clock.wait_until(29));
    assert_eq!(
        clock.at(29, progress, Stage::Serving),
        Verdict::Reset(Reason::StalledWrite)
    );
}

#[test]
fn an_exhausted_window_is_given_up_although_pings_are_answered() {
    let mut clock = Clock::start();
    let held_up = Seen {
        protocol: Protocol::Http2,
        open: 1,
        held_up: 1,
        pieces: 1,
        ..IDLE
    };
    assert_eq!(clock.at(0, held_up, Stage::Serving), clock.wait_until(15));
    let pinged = Seen {
        written: 17,
        ..held_up
    };
    assert_eq!(
        clock.at(15, pinged, Stage::Serving),
        Verdict::Reset(Reason::StalledWrite)
    );
}

#[test]
fn a_lame_duck_says_goodbye_to_http_2_only() {
    let mut clock = Clock::start();
    assert_eq!(clock.at(0, IDLE, Stage::LameDuck), clock.wait_until(60));
    let idle = Seen {
        protocol: Protocol::Http2,
        ..IDLE
    };
    assert_eq!(clock.at(1, idle, Stage::LameDuck), Verdict::Shut);
    assert_eq!(clock.at(1, idle, Stage::LameDuck), clock.wait_until(3));
}

#[test]
fn a_stopping_listener_lets_a_begun_head_through() {
    let mut clock = Clock::start();
    let head = Seen {
        head_begun: true,
        ..IDLE
    };
    assert_eq!(clock.at(0, head, Stage::Stopping), clock.wait_until(10));
    let busy = Seen { open: 1, ..head };
    assert_eq!(clock.at(1, busy, Stage::Stopping), Verdict::Shut);
    assert_eq!(clock.at(1, busy, Stage::Stopping), Verdict::Wait(None));
    assert_eq!(clock.at(2, busy, Stage::Cut), Verdict::Close(Reason::Cut));
}

#[test]
fn a_silent_connection_gets_a_last_call_when_the_listener_stops() {
    let mut clock = Clock::start();
    let unknown = Seen {
        protocol: Protocol::Unknown,
        ..IDLE
    };
    let stopped = clock.start + Duration::from_secs(1);
    assert_eq!(
        clock.at(1, unknown, Stage::Stopping),
        Verdict::Wait(Some(stopped + LAST_CALL))
    );
    assert_eq!(
        clock.at(2, unknown, Stage::Stopping),
        Verdict::Close(Reason::FirstByte)
    );
}
