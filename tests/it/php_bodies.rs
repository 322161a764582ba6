//! Form bodies, honest and hostile, made from a seed: the same ones on every run.

mod multipart;

use rand::prelude::*;
use rand::rngs::StdRng;

/// A body and the media type it is sent with.
pub(crate) struct Body {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// What names are made of: what PHP mangles, cuts off, takes apart or decodes.
const NAME_PIECES: &[&str] = &[
    "a",
    "a",
    "a",
    "b",
    "user",
    "user",
    "api_secret_key",
    "full_name",
    "o",
    "é",
    "0",
    "7",
    "-",
    "_",
    ".",
    " ",
    "+",
    "\t",
    "\n",
    "\r",
    "\u{b}",
    "\0",
    "[",
    "]",
    "[]",
    "[]",
    "[ ]",
    "[a]",
    "[b]",
    "[0]",
    "[1]",
    "[5]",
    "[-3]",
    "[-0]",
    "[007]",
    "[1.5]",
    "[ 1]",
    "[a b.c]",
    "[[",
    "]]",
    "[9223372036854775807]",
    "[9223372036854775808]",
    "[-9223372036854775808]",
    "[é]",
    "'",
    "\\",
    "/",
    ";",
    ":",
    "{",
    "}",
    "$",
    "GLOBALS",
    "this",
    "_POST",
    "\u{a0}",
    "\u{feff}",
    "ａ",
];

/// What only a urlencoded name or value is made of.
const ESCAPES: &[&str] = &[
    "%20",
    "%2B",
    "%2E",
    "%5B",
    "%5D",
    "%5b%5d",
    "%00",
    "%0a",
    "%0D",
    "%26",
    "%3D",
    "%25",
    "%2520",
    "%",
    "%%",
    "%4",
    "%zz",
    "%u0041",
    "%C3%A9",
    "%c3",
    "%FF",
    "%C0%AF",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "=",
    "==",
    ";",
    "?",
    "#",
];

const VALUE_PIECES: &[&str] = &[
    "",
    "1",
    "0",
    "yes",
    "no",
    "Ana Bell",
    "Zoë",
    "O'Brien",
    "a+b",
    "a b",
    "<b>",
    "\"",
    "\\",
    "\\\"",
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\t",
    "--",
    "[]",
    "{\"a\":1}",
    "😀",
    "\u{202e}",
    "\u{feff}",
    "é",
    "e\u{301}",
    ";",
    ",",
];

pub(crate) struct Bodies {
    random: StdRng,
    /// Every other body has little that is strange, so that not everything is refused.
    calm: bool,
}

impl Bodies {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            calm: false,
        }
    }

    pub(crate) fn urlencoded(&mut self) -> Body {
        self.calm = !self.calm;
        let fields = self.field_count();
        let mut bytes = Vec::new();
        for _ in 0..fields {
            let (name, value) = (self.escaped(NAME_PIECES), self.escaped(VALUE_PIECES));
            bytes.extend_from_slice(name.as_bytes());
            if self.one_in(20) {
                bytes.extend_from_slice(self.pick(&["", "==", "=&="]).as_bytes());
            } else {
                bytes.push(b'=');
            }
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(self.separator().as_bytes());
        }
        if self.one_in(4) {
            bytes.pop();
        }
        if self.one_in(10) {
            self.damage(&mut bytes);
        }
        let content_type = match self.below(30) {
            0 => "application/x-www-form-urlencoded; charset=UTF-8",
            1 => "Application/X-WWW-Form-URLencoded",
            2 => "application/x-www-form-urlencoded;charset=utf-8;x=y",
            3 => "application/x-www-form-urlencoded,text/plain",
            4 => "application/x-www-form-urlencoded x",
            5 => "application/x-www-form-urlencodedx",
            6 => "text/plain",
            _ => "application/x-www-form-urlencoded",
        };
        Body {
            content_type: content_type.to_owned(),
            bytes,
        }
    }

    fn separator(&mut self) -> &'static str {
        match self.below(30) {
            0 => "&&",
            1 => ";",
            2 => "&amp;",
            3 => "&=&",
            _ => "&",
        }
    }

    /// Mostly few; sometimes about as many as Dragoman or PHP takes.
    fn field_count(&mut self) -> usize {
        match self.below(500) {
            0 => self.random.random_range(250..260),
            1 => self.random.random_range(995..1005),
            2..=10 => 0,
            11..=60 => self.random.random_range(6..30),
            _ => self.random.random_range(1..6),
        }
    }

    fn plain(&mut self, pieces: &[&str], most: usize) -> String {
        if self.one_in(300) {
            let length = self.random.random_range(100..300);
            return "n".repeat(length);
        }
        let count = self.random.random_range(1..=most);
        (0..count).map(|_| self.piece(pieces)).collect()
    }

    fn piece(&mut self, pieces: &[&str]) -> String {
        if self.below(5) > 0 {
            self.pick(&pieces[..8]).to_owned()
        } else {
            self.pick(pieces).to_owned()
        }
    }

    fn escaped(&mut self, pieces: &[&str]) -> String {
        let mut text = self.plain(pieces, 4).replace(['&', '='], "");
        if self.one_in(3) {
            text.push_str(self.pick(ESCAPES));
            text.push_str(&self.piece(pieces));
        }
        if self.one_in(8) {
            text = text.replace('[', "%5B").replace(' ', "%20");
        }
        text
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.random.random_range(0..bytes.len());
        match self.random.random_range(0..5) {
            0 => bytes[at] = self.random.random(),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, self.random.random()),
            3 => drop(bytes.remove(at)),
            _ => {
                let end = self.random.random_range(at..=bytes.len().min(at + 20));
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from.choose(&mut self.random).unwrap()
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    /// A number that is seldom a small one in a calm body.
    fn below(&mut self, count: u32) -> u32 {
        let count = if self.calm { count * 8 } else { count };
        self.random.random_range(0..count)
    }
}
