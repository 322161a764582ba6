//! Every path that a file names, written out from the root of the crate or from another crate.

use std::collections::HashMap;

use super::source::Token;

/// A path without aliases: its first segment is `crate` or the name of another crate or of a thing
/// in scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The segments; the last one is `*` in an import of everything.
    pub(super) segments: Vec<String>,
}

impl Path {
    /// The segments below the root of this crate, which the binary calls by its name; nothing for a
    /// path to elsewhere.
    pub(super) fn in_crate(&self) -> Option<&[String]> {
        match self.segments.as_slice() {
            [first, rest @ ..] if first == "crate" || first == "dragoman" => Some(rest),
            _ => None,
        }
    }
}

/// The paths in the tokens of the file of `module`, which is its path below the root of the crate.
pub(super) fn paths(module: &[String], tokens: &[Token]) -> Vec<Path> {
    let mut reader = Reader {
        module: module.to_vec(),
        depth: 0,
        inner: Vec::new(),
        names: HashMap::new(),
        found: Vec::new(),
    };
    reader.read(tokens);
    reader.found
}

struct Reader {
    module: Vec<String>,
    depth: usize,
    /// The depths of the braces of the modules that are written inside this file.
    inner: Vec<usize>,
    /// What imports made of a name.
    names: HashMap<String, Vec<String>>,
    found: Vec<Path>,
}

impl Reader {
    fn read(&mut self, mut rest: &[Token]) {
        while let Some((first, after)) = rest.split_first() {
            rest = match (first, after) {
                (Token::Word(word), _) if word == "use" => self.read_use(after),
                (Token::Word(word), [Token::Word(name), brace, ..])
                    if word == "mod" && brace.is_mark('{') =>
                {
                    self.enter_module(name);
                    after.get(2..).unwrap_or_default()
                }
                (Token::Word(word), [Token::Word(name), end, ..])
                    if word == "mod" && end.is_mark(';') =>
                {
                    self.declare_module(name);
                    after.get(2..).unwrap_or_default()
                }
                (Token::Word(word), _) => self.read_path(word, after),
                (Token::Mark(mark), _) => {
                    self.count_brace(*mark);
                    after
                }
                (Token::Colons | Token::Literal, _) => after,
            };
        }
    }

    fn enter_module(&mut self, name: &str) {
        self.declare_module(name);
        self.module.push(name.to_owned());
        self.depth += 1;
        self.inner.push(self.depth);
    }

    fn declare_module(&mut self, name: &str) {
        let mut path = vec!["crate".to_owned()];
        path.extend_from_slice(&self.module);
        path.push(name.to_owned());
        self.names.insert(name.to_owned(), path);
    }

    fn count_brace(&mut self, mark: char) {
        match mark {
            '{' => self.depth += 1,
            '}' => {
                if self.inner.last() == Some(&self.depth) {
                    self.inner.pop();
                    self.module.pop();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// A path in code: `a::b::c`.
    fn read_path<'t>(&mut self, first: &str, mut rest: &'t [Token]) -> &'t [Token] {
        let mut segments = vec![first.to_owned()];
        while let [Token::Colons, Token::Word(next), after @ ..] = rest {
            segments.push(next.clone());
            rest = after;
        }
        if segments.len() > 1 {
            let segments = self.absolute(segments);
            self.found.push(Path { segments });
        }
        rest
    }

    /// What follows `use`: a tree of paths.
    fn read_use<'t>(&mut self, tokens: &'t [Token]) -> &'t [Token] {
        self.read_tree(&[], tokens)
    }

    fn read_tree<'t>(&mut self, prefix: &[String], mut rest: &'t [Token]) -> &'t [Token] {
        let mut segments = prefix.to_vec();
        while let Some((first, after)) = rest.split_first() {
            match first {
                Token::Word(word) if word == "as" => return self.read_alias(segments, after),
                Token::Word(word) => segments.push(word.clone()),
                Token::Mark('*') => segments.push("*".to_owned()),
                Token::Mark('{') => return self.read_branches(&segments, after),
                Token::Mark(_) => break,
                Token::Colons | Token::Literal => {}
            }
            rest = after;
        }
        let name = segments.iter().rfind(|segment| *segment != "self").cloned();
        self.import(name.unwrap_or_default(), segments);
        rest
    }

    fn read_branches<'t>(&mut self, prefix: &[String], mut rest: &'t [Token]) -> &'t [Token] {
        while let Some((first, after)) = rest.split_first() {
            rest = match first {
                Token::Mark('}') => return after,
                Token::Mark(',') => after,
                Token::Word(_) | Token::Colons | Token::Mark(_) | Token::Literal => {
                    self.read_tree(prefix, rest)
                }
            };
        }
        rest
    }

    fn read_alias<'t>(&mut self, segments: Vec<String>, rest: &'t [Token]) -> &'t [Token] {
        let Some((Token::Word(alias), after)) = rest.split_first() else {
            return rest;
        };
        self.import(alias.clone(), segments);
        after
    }

    fn import(&mut self, name: String, mut segments: Vec<String>) {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        if segments.is_empty() {
            // `use<'a>` captures a lifetime and imports nothing.
            return;
        }
        let segments = self.absolute(segments);
        self.names.insert(name, segments.clone());
        self.found.push(Path { segments });
    }

    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let Some((first, rest)) = segments.split_first() else {
            return segments;
        };
        let mut path = vec!["crate".to_owned()];
        match first.as_str() {
            "self" => path.extend_from_slice(&self.module),
            "super" => {
                let ups = segments
                    .iter()
                    .take_while(|segment| *segment == "super")
                    .count();
                let kept = self.module.len().saturating_sub(ups);
                path.extend(self.module.iter().take(kept).cloned());
                path.extend(segments.into_iter().skip(ups));
                return path;
            }
            name => match self.names.get(name) {
                Some(known) => path.clone_from(known),
                None => return segments,
            },
        }
        path.extend_from_slice(rest);
        path
    }
}

fn read(module: &[&str], source: &str) -> Vec<String> {
    let module: Vec<String> = module.iter().map(ToString::to_string).collect();
    let found = paths(&module, &super::source::tokens(source));
    found
        .into_iter()
        .map(|path| path.segments.join("::"))
        .collect()
}

#[test]
fn nested_braces_and_aliases_are_written_out() {
    let source = "use crate::{a::{self, B as C, d::*}, e}; fn f() { C::new(); e::g() }";
    let seen = [
        "crate::a",
        "crate::a::B",
        "crate::a::d::*",
        "crate::e",
        "crate::a::B::new",
        "crate::e::g",
    ];
    assert_eq!(read(&["x"], source), seen);
}

#[test]
fn paths_from_where_a_module_stands_are_written_out() {
    let source = "
        mod child;
        fn f() { self::g(); super::h(); super::super::i::j(); child::k(); ::http::Uri::new(); }
        mod inner { use super::l::M; fn f() -> impl Sized + use<'_> {} }
        use super::n::O;
    ";
    let seen = [
        "crate::x::y::g",
        "crate::x::h",
        "crate::i::j",
        "crate::x::y::child::k",
        "http::Uri::new",
        "crate::x::y::l::M",
        "crate::x::n::O",
    ];
    assert_eq!(read(&["x", "y"], source), seen);
}

#[test]
fn a_path_in_a_type_or_an_attribute_is_seen() {
    let source = "#[derive(serde::Serialize)] struct A { b: Option<Arc<crate::c::D>> }";
    assert_eq!(read(&["x"], source), ["serde::Serialize", "crate::c::D"]);
}
