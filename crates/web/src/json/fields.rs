//! Reading the members of an object, collecting all faults.

use std::cell::{Cell, RefCell};

use super::tree::{Json, brief};
use crate::respond::management::Detail;

/// The faults of one payload, collected while it is read.
#[derive(Debug, Default)]
pub struct PayloadFaults {
    details: RefCell<Vec<Detail>>,
    unreadable: Cell<bool>,
}

impl PayloadFaults {
    /// Records a fault of the member at that path.
    pub fn add(&self, field: impl Into<String>, message: impl Into<String>) {
        self.details.borrow_mut().push(Detail { field: field.into(), message: message.into() });
    }

    /// Records a fault after which nothing of the payload can be read, so that there is nothing for rules to
    /// check.
    pub fn unreadable(&self, field: impl Into<String>, message: impl Into<String>) {
        self.unreadable.set(true);
        self.add(field, message);
    }

    /// Whether nothing of the payload can be read.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable.get()
    }

    /// Whether there are no faults.
    pub fn is_empty(&self) -> bool {
        self.details.borrow().is_empty()
    }

    /// All faults, in the order of reading.
    pub fn into_details(self) -> Vec<Detail> {
        self.details.into_inner()
    }
}

/// A payload that reads itself. Faults go into `faults`; the value is not used then, so it may be anything
/// convenient.
pub trait FromJson: Sized {
    /// Reads the payload.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self;
}

/// The members of one object. Each reader returns `None` for a member that is omitted, `null`, or of a wrong
/// type; the last is a fault. At the end, [`Fields::finish`] reports unknown members.
pub struct Fields<'a> {
    members: &'a [(String, Json)],
    path: String,
    known: Vec<&'static str>,
    faults: &'a PayloadFaults,
}

impl<'a> Fields<'a> {
    /// The members of `json`, which is at `path` (empty for the payload itself). If it is not an object,
    /// there are no members, and a fault.
    pub fn of(json: &'a Json, path: &str, faults: &'a PayloadFaults) -> Self {
        let members = if let Json::Object(members) = json {
            members.as_slice()
        } else {
            let message = format!("must be an object, not {}", json.kind());
            if path.is_empty() {
                faults.unreadable(path, message);
            } else {
                faults.add(path, message);
            }
            &[]
        };
        Self { members, path: path.to_owned(), known: Vec::new(), faults }
    }

    /// Ignores members: read-only ones that clients send back.
    pub fn ignore(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// Whether the member is present, even as `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }

    /// A string.
    pub fn string(&mut self, name: &'static str) -> Option<&'a str> {
        match self.value(name)? {
            Json::String(text) => Some(text),
            other => self.wrong(name, "a string", other),
        }
    }

    /// A required string.
    pub fn required_string(&mut self, name: &'static str) -> Option<&'a str> {
        self.require(name);
        self.string(name)
    }

    /// An integer.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        match self.value(name)? {
            Json::Number(number) if number.is_i64() => number.as_i64(),
            other => self.wrong(name, "a whole number of at most 64 bits", other),
        }
    }

    /// A required integer.
    pub fn required_integer(&mut self, name: &'static str) -> Option<i64> {
        self.require(name);
        self.integer(name)
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.value(name)? {
            Json::Bool(value) => Some(*value),
            other => self.wrong(name, "true or false", other),
        }
    }

    /// Strings in order.
    pub fn strings(&mut self, name: &'static str) -> Option<Vec<&'a str>> {
        self.elements(name, "a string", |element| match element {
            Json::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Integers in order.
    pub fn integers(&mut self, name: &'static str) -> Option<Vec<i64>> {
        self.elements(name, "a whole number of at most 64 bits", |element| match element {
            Json::Number(number) => number.as_i64(),
            _ => None,
        })
    }

    /// A nested object, whose reader must be finished separately.
    pub fn object(&mut self, name: &'static str) -> Option<Fields<'a>> {
        let value = self.value(name)?;
        Some(Fields::of(value, &self.path_of(name), self.faults))
    }

    /// Converts each element of an array with `read`, which gets the element and its path.
    pub fn array<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&'a Json, &str) -> T,
    ) -> Option<Vec<T>> {
        let elements = match self.value(name)? {
            Json::Array(elements) => elements,
            other => return self.wrong(name, "an array", other),
        };
        let path = self.path_of(name);
        let read = |(at, element)| read(element, &format!("{path}[{at}]"));
        Some(elements.iter().enumerate().map(read).collect())
    }

    /// The same for a required array.
    pub fn required_array<T>(&mut self, name: &'static str, read: impl FnMut(&'a Json, &str) -> T) -> Vec<T> {
        self.require(name);
        self.array(name, read).unwrap_or_default()
    }

    /// The names and values of an object with arbitrary names, such as the options of a data source: strings
    /// as they are, objects as their JSON.
    pub fn texts_or_objects(&mut self, name: &'static str) -> Option<Vec<(String, String)>> {
        let inner = self.object(name)?;
        let mut texts = Vec::with_capacity(inner.members.len());
        for (member, value) in inner.members {
            match value {
                Json::String(text) => texts.push((member.clone(), text.clone())),
                Json::Object(_) => texts.push((member.clone(), value.to_string())),
                other => self.faults.add(
                    format!("{}.{}", inner.path, brief(member)),
                    format!("must be a string or an object, not {}", other.kind()),
                ),
            }
        }
        Some(texts)
    }

    /// The members of an object with arbitrary names, each with its path.
    pub fn entries(
        json: &'a Json,
        path: &str,
        faults: &'a PayloadFaults,
    ) -> Vec<(&'a String, String, &'a Json)> {
        let Fields { members, path, .. } = Self::of(json, path, faults);
        members.iter().map(|(name, value)| (name, format!("{path}.{}", brief(name)), value)).collect()
    }

    /// Those of a member.
    pub fn entries_of(&mut self, name: &'static str) -> Vec<(&'a String, String, &'a Json)> {
        let path = self.path_of(name);
        self.value(name).map(|json| Self::entries(json, &path, self.faults)).unwrap_or_default()
    }

    /// The value itself, if no other reader fits.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Json> {
        self.known.push(name);
        let (_, value) = self.members.iter().find(|(member, _)| member == name)?;
        (*value != Json::Null).then_some(value)
    }

    /// Records a fault of one member.
    pub fn fault(&self, name: &str, message: impl Into<String>) {
        self.faults.add(self.path_of(name), message);
    }

    /// Records all unknown members.
    pub fn finish(self) {
        for (member, _) in self.members {
            if !self.known.contains(&member.as_str()) {
                self.fault(&brief(member), "is not a member of this payload");
            }
        }
    }

    fn require(&self, name: &str) {
        let there = self.members.iter().any(|(member, value)| member == name && *value != Json::Null);
        if !there {
            self.fault(name, "is required");
        }
    }

    fn elements<T>(
        &mut self,
        name: &'static str,
        kind: &str,
        read: impl Fn(&'a Json) -> Option<T>,
    ) -> Option<Vec<T>> {
        let elements = match self.value(name)? {
            Json::Array(elements) => elements,
            other => return self.wrong(name, "an array", other),
        };
        let mut values = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            match read(element) {
                Some(value) => values.push(value),
                None => {
                    self.fault(&format!("{name}[{at}]"), format!("must be {kind}, not {}", element.kind()));
                }
            }
        }
        Some(values)
    }

    fn wrong<T>(&self, name: &str, expected: &str, found: &Json) -> Option<T> {
        let found = match found {
            Json::Number(number) => format!("the number {number}"),
            other => other.kind().to_owned(),
        };
        self.fault(name, format!("must be {expected}, not {found}"));
        None
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;

    fn faults_of(text: &str, read: impl FnOnce(&mut Fields<'_>)) -> Vec<(String, String)> {
        let json = parse(text.as_bytes()).unwrap();
        let faults = PayloadFaults::default();
        let mut fields = Fields::of(&json, "", &faults);
        read(&mut fields);
        fields.finish();
        faults.into_details().into_iter().map(|detail| (detail.field, detail.message)).collect()
    }

    #[test]
    fn every_fault_is_collected_with_its_path() {
        let faults = faults_of(r#"{"a":1,"b":["x",2],"c":{"d":"no"},"e":1.5,"z":0}"#, |fields| {
            fields.string("a");
            fields.strings("b");
            let mut inner = fields.object("c").unwrap();
            inner.boolean("d");
            inner.finish();
            fields.integer("e");
            fields.required_string("f");
        });
        let paths: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["a", "b[1]", "c.d", "e", "f", "z"]);
        assert_eq!(faults[0].1, "must be a string, not the number 1");
    }

    #[test]
    fn the_elements_of_a_required_array_are_read_with_their_paths() {
        let paths = |text| {
            let mut paths = Vec::new();
            let faults = faults_of(text, |fields| {
                paths = fields.required_array("a", |_, path| path.to_owned());
            });
            (paths, faults.into_iter().map(|(_, message)| message).collect::<Vec<_>>())
        };
        assert_eq!(paths(r#"{"a":[1,{}]}"#), (vec!["a[0]".to_owned(), "a[1]".to_owned()], vec![]));
        assert_eq!(paths(r#"{"a":[]}"#), (vec![], vec![]));
        for (text, message) in [
            ("{}", "is required"),
            (r#"{"a":null}"#, "is required"),
            (r#"{"a":"x"}"#, "must be an array, not a string"),
        ] {
            assert_eq!(paths(text), (vec![], vec![message.to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_null_member_counts_as_omitted() {
        assert_eq!(faults_of(r#"{"a":null}"#, |fields| assert_eq!(fields.string("a"), None)), []);
        let faults = faults_of(r#"{"a":null}"#, |fields| assert_eq!(fields.required_string("a"), None));
        assert_eq!(faults, [("a".to_owned(), "is required".to_owned())]);
    }

    #[test]
    fn a_payload_other_than_an_object_is_a_fault() {
        let faults = faults_of("[]", |_| ());
        assert_eq!(faults, [(String::new(), "must be an object, not an array".to_owned())]);
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_not_an_integer() {
        let faults =
            faults_of(r#"{"a":99999999999999999999}"#, |fields| assert_eq!(fields.integer("a"), None));
        assert_eq!(faults.len(), 1);
    }
}
