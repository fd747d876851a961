//! Every path that a Rust source names, spelled out: `use std::{env, time as clock}` names `std::env` and `std::time`;
//! a later `env::var` and `clock::Instant::now` are followed back through those; `super` and `self` become the path
//! from the crate's root. Comments and strings name nothing; what macros are given does.
//!
//! It reads tokens, not types. That is enough for "this file may not name that crate"; whoever wants to get past it can.

use std::collections::HashMap;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One path and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Counted from 1.
    pub line: usize,
    /// Its parts: `["std", "env", "var"]`; a macro's last part ends in `!`, a glob's is `*`.
    pub path: Vec<String>,
    /// Whether it stands in a `use`.
    pub imported: bool,
}

impl Name {
    /// As it is written, `std::env::var`.
    pub fn spelled(&self) -> String {
        self.path.join("::")
    }

    /// Whether the path begins with these parts.
    pub fn starts_with(&self, parts: &[&str]) -> bool {
        self.path.len() >= parts.len() && self.path.iter().zip(parts).all(|(part, wanted)| part == wanted)
    }

    /// Whether the path ends with these parts.
    pub fn ends_with(&self, parts: &[&str]) -> bool {
        let skipped = self.path.len().checked_sub(parts.len());
        skipped.is_some_and(|skipped| self.path[skipped..].iter().zip(parts).all(|(part, wanted)| part == wanted))
    }
}

/// The names of a source whose module path is given (`["crate", "aws", "queue"]`).
///
/// # Errors
/// Why the text is no Rust.
pub(super) fn names(text: &str, module: &[String]) -> Result<Vec<Name>, String> {
    let tokens = TokenStream::from_str(text).map_err(|e| e.to_string())?;
    let mut reader = Reader::default();
    reader.read(&tokens.into_iter().collect::<Vec<_>>(), module, &mut Vec::new());
    Ok(reader.followed())
}

#[derive(Default)]
struct Reader {
    names: Vec<Name>,
    /// What `use` brought in under which name; several, because scopes are not told apart.
    imported: HashMap<String, Vec<Vec<String>>>,
}

/// Inside a `use` the names so far; outside of one nothing.
type Prefix = Vec<String>;

impl Reader {
    /// Reads one group's tokens. `prefix` holds what stands before a brace inside `use`.
    fn read(&mut self, tokens: &[TokenTree], module: &[String], prefix: &mut Prefix) {
        let mut importing = !prefix.is_empty();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    let module = inline_module(&tokens[..at], module);
                    self.read(&inside, &module, &mut Vec::new());
                    at += 1;
                }
                TokenTree::Ident(word) if *word == "use" && prefix.is_empty() => {
                    importing = true;
                    at += 1;
                }
                TokenTree::Ident(_) if !is_part_of_something(tokens, at) => {
                    at = self.path(tokens, at, module, prefix, importing);
                }
                TokenTree::Punct(sign) => {
                    if sign.as_char() == '*' && importing && !prefix.is_empty() {
                        self.note(prefix.clone(), "*", sign.span().start().line, module, importing);
                    }
                    importing = importing && (sign.as_char() != ';' || !prefix.is_empty());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads the path that begins at `at`; gives back where it ends.
    fn path(
        &mut self,
        tokens: &[TokenTree],
        mut at: usize,
        module: &[String],
        prefix: &Prefix,
        importing: bool,
    ) -> usize {
        let mut path = prefix.clone();
        let line = tokens[at].span().start().line;
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string().trim_start_matches("r#").to_owned()),
                Some(TokenTree::Punct(star)) if star.as_char() == '*' && importing => path.push("*".to_owned()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && importing => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    self.read(&inside, module, &mut path);
                    return at + 1;
                }
                // `Vec::<T>::new`: what follows the turbofish is read as tokens of their own.
                _ => break,
            }
            at += 1;
            if !is_double_colon(tokens, at) {
                break;
            }
            at += 2;
        }
        let mut alias = path.last().cloned().unwrap_or_default();
        if importing && alias == "self" {
            path.pop();
            alias = path.last().cloned().unwrap_or_default();
        }
        match (tokens.get(at), tokens.get(at + 1)) {
            (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(other))) if importing && *word == "as" => {
                alias = other.to_string();
                at += 2;
            }
            (Some(TokenTree::Punct(sign)), next) if sign.as_char() == '!' && sign.spacing() == Spacing::Alone => {
                if let (Some(TokenTree::Group(_)), Some(last)) = (next, path.last_mut()) {
                    last.push('!');
                }
            }
            _ => {}
        }
        self.note(path, &alias, line, module, importing);
        at
    }

    fn note(&mut self, path: Vec<String>, alias: &str, line: usize, module: &[String], importing: bool) {
        let mut path = from_root(path, module);
        if alias == "*" && path.last().is_some_and(|last| last != "*") {
            path.push("*".to_owned());
        }
        if importing && alias != "*" && alias != "_" {
            self.imported.entry(alias.to_owned()).or_default().push(path.clone());
        }
        self.names.push(Name { line, path, imported: importing });
    }

    /// The names with their first part followed back through the imports.
    fn followed(self) -> Vec<Name> {
        let mut all = Vec::new();
        for name in self.names {
            let targets = name.path.first().and_then(|first| self.imported.get(first));
            for target in targets.into_iter().flatten().filter(|target| **target != name.path) {
                let path = target.iter().chain(&name.path[1..]).cloned().collect();
                all.push(Name { line: name.line, path, imported: name.imported });
            }
            all.push(name);
        }
        all
    }
}

/// Whether the identifier goes on something: a method or field (`x.name`), or a path after a turbofish (`>::name`).
fn is_part_of_something(tokens: &[TokenTree], at: usize) -> bool {
    let sign = |back: usize| match at.checked_sub(back).map(|at| &tokens[at]) {
        Some(TokenTree::Punct(sign)) => Some(sign.as_char()),
        _ => None,
    };
    match (sign(2), sign(1)) {
        // `0..crate::LIMIT` is a range.
        (second, Some('.')) => second != Some('.'),
        // `<T as X>::name`; a leading `::name` has nothing before it and is a path.
        (Some(':'), Some(':')) => sign(3) == Some('>'),
        // A lifetime is one token, so this is `'label` of nothing.
        _ => false,
    }
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize, spacing: Option<Spacing>| match tokens.get(at) {
        Some(TokenTree::Punct(sign)) => sign.as_char() == ':' && spacing.is_none_or(|wanted| sign.spacing() == wanted),
        _ => false,
    };
    colon(at, Some(Spacing::Joint)) && colon(at + 1, None)
}

/// The module of a brace that follows these tokens: one deeper after `mod name`.
fn inline_module(before: &[TokenTree], module: &[String]) -> Vec<String> {
    match before {
        [.., TokenTree::Ident(word), TokenTree::Ident(name)] if *word == "mod" => {
            module.iter().cloned().chain([name.to_string()]).collect()
        }
        _ => module.to_vec(),
    }
}

/// `self` and `super` undone.
fn from_root(path: Vec<String>, module: &[String]) -> Vec<String> {
    let relative = path.iter().take_while(|part| *part == "super" || *part == "self").count();
    if relative == 0 || module.is_empty() || path == ["self"] {
        return path;
    }
    let ups = path.iter().take(relative).filter(|part| *part == "super").count();
    let base = &module[..module.len().saturating_sub(ups).max(1)];
    base.iter().chain(&path[relative..]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Vec<String> {
        let module: Vec<String> = ["crate", "aws", "queue"].map(str::to_owned).to_vec();
        names(text, &module).map_or_else(|why| vec![why], |names| names.iter().map(Name::spelled).collect())
    }

    #[track_caller]
    fn finds(text: &str, wanted: &str) {
        let found = spelled(text);
        assert!(found.iter().any(|name| name == wanted), "{text}: {found:?}");
    }

    #[track_caller]
    fn finds_not(text: &str, unwanted: &str) {
        let found = spelled(text);
        assert!(!found.iter().any(|name| name == unwanted), "{text}: {found:?}");
    }

    #[test]
    fn nested_uses_are_spelled_out() {
        let text = "use crate::{domain::{self, Money}, aws::*, error::Error as Wrong}; fn f() { Wrong::new(); }";
        for wanted in ["crate::domain", "crate::domain::Money", "crate::aws::*", "crate::error::Error::new"] {
            finds(text, wanted);
        }
    }

    #[test]
    fn what_was_imported_is_followed_back() {
        finds("use std::env; fn f() { env::var(\"X\"); }", "std::env::var");
        finds("use std::time as clock; fn f() { clock::SystemTime::now(); }", "std::time::SystemTime::now");
        finds("use std::time::SystemTime; fn f() -> u8 { 0..SystemTime::now() }", "std::time::SystemTime::now");
    }

    #[test]
    fn super_and_self_are_the_path_from_the_root() {
        finds("use super::table::Table;", "crate::aws::table::Table");
        finds("fn f() { super::super::gateway::call() }", "crate::gateway::call");
        finds("mod tests { use super::*; use super::super::table; }", "crate::aws::queue::*");
        finds("mod tests { use super::*; use super::super::table; }", "crate::aws::table");
        finds("fn f() { self::inner::g() }", "crate::aws::queue::inner::g");
    }

    #[test]
    fn macros_attributes_generics_and_leading_colons_are_read() {
        finds("m! { crate::aws::Table }", "crate::aws::Table");
        finds("#[derive(serde::Serialize)] struct S;", "serde::Serialize");
        finds("fn f(x: Option<crate::aws::Table>) {}", "crate::aws::Table");
        finds("fn f(x: ::reqwest::Client) {}", "reqwest::Client");
        finds("fn f() { let x = <crate::aws::Table as T>::new(); }", "crate::aws::Table");
        finds("fn f() { println!(\"\"); }", "println!");
        finds("fn f() { if a != b {} }", "a");
    }

    #[test]
    fn comments_strings_methods_and_compile_time_macros_name_nothing() {
        finds_not("// reqwest::get\n/// reqwest::get\nconst S: &str = \"reqwest::get\";", "reqwest::get");
        finds_not("use std::env; const V: &str = env!(\"X\");", "std::env::var");
        finds_not("fn f() { x.reqwest::<u8>(); }", "reqwest");
        finds_not("fn f() { Vec::<u8>::reqwest(); }", "reqwest");
    }

    #[test]
    fn lines_count_from_one() {
        let found = names("\n\nuse crate::aws;\n", &[]).unwrap_or_default();
        assert_eq!(found.iter().map(|name| name.line).collect::<Vec<_>>(), [3]);
    }
}
