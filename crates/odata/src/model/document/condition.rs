//! The text of the condition of a rule: the syntax of `$filter`, with attributes of the user (`Region eq @user.region`).

/// What precedes the name of an attribute.
const ATTRIBUTE: &str = "@user.";

/// The option that errors about a condition name.
pub(crate) const TARGET: &str = "where";

/// The maximum length of a condition in bytes, with the values of attributes.
const LONGEST: usize = 32 * 1024;

/// The names of the attributes in a condition.
pub(crate) fn attributes(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // A condition that is malformed is refused when it is bound.
    let _ = substituted(text, |name| {
        names.push(name.to_owned());
        Some(String::new())
    });
    names
}

/// The text with a literal in place of each attribute. Within quotes, nothing is an attribute.
///
/// # Errors
/// If the user lacks an attribute, if there is something else behind an `@`, or if there is a double quote.
pub(crate) fn substituted(
    text: &str,
    mut literal: impl FnMut(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut is_quoted = false;
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '@']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let length = match found.strip_prefix(ATTRIBUTE) {
            _ if found.starts_with('\'') => {
                is_quoted = !is_quoted;
                out.push('\'');
                1
            }
            _ if is_quoted => {
                out.push_str(&found[..1]);
                1
            }
            // A value between them would not be quoted.
            _ if found.starts_with('"') => return Err("texts are written in single quotes".to_owned()),
            Some(name) => {
                let is_end = |character: char| !character.is_ascii_alphanumeric() && character != '_';
                let name = &name[..name.find(is_end).unwrap_or(name.len())];
                out.push_str(&literal(name).ok_or_else(|| format!("the user has no attribute {name}"))?);
                ATTRIBUTE.len() + name.len()
            }
            None => return Err(format!("only attributes such as {ATTRIBUTE}region start with @")),
        };
        rest = &found[length..];
        if out.len() > LONGEST {
            return Err(format!("the condition is longer than {LONGEST} bytes"));
        }
    }
    out.push_str(rest);
    Ok(out)
}
