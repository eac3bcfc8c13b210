//! One pass over a file for the items that it defines and passes on.

/// Something with a name.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The modules of the file around it, and the trait or enum, if it is part of one.
    pub(super) inside: Vec<String>,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The line of the name, from 1.
    pub(super) line: usize,
    /// Whether an attribute makes it a test.
    pub(super) is_test: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Item,
    /// Part of an `impl` of this type.
    MemberOf(String),
    /// `pub use` of this path.
    Export(Vec<String>),
}

/// What a pair of braces contains.
enum Scope {
    /// The items of a module or a trait.
    Named(String),
    /// The variants of an enum.
    Enum(String),
    Impl(String),
    /// Statements, which define nothing that others can name.
    Body,
    /// Fields, or the content of a macro.
    Other,
}

#[derive(Clone, Copy)]
struct Token<'code> {
    text: &'code str,
    line: usize,
}

/// The items of a file without its comments and strings.
pub(super) fn scan(code: &str) -> Vec<Found> {
    let mut scanner = Scanner::default();
    let mut head: Vec<Token<'_>> = Vec::new();
    let mut brackets = 0_i32;
    let mut tokens = tokens(code).into_iter();
    while let Some(token) = tokens.next() {
        brackets += match token.text {
            "(" | "[" => 1,
            ")" | "]" => -1,
            _ => 0,
        };
        let in_enum = matches!(scanner.scopes.last(), Some(Scope::Enum(_)));
        match token.text {
            "{" if brackets == 0 && is_import(&head) => {
                head.push(token);
                head.extend(tokens.by_ref().take_while(|token| token.text != ";"));
                scanner.exports(&std::mem::take(&mut head));
            }
            "{" if brackets == 0 => {
                let scope = scanner.item(&std::mem::take(&mut head));
                scanner.scopes.push(scope);
            }
            "}" if brackets == 0 => {
                scanner.item(&std::mem::take(&mut head));
                scanner.scopes.pop();
            }
            ";" if brackets == 0 && is_import(&head) => scanner.exports(&std::mem::take(&mut head)),
            ";" if brackets == 0 => drop(scanner.item(&std::mem::take(&mut head))),
            "," if brackets == 0 && in_enum => drop(scanner.item(&std::mem::take(&mut head))),
            _ => head.push(token),
        }
    }
    scanner.found
}

#[derive(Default)]
struct Scanner {
    scopes: Vec<Scope>,
    found: Vec<Found>,
}

impl Scanner {
    /// Notes the item that begins like this, and says what its braces contain.
    fn item(&mut self, head: &[Token<'_>]) -> Scope {
        let (attributes, head) = without_attributes(head);
        if let Some(Scope::Enum(_)) = self.scopes.last() {
            if let Some(variant) = head.first() {
                self.note(*variant, Kind::Item, false);
            }
            return Scope::Other;
        }
        let words: Vec<&str> = head.iter().map(|token| token.text).collect();
        let keyword = words.iter().position(|word| {
            ["fn", "struct", "enum", "union", "trait", "type", "static", "mod", "impl", "let", "=", "!"]
                .contains(word)
        });
        let constant = words.iter().position(|word| *word == "const");
        let at = match (keyword, constant) {
            // `const fn` is a function, `const N: T = …` is not.
            (Some(keyword), Some(constant)) if words[keyword] != "fn" => keyword.min(constant),
            (Some(keyword), _) => keyword,
            (None, Some(constant)) => constant,
            (None, None) => return Scope::Other,
        };
        let name = head.get(at + 1).copied().filter(|name| is_word(name.text));
        match (words[at], name) {
            ("impl", _) => Scope::Impl(type_of_impl(&words[at + 1..])),
            ("mod", Some(name)) => Scope::Named(name.text.to_owned()),
            ("fn", Some(name)) => {
                self.note_item(name, attributes.iter().any(|attribute| is_test(attribute)));
                Scope::Body
            }
            ("trait", Some(name)) => {
                self.note_item(name, false);
                Scope::Named(name.text.to_owned())
            }
            ("enum", Some(name)) => {
                self.note_item(name, false);
                Scope::Enum(name.text.to_owned())
            }
            ("struct" | "union" | "type" | "const" | "static", Some(name)) => {
                self.note_item(name, false);
                Scope::Other
            }
            _ => Scope::Other,
        }
    }

    fn note_item(&mut self, name: Token<'_>, is_test: bool) {
        let owner = self.scopes.iter().rev().find_map(|scope| match scope {
            Scope::Impl(owner) => Some(owner.clone()),
            _ => None,
        });
        self.note(name, owner.map_or(Kind::Item, Kind::MemberOf), is_test);
    }

    fn note(&mut self, name: Token<'_>, kind: Kind, is_test: bool) {
        if self.scopes.iter().any(|scope| matches!(scope, Scope::Body)) {
            return;
        }
        let inside = self.inside();
        self.found.push(Found { inside, name: name.text.to_owned(), kind, line: name.line, is_test });
    }

    fn inside(&self) -> Vec<String> {
        let named = self.scopes.iter().filter_map(|scope| match scope {
            Scope::Named(name) | Scope::Enum(name) => Some(name.clone()),
            Scope::Impl(_) | Scope::Body | Scope::Other => None,
        });
        named.collect()
    }

    /// Notes what `pub use` passes on.
    fn exports(&mut self, head: &[Token<'_>]) {
        let (_, head) = without_attributes(head);
        let at = head.iter().position(|token| token.text == "use");
        if let (Some("pub"), Some(at)) = (head.first().map(|token| token.text), at) {
            self.export_tree(&head[at + 1..], &[]);
        }
    }

    fn export_tree(&mut self, tree: &[Token<'_>], before: &[String]) {
        let part = |token: &Token<'_>| is_word(token.text).then(|| token.text.to_owned());
        if let Some(open) = tree.iter().position(|token| token.text == "{") {
            let prefix: Vec<String> =
                before.iter().cloned().chain(tree[..open].iter().filter_map(part)).collect();
            let (mut depth, mut start) = (0_usize, open + 1);
            for (at, token) in tree.iter().enumerate().skip(open) {
                depth += usize::from(token.text == "{");
                depth -= usize::from(token.text == "}");
                if depth == 0 || depth == 1 && token.text == "," {
                    self.export_tree(&tree[start..at], &prefix);
                    start = at + 1;
                }
            }
            return;
        }
        let renamed = tree.iter().position(|token| token.text == "as");
        let mut path: Vec<String> = before.to_vec();
        path.extend(tree[..renamed.unwrap_or(tree.len())].iter().filter_map(part));
        if !before.is_empty() && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = renamed.and_then(|at| tree.get(at + 1)).map(|token| token.text.to_owned());
        let Some((name, first)) = name.or_else(|| path.last().cloned()).zip(tree.first()) else { return };
        let inside = self.inside();
        self.found.push(Found { inside, name, kind: Kind::Export(path), line: first.line, is_test: false });
    }
}

/// Words, and single characters that are no blanks.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_part(first) {
                rest.find(|c| !is_part(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            tokens.push(Token { text: &rest[..length], line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Splits off the attributes, each as its tokens.
fn without_attributes<'t, 'code>(mut head: &'t [Token<'code>]) -> (Vec<Vec<&'code str>>, &'t [Token<'code>]) {
    let mut attributes = Vec::new();
    while head.first().is_some_and(|token| token.text == "#") {
        let mut depth = 0_i32;
        let end = head.iter().position(|token| {
            depth += i32::from(token.text == "[") - i32::from(token.text == "]");
            token.text == "]" && depth == 0
        });
        let Some(end) = end else { break };
        attributes.push(head[1..end].iter().map(|token| token.text).collect());
        head = &head[end + 1..];
    }
    (attributes, head)
}

/// Whether an attribute is `[test]`, or that of a runtime such as `[tokio::test(…)]`.
fn is_test(attribute: &[&str]) -> bool {
    let path = attribute.iter().skip(1).take_while(|word| is_word(word) || **word == ":");
    path.last().is_some_and(|last| *last == "test")
}

fn is_import(head: &[Token<'_>]) -> bool {
    let (_, head) = without_attributes(head);
    match head.iter().position(|token| token.text == "use") {
        Some(0) => true,
        Some(_) => head[0].text == "pub",
        None => false,
    }
}

/// The last name in the path of the type, from the words after `impl`.
fn type_of_impl(words: &[&str]) -> String {
    let mut angles = 0_i32;
    let mut name = "";
    for (at, word) in words.iter().enumerate() {
        match *word {
            "<" => angles += 1,
            ">" if at == 0 || words[at - 1] != "-" => angles -= 1,
            "for" if angles == 0 => name = "",
            "where" if angles == 0 => break,
            word if angles == 0 && is_word(word) && word != "dyn" => name = word,
            _ => {}
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Kind, scan};

    /// The items with what is around them, as one text each.
    fn names(code: &str) -> Vec<String> {
        let name = |found: super::Found| {
            let owner = match found.kind {
                Kind::MemberOf(owner) => vec![owner],
                Kind::Item => Vec::new(),
                Kind::Export(path) => vec![format!("<{}>", path.join("::"))],
            };
            [found.inside, owner, vec![found.name]].concat().join("::")
        };
        scan(code).into_iter().map(name).collect()
    }

    #[test]
    fn items_of_every_kind_are_found() {
        let code = "pub(crate) const fn a<const N: usize>(x: [u8; N]) {}\nconst LIMIT: usize = { 1 };\nstatic S: u8 = 1;\n\
                    pub struct Pair(u8, u8);\nstruct Record { field: u8 }\ntype Alias = u8;\nmacro! { struct Made; }\n\
                    trait Shape { const SIDES: u8; fn area(&self) -> u8; fn name() {} }\nmod inner { fn b() {} }\nmod file;";
        let expected = [
            "a",
            "LIMIT",
            "S",
            "Pair",
            "Record",
            "Alias",
            "Made",
            "Shape",
            "Shape::SIDES",
            "Shape::area",
            "Shape::name",
            "inner::b",
        ];
        assert_eq!(names(code), expected);
    }

    #[test]
    fn variants_belong_to_their_enum() {
        let code = "#[derive(A)] enum E { #[x(a, b)] A, B(u8, F<u8>), C { a: u8, b: u8 }, D = 4 }";
        assert_eq!(names(code), ["E", "E::A", "E::B", "E::C", "E::D"]);
    }

    #[test]
    fn members_belong_to_the_type_of_their_impl() {
        let code = "impl<'a, F: Fn() -> u8> crate::x::Own<'a, F> { fn a() {} const N: u8 = 1; }\n\
                    impl fmt::Display for Shown where u8: Into<u8> { fn fmt() {} }";
        assert_eq!(names(code), ["Own::a", "Own::N", "Shown::fmt"]);
    }

    #[test]
    fn statements_define_nothing() {
        let code = "fn outer() { use a::b; fn inner() {} let c = S { d: 1 }; match c { e => {} } f(|g| { h(); }); }\nfn next() {}";
        assert_eq!(names(code), ["outer", "next"]);
    }

    #[test]
    fn public_imports_are_passed_on() {
        let code = "use private::x;\npub use a::b;\npub(crate) use c::{d, e as f, g::{self, h}};";
        assert_eq!(names(code), ["<a::b>::b", "<c::d>::d", "<c::e>::f", "<c::g>::g", "<c::g::h>::h"]);
    }

    #[test]
    fn tests_are_recognised_by_their_attribute() {
        let code = "#[test]\n#[expect(lint)]\nfn a() {}\n#[tokio::test(flavor)]\nasync fn b() {}\n#[cfg(test)]\nfn c() {}";
        let tests: Vec<bool> = scan(code).iter().map(|found| found.is_test).collect();
        assert_eq!(tests, [true, true, false]);
    }
}
