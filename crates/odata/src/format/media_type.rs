//! A media type with its parameters, as in `Content-Type`, `Accept` and `$format` ([RFC 9110
//! §8.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1)). Every media type of a request is read here.

/// A media type, or a range of them.
#[derive(Debug, Clone, Copy)]
pub struct MediaType<'t> {
    pub(super) name: &'t str,
    parameters: &'t str,
}

/// A parameter of a media type, without the quotes around its value.
#[derive(Debug, Clone, Copy)]
pub struct Parameter<'t> {
    /// The name as written; names are compared ignoring case.
    pub name: &'t str,
    /// The value; empty if there is none.
    pub value: &'t str,
}

impl<'t> MediaType<'t> {
    /// Splits a text. A text that is not a media type gets a name that matches none.
    pub fn read(text: &'t str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self { name: name.trim_ascii(), parameters }
    }

    /// Whether it has this name, with any parameters.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of a parameter; the first one counts.
    pub fn parameter(&self, name: &str) -> Option<&'t str> {
        self.parameters().find(|parameter| parameter.is(name)).map(|parameter| parameter.value)
    }

    /// The parameters in the order of the text.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'t>> {
        parts(self.parameters, b';').map(Parameter::read)
    }

    /// The weight in thousandths; 0 if the range is refused.
    pub fn weight(&self) -> u16 {
        self.parameters().find_map(Parameter::weight).unwrap_or(1000)
    }
}

impl<'t> Parameter<'t> {
    fn read(text: &'t str) -> Self {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Self { name: name.trim_ascii(), value: value.trim_ascii().trim_matches('"') }
    }

    fn is(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn is_same(self, other: Self) -> bool {
        self.is(other.name) && self.value.eq_ignore_ascii_case(other.value)
    }

    /// The weight in thousandths; `None` if it is another parameter. An invalid weight is ignored, and a
    /// positive weight below one thousandth counts as one.
    pub(super) fn weight(self) -> Option<u16> {
        if !self.is("q") {
            return None;
        }
        let Some(value) = self.value.parse::<f64>().ok().filter(|value| value.is_finite()) else {
            return Some(1000);
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 1000")]
        let thousandths = (value.clamp(0.0, 1.0) * 1000.0).ceil() as u16;
        Some(thousandths)
    }
}

/// The parts of a header's text between separators outside of quoted strings ([RFC 9110
/// §5.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4)), without space around them; empty parts are
/// omitted.
pub fn parts(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let split = std::iter::from_fn(move || {
        let text = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                _ => return byte == separator && !is_quoted,
            }
            false
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim_ascii())
    });
    split.filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_values_lose_their_quotes() {
        for text in [
            "application/json;charset=utf-8",
            "Application/JSON ; CHARSET = \"utf-8\"",
            " application/json;;a=\"b;charset=x\";charset=utf-8;charset=y",
        ] {
            let read = MediaType::read(text);
            assert!(read.is("application/json") && !read.is("application"), "{text}");
            assert_eq!(read.parameter("charset"), Some("utf-8"), "{text}");
        }
        assert_eq!(MediaType::read("text/plain").parameter("charset"), None);
    }

    #[test]
    fn a_weight_is_found_in_either_case_and_in_quotes() {
        for (text, weight) in [
            ("a/b", 1000),
            ("a/b;q=0.5", 500),
            ("a/b; Q = 0.5", 500),
            ("a/b;q=\"0.5\"", 500),
            ("a/b;x=\"q=0\";q=0.25", 250),
            ("a/b;q=0.0001", 1),
            ("a/b;q=-1", 0),
            ("a/b;q=7", 1000),
            ("a/b;q=high", 1000),
            ("a/b;q", 1000),
            ("a/b;q=NaN", 1000),
        ] {
            assert_eq!(MediaType::read(text).weight(), weight, "{text}");
        }
    }
}
