use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

/// Version 1 or 2 of the header of a connection.
fn written(version: u8, source: SocketAddr, target: SocketAddr, extensions: &[u8]) -> Vec<u8> {
    if version == 1 {
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (from, to) = (source.port(), target.port());
        let (source, target) = (source.ip(), target.ip());
        return format!("PROXY {family} {source} {target} {from} {to}\r\n").into_bytes();
    }
    let mut addresses = Vec::new();
    for address in [source, target] {
        match address {
            SocketAddr::V4(address) => addresses.extend(address.ip().octets()),
            SocketAddr::V6(address) => addresses.extend(address.ip().octets()),
        }
    }
    addresses.extend(source.port().to_be_bytes());
    addresses.extend(target.port().to_be_bytes());
    addresses.extend(extensions);
    block(0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, &addresses)
}

fn block(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn addresses() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let four = any::<([u8; 4], u16)>().prop_map(SocketAddr::from);
    let six = any::<([u8; 16], u16)>().prop_map(SocketAddr::from);
    prop_oneof![(four.clone(), four), (six.clone(), six)]
}

proptest! {
    #[test]
    fn any_bytes_are_a_header_or_a_fault_and_no_panic(bytes: Vec<u8>) {
        if let Ok(Some(header)) = parse(&bytes) {
            prop_assert!(header.length <= bytes.len());
        }
    }

    #[test]
    fn any_bytes_behind_a_right_beginning_are_no_panic(version in 0..3, bytes: Vec<u8>) {
        let beginning: &[u8] = match version {
            0 => SIGNATURE,
            1 => b"PROXY TCP4 ",
            _ => b"\r\n\r\n\0\r\nQUIT\n\x21\x21",
        };
        let bytes = [beginning, &bytes].concat();
        if let Ok(Some(header)) = parse(&bytes) {
            prop_assert!(header.length <= bytes.len());
        }
    }

    #[test]
    fn what_was_written_is_read_whatever_follows_and_no_part_of_it_is_enough(
        version in 1..3_u8,
        (source, target) in addresses(),
        extensions in proptest::collection::vec(any::<u8>(), 0..300),
        behind: Vec<u8>,
    ) {
        let header = written(version, source, target, &extensions);
        for length in 0..header.len() {
            prop_assert_eq!(parse(&header[..length]).unwrap(), None);
        }
        let expected = Header { length: header.len(), source: Some(canonical(source)) };
        let bytes = [header, behind].concat();
        prop_assert_eq!(parse(&bytes).unwrap(), Some(expected));
    }

    #[test]
    fn a_header_in_any_pieces_is_read_and_what_is_behind_it_is_kept(
        version in 1..3_u8,
        (source, target) in addresses(),
        piece in 1..200_usize,
    ) {
        let mut bytes = written(version, source, target, &[]);
        bytes.extend(b"GET / HTTP/1.1\r\n");
        let mut stream = Pieces { bytes: &bytes, piece };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, behind) = runtime.block_on(read(&mut stream)).unwrap();
        prop_assert_eq!(found, Some(canonical(source)));
        let behind = [behind.as_ref(), stream.bytes].concat();
        prop_assert_eq!(behind, b"GET / HTTP/1.1\r\n");
    }
}

/// Bytes that arrive in pieces of that length.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let length = self.piece.min(self.bytes.len()).min(buffer.remaining());
        let (piece, rest) = self.bytes.split_at(length);
        buffer.put_slice(piece);
        self.bytes = rest;
        std::task::Poll::Ready(Ok(()))
    }
}

#[test]
fn a_proxy_that_speaks_for_itself_or_for_nobody_it_knows_names_no_source() {
    let nobody = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN ffff:f::ffff ffff:f::ffff 65535 65535\r\n".to_vec(),
        block(0x20, 0x00, &[]),
        block(0x20, 0x11, &[1; 12]),
        block(0x20, 0xff, &[]),
        block(0x21, 0x00, b"extension"),
        block(0x21, 0x31, &[b'/'; 216]),
    ];
    for header in nobody {
        let length = header.len();
        let source = None;
        assert_eq!(parse(&header).unwrap(), Some(Header { length, source }));
    }
}

#[test]
fn what_is_not_of_the_form_is_a_fault() {
    let long_line = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE));
    for line in [
        "GET / HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 x\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 example.com 1 2\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 2001:db8::1%lo 2001:db8::2 1 2\r\n",
        long_line.as_str(),
    ] {
        assert!(parse(line.as_bytes()).is_err(), "{line:?}");
    }
    for header in [
        block(0x11, 0x11, &[1; 12]),
        block(0x22, 0x11, &[1; 12]),
        block(0x21, 0x12, &[1; 12]),
        block(0x21, 0x22, &[1; 36]),
        block(0x21, 0x11, &[1; 11]),
        block(0x21, 0x21, &[1; 35]),
        block(0x21, 0x11, &[1; LONGEST_BLOCK]),
    ] {
        assert!(parse(&header).is_err(), "{header:?}");
    }
}
