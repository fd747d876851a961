//! Methods: which a source defines, and which it calls.
//!
//! It reads tokens, not types, as names.rs does. Of `self.name()` and `Type::name()` the type is known; of any other call only
//! the name is, so whoever wants to know where it leads has to find one method of that name only.

use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A method that others can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The type, or trait, that has it.
    pub owner: String,
    /// Its name.
    pub name: String,
}

/// A call of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Counted from 1.
    pub line: usize,
    /// The type that is called on, where the tokens tell.
    pub on: Option<String>,
    /// The method's name.
    pub name: String,
}

/// What a group of tokens is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// The body of a type's own `impl`.
    Type,
    /// The body of a trait, or of a trait's `impl`: all of its methods can be called.
    Trait,
    /// Anything else.
    Other,
}

/// An `impl` or `trait`.
struct Block {
    owner: String,
    inside: Inside,
    body: Group,
    /// What comes after it.
    end: usize,
}

/// What a source defines and calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods {
    /// Methods that other files can call.
    pub(super) defined: Vec<Method>,
    /// Calls, in order.
    pub(super) called: Vec<Call>,
}

/// Reads a source.
///
/// # Errors
/// Why the text is no Rust.
pub(super) fn methods(text: &str) -> Result<Methods, String> {
    let tokens = TokenStream::from_str(text).map_err(|e| e.to_string())?;
    let mut methods = Methods::default();
    methods.read(tokens, None, Inside::Other);
    Ok(methods)
}

impl Methods {
    /// Reads one group. `owner` is the type that `self` is of.
    fn read(&mut self, tokens: TokenStream, owner: Option<&str>, inside: Inside) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(block) = block(&tokens, at) {
                self.read(block.body.stream(), Some(&block.owner), block.inside);
                at = block.end;
                continue;
            }
            if let (Some(owner), Some(name)) = (owner, defined(&tokens, at, inside)) {
                self.defined.push(Method { owner: owner.to_owned(), name });
            }
            if let Some(call) = called(&tokens, at, owner) {
                self.called.push(call);
            }
            if let TokenTree::Group(group) = &tokens[at] {
                self.read(group.stream(), owner, Inside::Other);
            }
            at += 1;
        }
    }
}

/// The `impl` or `trait` that begins at `at`.
fn block(tokens: &[TokenTree], at: usize) -> Option<Block> {
    let is_impl = is_word(tokens.get(at), "impl") && begins_an_item(tokens, at);
    if !is_impl && !is_word(tokens.get(at), "trait") {
        return None;
    }
    let length = tokens[at..].iter().position(|token| braces(token).is_some())?;
    let head = &tokens[at + 1..at + length];
    let body = braces(&tokens[at + length])?.clone();
    let mut depth = 0_usize;
    let mut owner = None;
    let mut inside = if is_impl { Inside::Type } else { Inside::Trait };
    for (index, token) in head.iter().enumerate() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '<' => depth += 1,
            // `->` closes nothing.
            TokenTree::Punct(sign) if sign.as_char() == '>' && !is_sign(head.get(index.wrapping_sub(1)), '-') => {
                depth = depth.saturating_sub(1);
            }
            TokenTree::Ident(word) if depth == 0 && is_impl && *word == "for" => {
                (owner, inside) = (None, Inside::Trait);
            }
            TokenTree::Ident(word) if depth == 0 && *word == "where" => break,
            TokenTree::Punct(sign) if depth == 0 && !is_impl && sign.as_char() == ':' => break,
            TokenTree::Ident(word) if depth == 0 => owner = Some(word.to_string()),
            _ => {}
        }
    }
    Some(Block { owner: owner?, inside, body, end: at + length + 1 })
}

/// Whether an `impl` here is one of its own, and not a type as in `-> impl Iterator`.
fn begins_an_item(tokens: &[TokenTree], at: usize) -> bool {
    match at.checked_sub(1).map(|before| &tokens[before]) {
        None => true,
        Some(TokenTree::Group(group)) => matches!(group.delimiter(), Delimiter::Brace | Delimiter::Bracket),
        Some(TokenTree::Punct(sign)) => sign.as_char() == ';',
        Some(_) => false,
    }
}

/// The name of a method that is defined at `at` and that others can call: who has no `pub` is called in its own file only.
fn defined(tokens: &[TokenTree], at: usize, inside: Inside) -> Option<String> {
    let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return None };
    if !is_word(tokens.get(at), "fn") || inside == Inside::Other {
        return None;
    }
    // `pub(crate) const async unsafe fn name`: back to whatever ended the item before.
    let mut before = tokens[..at].iter().rev().take_while(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        _ => false,
    });
    let is_open = inside == Inside::Trait || before.any(|token| is_word(Some(token), "pub"));
    is_open.then(|| name.to_string())
}

/// The call whose name stands at `at`.
fn called(tokens: &[TokenTree], at: usize, owner: Option<&str>) -> Option<Call> {
    let Some(TokenTree::Ident(name)) = tokens.get(at) else { return None };
    let is_called =
        matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let has_turbofish = is_sign(tokens.get(at + 1), ':') && is_sign(tokens.get(at + 3), '<');
    let call = |on| Some(Call { line: name.span().start().line, on, name: name.to_string() });
    let back = |steps: usize| at.checked_sub(steps).and_then(|at| tokens.get(at));
    if is_sign(back(1), '.') && !is_sign(back(2), '.') && (is_called || has_turbofish) {
        let is_own = is_word(back(2), "self") && !is_sign(back(3), '.');
        return call(owner.filter(|_| is_own).map(str::to_owned));
    }
    if is_sign(back(1), ':') && is_sign(back(2), ':') {
        let Some(TokenTree::Ident(on)) = back(3) else { return None };
        let on = on.to_string();
        return match on.as_str() {
            "Self" => call(Some(owner?.to_owned())),
            // A module's function is a name, which names.rs reads.
            _ if on.starts_with(char::is_uppercase) => call(Some(on)),
            _ => None,
        };
    }
    None
}

fn braces(token: &TokenTree) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}

fn is_word(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if *word == wanted)
}

fn is_sign(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(sign)) if sign.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(text: &str) -> Vec<String> {
        let found = methods(text).map(|methods| methods.defined).unwrap_or_default();
        found.iter().map(|method| format!("{}::{}", method.owner, method.name)).collect()
    }

    fn called(text: &str) -> Vec<String> {
        let found = methods(text).map(|methods| methods.called).unwrap_or_default();
        found.iter().map(|call| format!("{}::{}", call.on.as_deref().unwrap_or("?"), call.name)).collect()
    }

    #[test]
    fn a_method_belongs_to_the_type_of_its_impl() {
        assert_eq!(
            defined("impl WorkList { pub(crate) const async fn a(&self) {} fn own(&self) {} }"),
            ["WorkList::a"]
        );
        assert_eq!(defined("impl<'a, T: Fn() -> u8> From<Settled> for list::Worked<T> { fn a() {} }"), ["Worked::a"]);
        assert_eq!(defined("pub trait Agent: Send { fn call(&self); }"), ["Agent::call"]);
        assert_eq!(defined("#[x] impl A { pub fn a() -> impl B { } pub fn c() {} }"), ["A::a", "A::c"]);
        assert!(defined("pub fn free() {} mod m { pub fn f() -> impl Iterator { x } }").is_empty());
    }

    #[test]
    fn a_call_is_on_self_on_a_type_or_on_something() {
        assert_eq!(called("impl WorkList { fn f(&self) { self.claim(id); } }"), ["WorkList::claim"]);
        assert_eq!(
            called("impl WorkList { fn f() { m!(Self::once(x)); Once::of(2) } }"),
            ["WorkList::once", "Once::of"]
        );
        assert_eq!(
            called("impl A { fn f(&self) { self.list.claim(id); item.parse::<u8>(); } }"),
            ["?::claim", "?::parse"]
        );
        assert!(called("impl A { fn f(&self) { self.table; module::call(0..count(1)) } }").is_empty());
        assert_eq!(called("fn f(xs: A) { xs.map(Subject::id) }"), ["?::map", "Subject::id"]);
    }
}
