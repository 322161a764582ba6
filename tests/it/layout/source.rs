//! Rust source as tokens: no comments, no text literals, nothing that is compiled for tests only.

use std::iter::Peekable;
use std::str::Chars;

/// A token, as far as imports are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or a keyword; a raw one without its `r#`.
    Word(String),
    /// `::`
    Colons,
    /// Any other mark.
    Mark(char),
    /// A number, a character, a string or a lifetime: what is in it does not matter.
    Literal,
}

impl Token {
    /// Whether it is that name or keyword.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    /// Whether it is that mark.
    pub(super) fn is_mark(&self, mark: char) -> bool {
        *self == Self::Mark(mark)
    }
}

/// Reads a file's source. A file that is compiled for tests only has no tokens.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let all = all_tokens(source);
    if starts_with_test_cfg(&all, &['#', '!']) {
        return Vec::new();
    }
    without_tests(&all)
}

/// The modules that a file declares for tests only: `#[cfg(test)] mod NAME;`.
pub(super) fn test_modules(source: &str) -> Vec<String> {
    let all = all_tokens(source);
    let mut names = Vec::new();
    for start in 0..all.len() {
        let rest = all.get(start..).unwrap_or_default();
        if !starts_with_test_cfg(rest, &['#']) {
            continue;
        }
        let item = skip_attributes(rest);
        if let [keyword, Token::Word(name), end, ..] = item
            && keyword.is_word("mod")
            && end.is_mark(';')
        {
            names.push(name.clone());
        }
    }
    names
}

fn all_tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '/' if rest.peek() == Some(&'/') => skip_line(&mut rest),
            '/' if rest.peek() == Some(&'*') => skip_block(&mut rest),
            '"' => {
                skip_text(&mut rest);
                tokens.push(Token::Literal);
            }
            '\'' => {
                skip_character_or_lifetime(&mut rest);
                tokens.push(Token::Literal);
            }
            ':' if rest.next_if_eq(&':').is_some() => tokens.push(Token::Colons),
            _ if first.is_ascii_digit() => {
                take_word(first, &mut rest);
                tokens.push(Token::Literal);
            }
            _ if is_of_word(first) => tokens.push(word_or_prefixed(first, &mut rest)),
            _ if first.is_whitespace() => {}
            _ => tokens.push(Token::Mark(first)),
        }
    }
    tokens
}

fn is_of_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn take_word(first: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::from(first);
    while let Some(next) = rest.next_if(|next| is_of_word(*next)) {
        word.push(next);
    }
    word
}

/// A word, a raw identifier, or a literal with a prefix such as `b"…"` and `r#"…"#`.
fn word_or_prefixed(first: char, rest: &mut Peekable<Chars<'_>>) -> Token {
    let word = take_word(first, rest);
    let raw = matches!(word.as_str(), "r" | "br" | "cr");
    match rest.peek() {
        Some('"') if raw => skip_raw_text(rest),
        Some('#') if raw => {
            let mut ahead = rest.clone();
            ahead.next();
            if word == "r" && ahead.peek().is_some_and(|next| is_of_word(*next)) {
                rest.next();
                let name = rest.next().map(|initial| take_word(initial, rest));
                return Token::Word(name.unwrap_or_default());
            }
            skip_raw_text(rest);
        }
        Some('"') if matches!(word.as_str(), "b" | "c") => {
            rest.next();
            skip_text(rest);
        }
        Some('\'') if word == "b" => {
            rest.next();
            skip_character_or_lifetime(rest);
        }
        _ => return Token::Word(word),
    }
    Token::Literal
}

fn skip_line(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| *next != '\n').is_some() {}
}

/// Block comments nest.
fn skip_block(rest: &mut Peekable<Chars<'_>>) {
    let mut depth = 0;
    let mut before = '/';
    for next in rest.by_ref() {
        match (before, next) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                before = next;
                continue;
            }
        }
        before = ' ';
        if depth == 0 {
            return;
        }
    }
}

fn skip_text(rest: &mut Peekable<Chars<'_>>) {
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                rest.next();
            }
            '"' => return,
            _ => {}
        }
    }
}

fn skip_raw_text(rest: &mut Peekable<Chars<'_>>) {
    let mut hashes = 0;
    while rest.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    rest.next();
    while let Some(next) = rest.next() {
        if next != '"' {
            continue;
        }
        let mut seen = 0;
        while seen < hashes && rest.next_if_eq(&'#').is_some() {
            seen += 1;
        }
        if seen == hashes {
            return;
        }
    }
}

/// `'a'`, `'\n'` and `'('` end with a quote, the lifetime `'a` does not.
fn skip_character_or_lifetime(rest: &mut Peekable<Chars<'_>>) {
    let Some(first) = rest.next() else { return };
    if first == '\\' {
        rest.next();
        while rest.next_if(|next| *next != '\'').is_some() {}
        rest.next();
    } else if rest.next_if_eq(&'\'').is_none() && is_of_word(first) {
        take_word(first, rest);
    }
}

/// Whether the tokens begin with `opening` and `[cfg(test)]`, or any other condition that names
/// `test` and not its negation.
fn starts_with_test_cfg(tokens: &[Token], opening: &[char]) -> bool {
    let Some((head, attribute)) = tokens.split_at_checked(opening.len()) else {
        return false;
    };
    let opened = head
        .iter()
        .zip(opening)
        .all(|(token, mark)| token.is_mark(*mark));
    let [bracket, cfg, _, ..] = attribute else {
        return false;
    };
    if !opened || !bracket.is_mark('[') || !cfg.is_word("cfg") {
        return false;
    }
    let condition = attribute
        .get(2..group_length(attribute))
        .unwrap_or_default();
    condition.iter().any(|token| token.is_word("test"))
        && !condition
            .iter()
            .any(|token| token.is_word("not") || token.is_word("any"))
}

/// What begins an item that `#[cfg(test)]` can take away whole. Before anything else, a field or an
/// expression, it takes nothing away here, so that the rest of the file is checked all the same.
const ITEMS: [&str; 13] = [
    "pub",
    "mod",
    "use",
    "fn",
    "impl",
    "struct",
    "enum",
    "const",
    "static",
    "trait",
    "type",
    "async",
    "macro_rules",
];

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if starts_with_test_cfg(rest, &['#']) {
            let item = skip_attributes(rest);
            let begins = item
                .first()
                .is_some_and(|token| ITEMS.iter().any(|word| token.is_word(word)));
            if begins {
                rest = item.get(item_length(item)..).unwrap_or_default();
                continue;
            }
        }
        kept.push(first.clone());
        rest = after;
    }
    kept
}

fn skip_attributes(mut tokens: &[Token]) -> &[Token] {
    while let [hash, attribute @ ..] = tokens {
        let opens = attribute.first().is_some_and(|token| token.is_mark('['));
        if !hash.is_mark('#') || !opens {
            break;
        }
        tokens = attribute.get(group_length(attribute)..).unwrap_or_default();
    }
    tokens
}

/// How many tokens an item has: up to its `;`, or up to the end of its first `{…}`.
fn item_length(tokens: &[Token]) -> usize {
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        let rest = tokens.get(position..).unwrap_or_default();
        match token {
            Token::Mark('{') => return position + group_length(rest),
            Token::Mark(';') => return position + 1,
            Token::Mark('(' | '[') => position += group_length(rest),
            Token::Mark(_) | Token::Word(_) | Token::Colons | Token::Literal => position += 1,
        }
    }
    position
}

/// How many tokens there are from an opening bracket to its closing one, both counted.
fn group_length(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (position, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Token::Mark(_) | Token::Word(_) | Token::Colons | Token::Literal => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    tokens.len()
}

fn words(source: &str) -> Vec<String> {
    let named = |token| match token {
        Token::Word(word) => Some(word),
        Token::Colons | Token::Mark(_) | Token::Literal => None,
    };
    tokens(source).into_iter().filter_map(named).collect()
}

#[test]
fn comments_and_literals_hide_what_is_in_them_and_nothing_after_them() {
    let source = r###"
        // hidden
        /* hidden /* hidden */ hidden */ a
        "hidden \" hidden" b
        r##"hidden "# hidden"## c b"hidden" br#"hidden"# d
        '"' e '\'' f '\u{1F600}' g b'"' h
        &'static i  'outer: loop r#use 1.0e5 0xff_u8
    "###;
    let seen = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "loop", "use"];
    assert_eq!(words(source), seen);
}

#[test]
fn what_is_compiled_for_tests_only_is_taken_away_and_nothing_else() {
    let source = "
        #[cfg(test)] use hidden::{Hidden, More};
        #[cfg(test)] #[derive(Hidden)] struct Hidden { hidden: u8 }
        #[cfg(all(test, unix))] mod hidden { fn hidden() { hidden(); } }
        #[cfg(test)] mod hidden;
        a
        #[cfg(not(test))] b
        #[cfg(any(test, unix))] c
    ";
    let seen = [
        "a", "cfg", "not", "test", "b", "cfg", "any", "test", "unix", "c",
    ];
    assert_eq!(words(source), seen);
    assert_eq!(words("#![cfg(test)] hidden"), [""; 0]);
    assert_eq!(test_modules(source), ["hidden"]);
}
