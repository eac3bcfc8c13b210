//! A Rust file, split as far as the rules need: code without its comments and strings, and these by line.

/// The parts of one Rust file.
pub(super) struct Source {
    /// The file with the content of comments, strings and characters blanked out; lines and columns stay the
    /// same.
    pub(super) code: String,
    pub(super) strings: Vec<Piece>,
    pub(super) comments: Vec<Piece>,
    functions: Vec<Function>,
    /// For each line, whether it is test code.
    tests: Vec<bool>,
}

/// A comment or the content of a string.
pub(super) struct Piece {
    /// The line on which it starts, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// A function with a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) first_line: usize,
    pub(super) last_line: usize,
}

impl Source {
    pub(super) fn parse(text: &str, is_test: bool) -> Self {
        let mut lexer = Lexer::new(text);
        lexer.run();
        let code = String::from_utf8(lexer.code).unwrap_or_default();
        let mut tests = vec![is_test; text.lines().count() + 1];
        if !is_test {
            mark_test_items(&code, &mut tests);
        }
        Self { functions: functions(&code), code, strings: lexer.strings, comments: lexer.comments, tests }
    }

    /// Lines of code, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Lines of code outside tests.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(line, _)| !self.is_test(*line))
    }

    /// Strings in code outside tests.
    pub(super) fn shipped_strings(&self) -> impl Iterator<Item = &Piece> {
        self.strings.iter().filter(|piece| !self.is_test(piece.line))
    }

    pub(super) fn is_test(&self, line: usize) -> bool {
        self.tests.get(line.saturating_sub(1)).copied().unwrap_or(false)
    }

    pub(super) fn functions(&self) -> &[Function] {
        &self.functions
    }
}

/// Whether `word` is in `line`, with no letter, digit or underscore on either side.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_part);
        let after = line[at + word.len()..].chars().next().is_some_and(is_part);
        let glued_before = before && word.starts_with(is_part);
        let glued_after = after && word.ends_with(is_part);
        !glued_before && !glued_after
    })
}

/// The line, from 1, of a byte position.
fn line_at(code: &str, position: usize) -> usize {
    code[..position].matches('\n').count() + 1
}

/// The position after the brace that closes the one at `open`.
fn closing_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

/// The start of the body of the item that starts at `from`; `None` if the item ends with a semicolon.
fn body_of(code: &str, from: usize) -> Option<usize> {
    let mut brackets = 0_i32;
    for (offset, byte) in code.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b'{' if brackets == 0 => return Some(from + offset),
            b';' if brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let boundary = code[..at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !boundary || name.is_empty() {
            continue;
        }
        let Some(open) = body_of(code, at) else { continue };
        let Some(close) = closing_brace(code, open) else {
            continue;
        };
        found.push(Function { name, first_line: line_at(code, at), last_line: line_at(code, close) });
    }
    found
}

fn mark_test_items(code: &str, tests: &mut [bool]) {
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let first = line_at(code, at);
        let end = body_of(code, at + attribute.len()).and_then(|open| closing_brace(code, open));
        let last = end.map_or(first, |close| line_at(code, close));
        for line in &mut tests[first - 1..last] {
            *line = true;
        }
    }
}

struct Lexer<'text> {
    text: &'text [u8],
    at: usize,
    line: usize,
    code: Vec<u8>,
    strings: Vec<Piece>,
    comments: Vec<Piece>,
}

impl<'text> Lexer<'text> {
    fn new(text: &'text str) -> Self {
        let code = Vec::with_capacity(text.len());
        Self { text: text.as_bytes(), at: 0, line: 1, code, strings: Vec::new(), comments: Vec::new() }
    }

    fn run(&mut self) {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"//") {
                self.comment(|lexer| lexer.peek(0) == Some(b'\n'));
            } else if rest.starts_with(b"/*") {
                self.block_comment();
            } else if let Some(hashes) = self.raw_string_hashes() {
                self.raw_string(hashes);
            } else if rest.starts_with(b"\"") {
                self.string();
            } else if rest.starts_with(b"'") && self.is_character() {
                self.character();
            } else {
                self.keep();
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        if let Some(byte) = self.peek(0) {
            self.line += usize::from(byte == b'\n');
            self.code.push(byte);
            self.at += 1;
        }
    }

    fn blank(&mut self) {
        if let Some(byte) = self.peek(0) {
            self.line += usize::from(byte == b'\n');
            self.code.push(if byte == b'\n' { b'\n' } else { b' ' });
            self.at += 1;
        }
    }

    fn piece(&self, from: usize, line: usize) -> Piece {
        Piece { line, text: String::from_utf8_lossy(&self.text[from..self.at]).into_owned() }
    }

    fn comment(&mut self, ends: impl Fn(&Self) -> bool) {
        let (from, line) = (self.at, self.line);
        while self.at < self.text.len() && !ends(self) {
            self.blank();
        }
        let piece = self.piece(from, line);
        self.comments.push(piece);
    }

    fn block_comment(&mut self) {
        let (from, line) = (self.at, self.line);
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let (step, end) = match rest {
                [b'/', b'*', ..] => (1, false),
                [b'*', b'/', ..] => (1, depth == 1),
                _ => (0, false),
            };
            depth = if rest.starts_with(b"/*") {
                depth + 1
            } else {
                depth - usize::from(rest.starts_with(b"*/"))
            };
            (0..=step).for_each(|_| self.blank());
            if end {
                break;
            }
        }
        let piece = self.piece(from, line);
        self.comments.push(piece);
    }

    /// At the `r` of a raw string: its number of hashes.
    fn raw_string_hashes(&self) -> Option<usize> {
        let previous = self.at.checked_sub(1).map(|before| self.text[before]);
        let prefixed = previous.is_some_and(|byte| byte == b'b' || byte == b'c');
        if self.peek(0) != Some(b'r')
            || (!prefixed && previous.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_'))
        {
            return None;
        }
        let hashes = self.text[self.at + 1..].iter().take_while(|byte| **byte == b'#').count();
        (self.peek(1 + hashes) == Some(b'"')).then_some(hashes)
    }

    fn raw_string(&mut self, hashes: usize) {
        (0..hashes + 2).for_each(|_| self.keep());
        let (from, line) = (self.at, self.line);
        let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
        while self.at < self.text.len() && !self.text[self.at..].starts_with(&end) {
            self.blank();
        }
        let piece = self.piece(from, line);
        self.strings.push(piece);
        (0..=hashes).for_each(|_| self.keep());
    }

    fn string(&mut self) {
        self.keep();
        let (from, line) = (self.at, self.line);
        while self.at < self.text.len() && self.peek(0) != Some(b'"') {
            if self.peek(0) == Some(b'\\') {
                self.blank();
            }
            self.blank();
        }
        let piece = self.piece(from, line);
        self.strings.push(piece);
        self.keep();
    }

    /// At an apostrophe: whether it starts a character rather than a lifetime.
    fn is_character(&self) -> bool {
        match self.peek(1) {
            Some(b'\\') => true,
            Some(byte) if byte.is_ascii() => self.peek(2) == Some(b'\''),
            other => other.is_some(),
        }
    }

    fn character(&mut self) {
        self.keep();
        while self.at < self.text.len() && self.peek(0) != Some(b'\'') {
            if self.peek(0) == Some(b'\\') {
                self.blank();
            }
            self.blank();
        }
        self.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::{Function, Source, has_word};

    #[test]
    fn comments_strings_and_characters_are_not_code() {
        let source = Source::parse(
            "let a = \"x // \\\" y\"; // async\nlet c = '\"'; /* a /* b */ c */ let r = r#\"q\"r\"#;",
            false,
        );
        assert!(!source.code.contains("async") && !source.code.contains('y') && !source.code.contains(" b "));
        assert!(source.code.contains("let r = r#\""));
        let strings: Vec<&str> = source.strings.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(strings, ["x // \\\" y", "q\"r"]);
        assert_eq!(source.comments.len(), 2);
        assert_eq!(source.comments[1].line, 2);
    }

    #[test]
    fn lifetimes_are_not_characters() {
        let source = Source::parse("fn f<'a>(x: &'a str) -> &'a str { x }", false);
        assert_eq!(source.code, "fn f<'a>(x: &'a str) -> &'a str { x }");
    }

    #[test]
    fn functions_are_found_with_their_extent() {
        let source =
            Source::parse("trait T { fn no_body(&self); }\nfn one(a: [u8; 2]) {\n    {}\n}\n", false);
        assert_eq!(source.functions(), [Function { name: "one".to_owned(), first_line: 2, last_line: 4 }]);
    }

    #[test]
    fn test_modules_are_not_shipped() {
        let source =
            Source::parse("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n", false);
        let shipped: Vec<usize> = source.shipped_lines().map(|(line, _)| line).collect();
        assert_eq!(shipped, [1, 6]);
    }

    #[test]
    fn words_are_matched_as_a_whole() {
        assert!(has_word("pub async fn", "async"));
        assert!(!has_word("asynchronous", "async"));
        assert!(has_word("http::StatusCode", "http::"));
        assert!(!has_word("my_http::x", "http::"));
    }
}
