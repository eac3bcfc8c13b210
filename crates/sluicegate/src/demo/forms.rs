//! Forms of a page, found and filled like in a browser: by ids and names.

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// The address to which it is submitted.
    pub(super) action: String,
    /// The names and values of its fields, without buttons.
    pub(super) fields: Vec<(String, String)>,
    elements: Vec<Element>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    id: String,
    name: String,
    value: String,
}

impl Form {
    /// Finds the form that contains the element with this id.
    pub(super) fn with_element(page: &str, id: &str) -> Option<Self> {
        let forms = page.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or_default());
        forms.map(Self::read).find(|form| form.elements.iter().any(|element| element.id == id))
    }

    fn read(text: &str) -> Self {
        let mut tags = text.split('<');
        let action = attribute(tags.next().unwrap_or_default(), "action");
        let mut form = Self { action, fields: Vec::new(), elements: Vec::new() };
        for tag in tags {
            let is_input = tag.starts_with("input");
            if !is_input && !tag.starts_with("button") {
                continue;
            }
            let tag = tag.split('>').next().unwrap_or_default();
            let element = Element {
                id: attribute(tag, "id"),
                name: attribute(tag, "name"),
                value: attribute(tag, "value"),
            };
            if is_input && !element.name.is_empty() {
                form.fields.push((element.name.clone(), element.value.clone()));
            }
            form.elements.push(element);
        }
        form
    }

    /// Sets the value of the field with this id.
    pub(super) fn fill(&mut self, id: &str, text: &str) {
        let name = self.elements.iter().find(|element| element.id == id).map(|element| element.name.as_str());
        if let Some((_, value)) = self.fields.iter_mut().find(|(field, _)| Some(field.as_str()) == name) {
            text.clone_into(value);
        }
    }

    /// Presses the button with this id; its name and value are submitted with the fields.
    pub(super) fn press(&mut self, id: &str) {
        let button = self.elements.iter().find(|element| element.id == id && !element.name.is_empty());
        self.fields.extend(button.map(|button| (button.name.clone(), button.value.clone())));
    }
}

/// The value of an attribute of a tag, unescaped; empty if it is absent.
fn attribute(tag: &str, name: &str) -> String {
    let quoted = format!(" {name}=\"");
    let value =
        tag.split_once(&quoted).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value);
    unescape(value)
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((entity, behind)) = after.split_once(';') else {
            out.push('&');
            rest = after;
            continue;
        };
        out.extend(character(entity));
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix('x').map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<form action="/search"><input name="q"></form>
        <form method="post" action="/login?a=1&amp;b=2">
        <input type="hidden" name="csrf" value="a&#x27;b&#34;&lt;">
        <input type="text" id="username" name="user" value="" required>
        <button type="submit" id="consent-allow" name="decision" value="allow">Allow</button>
        <button type="submit" id="consent-deny" name="decision" value="deny">Deny</button></form>"#;

    #[test]
    fn forms_are_filled_by_the_ids_of_their_elements() {
        let mut form = Form::with_element(PAGE, "username").unwrap();
        form.fill("username", "ada");
        form.press("consent-allow");
        assert_eq!(form.action, "/login?a=1&b=2");
        let expected = [("csrf", "a'b\"<"), ("user", "ada"), ("decision", "allow")];
        assert_eq!(form.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(Form::with_element(PAGE, "absent"), None);
    }
}
