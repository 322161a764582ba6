use proptest::prelude::*;

use super::*;
use crate::auth::api_key::Pepper;
use crate::clock::Timestamp;
use crate::journal::record::Outcome;
use crate::secret::Secret;

fn seal(pepper: u8) -> Seal {
    Pepper::new(&[pepper; 32]).seal()
}

fn record() -> Record {
    Record::bare(Timestamp::from_millis(1), Outcome::Done)
}

#[test]
fn a_digest_takes_the_pepper() {
    let digest = |seal: &Seal| {
        let mut fields = seal.contents("user");
        fields.text("email", Some("ann@example.com"));
        seal.digest(&fields)
    };
    assert_eq!(digest(&seal(1)), digest(&seal(1)));
    assert_ne!(digest(&seal(1)), digest(&seal(2)));
    assert_ne!(
        seal(1).link(&Link::START, &record()),
        seal(2).link(&Link::START, &record())
    );
}

#[test]
fn neither_the_digest_of_a_key_nor_the_chain_gives_digests_of_contents_away() {
    // Whoever may import keys chooses what the pepper digests.
    let key = Pepper::new(&[1; 32]).digest(&Secret::from("\0dragoman audit contents"));
    let forged = Pepper::new(key.as_bytes());
    let Seal { contents, chain } = seal(1);
    let of = |mac: &Hmac<Sha256>| super::mac(mac, [b"ann"]);
    assert_ne!(of(&contents), of(&chain));
    // That this label would do is why a key may have no control characters, which the
    // configuration and the command line see to.
    assert_eq!(
        of(&contents),
        *forged.digest(&Secret::from("ann")).as_bytes()
    );
}

#[test]
fn fields_that_look_alike_when_joined_have_different_digests() {
    let seal = seal(1);
    let digest = |tell: &dyn Fn(&mut Fields)| {
        let mut fields = seal.contents("user");
        tell(&mut fields);
        seal.digest(&fields)
    };
    let lists: [&dyn Fn(&mut Fields); 7] = [
        &|_| {},
        &|fields| _ = fields.text("a", Some("")),
        &|fields| _ = fields.text("a", Some("bc")),
        &|fields| _ = fields.text("ab", Some("c")),
        &|fields| _ = fields.bytes("a", Some(b"bc")),
        &|fields| _ = fields.text("a", Some("b")).text("c", Some("")),
        &|fields| _ = fields.number("a", Some(0)),
    ];
    for (number, one) in lists.iter().enumerate() {
        for other in &lists[number + 1..] {
            assert_ne!(digest(one), digest(other), "{number}");
        }
    }
}

#[test]
fn a_link_is_read_as_it_is_written() {
    let link = seal(1).link(&Link::START, &record());
    assert_eq!(link.to_string().parse(), Ok(link));
    for text in ["", "0", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
        assert!(text.parse::<Link>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn every_attribute_of_a_record_is_in_its_link(which in 0_usize..19, text in ".{0,8}", number: i64) {
        let mut changed = record();
        let old = changed.clone();
        match which {
            0 => changed.id = number,
            1 => changed.at = Timestamp::from_millis(number),
            2 => changed.principal = Some(text),
            3 => changed.action = Some(text),
            4 => changed.account = Some(number),
            5 => changed.user = Some(number),
            6 => changed.group = Some(number),
            7 => changed.key = Some(number),
            8 => changed.source = Some(text),
            9 => changed.route = Some(text),
            10 => changed.request_id = Some(text),
            11 => changed.outcome = text,
            12 => changed.reason = Some(text),
            13 => changed.not_done = Some(text),
            14 => changed.password = Some(text),
            15 => changed.attempts = Some(number),
            16 => changed.before = Some(text.into_bytes()),
            17 => changed.after = Some(text.into_bytes()),
            _ => changed.hash = text.into_bytes(),
        }
        let same = seal(1).link(&Link::START, &changed) == seal(1).link(&Link::START, &old);
        prop_assert_eq!(same, Record { hash: Vec::new(), ..changed } == old);
    }
}
