//! Fields and files as a `multipart/form-data` body.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::framing::form::File;

/// What a part has besides its name and its contents, more or less.
const PART_BYTES: usize = 160;

/// Writes fields, then files: the `Content-Type`, and the body. Nothing may have a control character
/// but values and contents; quotes and backslashes are written as PHP reads them.
pub fn encode(fields: &[(&str, &str)], files: &[(&str, File<'_>)]) -> (String, Vec<u8>) {
    let boundary = boundary(fields, files);
    let sizes = fields.iter().map(|(name, value)| name.len() + value.len());
    let contents = files.iter().map(|(_, file)| file.bytes.len());
    let parts = fields.len() + files.len() + 1;
    let mut body = Vec::with_capacity(sizes.chain(contents).sum::<usize>() + parts * PART_BYTES);
    for (name, value) in fields {
        open(&mut body, &boundary, name);
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    for (name, file) in files {
        open(&mut body, &boundary, name);
        body.extend_from_slice(b"; filename=\"");
        push_quoted(&mut body, &file.filename);
        body.push(b'"');
        if !file.content_type.is_empty() {
            body.extend_from_slice(b"\r\nContent-Type: ");
            body.extend_from_slice(file.content_type.as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(file.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A digest of everything that is written: nobody can send what holds its own.
fn boundary(fields: &[(&str, &str)], files: &[(&str, File<'_>)]) -> String {
    let mut digest = Sha256::new();
    for (name, value) in fields {
        digest.update(name);
        digest.update([0]);
        digest.update(value);
        digest.update([0]);
    }
    for (name, file) in files {
        digest.update(name);
        digest.update([0]);
        digest.update(file.bytes);
        digest.update([0]);
    }
    let mut boundary = String::from("dragoman-");
    for byte in digest.finalize().iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(boundary, "{byte:02x}");
    }
    boundary
}

fn open(body: &mut Vec<u8>, boundary: &str, name: &str) {
    body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
    body.extend_from_slice(b"Content-Disposition: form-data; name=\"");
    push_quoted(body, name);
    body.push(b'"');
}

fn push_quoted(body: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            body.push(b'\\');
        }
        body.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::framing::form::{Form, Value};
    use crate::route::FormLimits;

    #[test]
    fn what_is_written_is_read_again_byte_for_byte() {
        let file = File {
            filename: r#"a "b" \ c.png"#.into(),
            content_type: "image/png".into(),
            bytes: b"--dragoman-\r\n\0\xff\r\n",
        };
        let bare = File {
            filename: "x".into(),
            content_type: "".into(),
            bytes: b"",
        };
        let fields = [("message", "two\r\nlines"), ("to[a]", "Zo\u{eb}")];
        let (content_type, body) = encode(&fields, &[("files[0]", file.clone()), ("b", bare)]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        let form = Form::decode(&headers, &body, &FormLimits::default()).unwrap();
        let value = |name: &str| form.entry(name).unwrap().value.clone();
        assert_eq!(value("message"), Value::Text("two\r\nlines".into()));
        let to = vec![("a".into(), Value::Text("Zo\u{eb}".into()))];
        assert_eq!(value("to"), Value::Array(to));
        let files = vec![("0".into(), Value::File(Box::new(file)))];
        assert_eq!(value("files"), Value::Array(files));
        assert!(matches!(value("b"), Value::File(_)));
    }

    #[test]
    fn a_boundary_in_the_data_is_another_one() {
        let boundary_of = |value: &str| boundary(&[("a", value)], &[]);
        let first = boundary_of("x");
        assert_ne!(boundary_of(&format!("\r\n--{first}--")), first);
    }
}
