//! An answer that is cut short, at any byte and in any framing, is not taken for a whole one.

use dragoman::client::{Cause, Failure, Sent, Unbounded};
use http::Response;

use bytes::Bytes;

use crate::client_fixture::{ask, client};
use crate::fault_server::{Act, End, FaultServer, in_chunks, until_close, with_length};

const OFFSETS: usize = 200;

/// The answer cut at each offset, and how each was judged.
async fn cut_everywhere(bytes: Vec<u8>, end: End) -> Vec<Result<Response<Bytes>, Failure>> {
    assert!(bytes.len() > OFFSETS, "{} bytes", bytes.len());
    let server = FaultServer::start(move |seen| Act::cut(&bytes, seen.number, end.clone())).await;
    let client = client(server.address);
    let mut answers = Vec::new();
    for _ in 0..OFFSETS {
        answers.push(ask(&client).await);
    }
    assert_eq!(server.connections(), OFFSETS);
    assert_eq!(server.requests().len(), OFFSETS);
    answers
}

fn assert_failed(offset: usize, answered: &Result<Response<Bytes>, Failure>) {
    let failure = answered
        .as_ref()
        .expect_err(&format!("an answer cut at {offset} was taken for whole"));
    assert_eq!(failure.sent, Sent::Maybe, "{offset}");
    let is_named = matches!(failure.cause, Cause::Reset | Cause::Truncated);
    assert!(is_named, "{offset}: {failure}");
}

#[tokio::test]
async fn an_answer_with_a_length_or_chunks_that_is_cut_is_none() {
    let body = "0123456789".repeat(20);
    for bytes in [with_length(&body), in_chunks(&body)] {
        for end in [End::Close, End::Reset] {
            let answers = cut_everywhere(bytes.clone(), end).await;
            for (offset, answered) in answers.iter().enumerate() {
                assert_failed(offset, answered);
            }
        }
    }
}

/// RFC 9112, section 8: such an answer cannot be told from a whole one. It says so.
#[tokio::test]
async fn an_answer_up_to_the_end_of_the_connection_is_marked_and_none_if_that_is_reset() {
    let body = "0123456789".repeat(20);
    let bytes = until_close(&body);
    let head = bytes.len() - body.len();

    let answers = cut_everywhere(bytes.clone(), End::Close).await;
    for (offset, answered) in answers.iter().enumerate() {
        if offset < head {
            assert_failed(offset, answered);
            continue;
        }
        let answer = answered.as_ref().unwrap();
        assert_eq!(answer.body()[..], bytes[head..offset]);
        assert!(answer.extensions().get::<Unbounded>().is_some(), "{offset}");
    }

    let answers = cut_everywhere(bytes, End::Reset).await;
    for (offset, answered) in answers.iter().enumerate() {
        assert_failed(offset, answered);
    }
}
