//! The forms of a page, as a person would fill them.

/// A form with its fields as the page filled them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The address to which it is submitted.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// Every named field with its value, without unticked boxes and buttons.
    pub fields: Vec<(String, String)>,
    /// The id, name and value of each button.
    buttons: Vec<(String, String, String)>,
    /// The name of each box, ticked or not.
    boxes: Vec<String>,
}

impl Form {
    /// Sets the value of a field.
    ///
    /// # Panics
    /// If the form has no such field.
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        value.clone_into(&mut field.unwrap_or_else(|| panic!("the form has no field {name}")).1);
        self
    }

    /// Presses the button with this id. A person without any data source who allows an application ticks the box for later
    /// ones before, because there is nothing else to allow.
    ///
    /// # Panics
    /// If the form has no such button.
    #[must_use]
    pub fn press(mut self, id: &str) -> Self {
        let button = self.buttons.iter().find(|(button, _, _)| button == id);
        let (_, name, value) = button.unwrap_or_else(|| panic!("the form has no button {id}")).clone();
        if id == "consent-allow" && self.offers_only_later_data() {
            self.fields.push(("others".to_owned(), "yes".to_owned()));
        }
        if !name.is_empty() {
            self.fields.push((name, value));
        }
        self
    }

    /// Unticks the box of this name and value.
    ///
    /// # Panics
    /// If no such box is ticked.
    #[must_use]
    pub fn without(mut self, name: &str, value: &str) -> Self {
        let before = self.fields.len();
        self.fields.retain(|(field, its)| field != name || its != value);
        assert!(self.fields.len() < before, "no box {name}={value} is ticked");
        self
    }

    /// Adds a field, such as a box that is not ticked at first.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn offers_only_later_data(&self) -> bool {
        let has = |name: &str| self.boxes.iter().any(|its| its == name);
        let is_ticked = self.fields.iter().any(|(field, _)| field == "others");
        has("others") && !has("source") && !is_ticked
    }

    /// Whether it has a button with this id.
    pub fn has_button(&self, id: &str) -> bool {
        self.buttons.iter().any(|(button, _, _)| button == id)
    }
}

/// Every form of a page, in order.
pub(crate) fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    for tag in tags(page) {
        match tag.name.as_str() {
            "form" => {
                inside = true;
                let method = tag.get("method").unwrap_or_else(|| "get".to_owned()).to_ascii_lowercase();
                let action = tag.get("action").unwrap_or_default();
                let (fields, buttons, boxes) = (Vec::new(), Vec::new(), Vec::new());
                forms.push(Form { action, method, fields, buttons, boxes });
            }
            "/form" => inside = false,
            "input" | "button" | "textarea" if inside => {
                if let Some(form) = forms.last_mut() {
                    take_in(form, &tag);
                }
            }
            _ => {}
        }
    }
    forms
}

fn take_in(form: &mut Form, tag: &Tag) {
    let kind = tag.get("type").unwrap_or_default();
    let name = tag.get("name").unwrap_or_default();
    let value = tag.get("value").unwrap_or_default();
    if kind == "checkbox" {
        form.boxes.push(name.clone());
    }
    if tag.name == "button" || kind == "submit" {
        form.buttons.push((tag.get("id").unwrap_or_default(), name, value));
    } else if !name.is_empty() && (!matches!(kind.as_str(), "checkbox" | "radio") || tag.has("checked")) {
        form.fields.push((name, value));
    }
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.clone())
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(attribute, _)| attribute == name)
    }
}

/// The tags of a page. Attributes must be quoted, as in our templates.
fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest[..name_end].to_ascii_lowercase();
        rest = &rest[name_end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let Some(end) = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>') else { break };
            if end == 0 {
                rest = rest.strip_prefix('>').unwrap_or(rest);
                break;
            }
            let attribute = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let Some(quoted) = rest.strip_prefix("=\"") else {
                attributes.push((attribute, String::new()));
                continue;
            };
            let close = quoted.find('"').unwrap_or(quoted.len());
            attributes.push((attribute, unescape(&quoted[..close])));
            rest = quoted.get(close + 1..).unwrap_or_default();
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

/// Resolves the character references in a text.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((reference, after)) = rest.split_once(';') else { break };
        plain.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => numbered(number),
        });
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn numbered(reference: &str) -> char {
    let code = reference.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    code.and_then(char::from_u32)
        .unwrap_or_else(|| panic!("&{reference}; is not a reference that our pages write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields_and_buttons() {
        let page = r#"<p>a</p><form method="post" action="/login?a=1&amp;b=2">
            <input type="hidden" name="csrf" value="x&#38;y"><input id="u" name="username" value="" required autofocus>
            <button type="submit" id="go" name="decision" value="allow">Go</button></form><input name="stray">"#;
        let [form] = forms(page).try_into().unwrap();
        assert_eq!((form.method.as_str(), form.action.as_str()), ("post", "/login?a=1&b=2"));
        let sent = form.fill("username", "ada").press("go").fields;
        let expected = [("csrf", "x&y"), ("username", "ada"), ("decision", "allow")];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
