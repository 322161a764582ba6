use super::*;

const LIMIT: usize = 16 * 1024;

/// What of the pieces goes on, and what becomes of the rest.
fn pass<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<u16>) {
    let mut guard = HeadGuard::new(LIMIT);
    let (mut held, mut passed) = (Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let length = guard.judge(&held);
        passed.extend(held.drain(..length));
    }
    let refused = match guard.state {
        State::RefusedHead(refusal) | State::RefusedBody(refusal) => Some(refusal.status),
        State::Head
        | State::Length(_)
        | State::Chunks(_)
        | State::Asked
        | State::Left
        | State::Sealed => {
            assert!(held.len() < 4, "{held:?} is held back");
            None
        }
    };
    (passed, refused)
}

const PIPELINE: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /b HTTP/1.1\r\nhOST: x:80\r\nContent-Length: 5\r\n\r\nGET /\
    \r\nPOST http://x/c HTTP/1.1\r\nHost: X\r\nTransfer-Encoding: Chunked\r\n\r\n\
    3\r\nabc\r\nA;name=\"value\"\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n\
    OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX-Tab: a\tb\r\nX-High: \xe4\r\n\r\n\
    GET /d HTTP/1.0\r\n\r\n";

#[test]
fn good_requests_pass_in_whatever_pieces_they_come() {
    assert_eq!(pass([PIPELINE]), (PIPELINE.to_vec(), None));
    assert_eq!(pass(PIPELINE.chunks(1)), (PIPELINE.to_vec(), None));
    for cut in 0..PIPELINE.len() {
        let (left, right) = PIPELINE.split_at(cut);
        assert_eq!(pass([left, right]), (PIPELINE.to_vec(), None), "{cut}");
    }
}

#[test]
fn a_refused_head_goes_nowhere_in_whatever_pieces_it_comes() {
    let bad = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let all = [PIPELINE, bad].concat();
    for size in [1, 2, 7, 64, all.len()] {
        assert_eq!(
            pass(all.chunks(size)),
            (PIPELINE.to_vec(), Some(400)),
            "{size}"
        );
    }
}

#[test]
fn nothing_of_a_head_goes_on_before_all_of_it_is_there() {
    let mut guard = HeadGuard::new(LIMIT);
    let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for end in 0..head.len() {
        assert_eq!(guard.judge(&head[..end]), 0);
    }
    assert_eq!(guard.judge(head), head.len());
}

#[test]
fn chunks_that_others_may_read_otherwise_end_the_body() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = format!("1;{}\r\na\r\n", "x".repeat(256));
    for chunks in [
        "3\nabc\r\n",
        "3 \r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "-1\r\n",
        "\r\n",
        "+3\r\nabc\r\n",
        "1000000000000003\r\nabc\r\n",
        &long,
        "3;a\rb\r\nabc\r\n",
        "0\r\nno trailer\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n folded\r\n\r\n",
    ] {
        let all = [&head[..], chunks.as_bytes()].concat();
        let (passed, refused) = pass([&all[..]]);
        assert_eq!(refused, Some(400), "{chunks:?}");
        // The last chunk of those with bad trailers is good.
        assert!(passed.len() <= head.len() + 3, "{chunks:?}");
    }
    let all = [&head[..], b"3\r\nabcd\r\n"].concat();
    assert_eq!(
        pass([&all[..]]).1,
        Some(400),
        "a chunk is longer than it says"
    );
}

#[test]
fn what_is_too_large_is_refused_before_it_ends() {
    let long = "x".repeat(LIMIT);
    assert_eq!(pass([format!("GET /{long}").as_bytes()]).1, Some(414));
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {long}");
    assert_eq!(pass([head.as_bytes()]).1, Some(431));
    let trailers = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}",
        "A: 1\r\n".repeat(LIMIT / 6 + 1)
    );
    assert_eq!(pass([trailers.as_bytes()]).1, Some(400));
}

#[test]
fn a_refusal_is_told_once_and_nothing_follows_it() {
    let mut guard = HeadGuard::new(LIMIT);
    assert!(guard.refusal().is_none());
    assert_eq!(guard.judge(b"TRACE / HTTP/1.1\r\n"), 0);
    assert_eq!(
        guard.refusal().unwrap().unwrap(),
        b"-501 / HTTP/1.1\r\n\r\n"
    );
    assert!(guard.refusal().is_none() && guard.is_sealed());
    assert_eq!(guard.judge(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    let stands_for = |method: &str| answer(&method.parse().unwrap());
    assert_eq!(stands_for("-431").unwrap(), 431);
    assert_eq!(stands_for("-x").unwrap(), 400);
    assert_eq!(stands_for("POST"), None);
}

#[test]
fn behind_an_upgrade_nothing_goes_on_before_its_answer_and_anything_after_it() {
    let asks =
        b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let frame = b"\x81\x05hello\n";
    let asked = || {
        let mut guard = HeadGuard::new(LIMIT);
        assert_eq!(guard.judge(asks), asks.len());
        assert!(guard.asks());
        guard
    };
    let mut left = asked();
    left.answered(true);
    assert_eq!(left.judge(frame), frame.len());

    let mut stayed = asked();
    stayed.answered(false);
    assert_eq!(stayed.judge(PIPELINE), PIPELINE.len());

    let mut early = asked();
    assert_eq!(early.judge(PIPELINE), 0);
    assert!(early.refusal().unwrap().is_err());
    early.answered(true);
    assert_eq!(early.judge(frame), 0);

    let mut pipelined = HeadGuard::new(LIMIT);
    assert_eq!(pipelined.judge(&[&asks[..], frame].concat()), asks.len());
    assert!(pipelined.refusal().unwrap().is_err());
}
