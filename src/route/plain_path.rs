//! Which paths can be an API's.

/// Whether a path can be read in one way only: no empty, `.` or `..` segment and none with parameters, no
/// backslash, and no escape of a dot, a slash, a backslash, NUL, a percent sign or an overlong character.
pub fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let escapes_much = bytes.windows(3).any(|window| {
        let code = window.strip_prefix(b"%");
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        code.is_some_and(|code| {
            ["00", "25", "2e", "2f", "5c", "c0", "c1"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(code))
        })
    });
    !escapes_much
        && !bytes.iter().any(|byte| b"\\;".contains(byte))
        && !path.contains("//")
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_if_it_can_be_read_in_one_way_only() {
        for path in ["/", "/api/v1/users/1/", "/a.b/..c", "/%20%e4"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "//", "/a/../b", "/.", "/a;b", "/a\\b", "/%2E", "/%2f", "/%5C", "/%00", "/%252f",
            "/%C0%af",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
