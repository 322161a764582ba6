//! Which paths can be an API's.

/// Whether a path can be read in one way only: no empty, `.` or `..` segment and none with parameters, no
/// backslash, and no escape of a dot, a slash, a backslash, NUL, a percent sign or an overlong character.
pub fn is_plain(path: &str) -> bool {
    let mut segments = path.as_bytes().split(|&byte| byte == b'/').peekable();
    let mut is_first = true;
    while let Some(segment) = segments.next() {
        let is_inside = !is_first && segments.peek().is_some();
        if (segment.is_empty() && is_inside) || !is_plain_segment(segment) {
            return false;
        }
        is_first = false;
    }
    true
}

fn is_plain_segment(segment: &[u8]) -> bool {
    let escapes_much = |at: usize| {
        let code = segment.get(at + 1..at + 3).unwrap_or_default();
        [b"00", b"25", b"2e", b"2f", b"5c", b"c0", b"c1"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(code))
    };
    let mut bytes = segment.iter().enumerate();
    !matches!(segment, b"." | b"..")
        && bytes.all(|(at, byte)| match byte {
            b'\\' | b';' => false,
            b'%' => !escapes_much(at),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_if_it_can_be_read_in_one_way_only() {
        for path in [
            "",
            "/",
            "a",
            "/api/v1/users/1/",
            "/a.b/..c",
            "/%20%e4",
            "/%",
            "/%2",
        ] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "//", "/a//", "//a", "/a//b", "/a/../b", "/.", "/a;b", "/a\\b", "/%2E", "/%2f", "/%5C",
            "/%00", "/%252f", "/%C0%af",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
