//! Reading the arguments of a call. All faults are reported at once, so that a model can correct them at once.

use odata::address::{KeyValue, Measure, Method};

use crate::json::Json;

/// The maximum number of names in a list.
const MOST_NAMES: usize = 200;
/// The maximum number of values of a group.
const MOST_MEASURES: usize = 20;
/// The maximum number of faults in a message.
const MOST_FAULTS: usize = 10;

/// A parameter of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToolParameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    pub(crate) description: &'static str,
}

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text that is not empty.
    Text,
    /// Names, at least one.
    Names,
    /// An integer of at least and at most these, with its default.
    Integer(usize, usize, usize),
    /// A truth value with its default.
    Flag(bool),
    /// The values of a key by their names.
    Key,
    /// The values of a group, at least one.
    Measures,
}

/// The arguments of a call, which have the right types.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ToolArguments(Vec<(&'static str, Argument)>);

#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Text(String),
    Names(Vec<String>),
    Integer(usize),
    Flag(bool),
    Key(Vec<(String, KeyValue)>),
    Measures(Vec<Measure>),
}

impl ToolArguments {
    /// Reads an object; null, like an absent one, counts as an empty one.
    ///
    /// # Errors
    /// Everything that is wrong with it, in words.
    pub(crate) fn read(parameters: &[ToolParameter], json: &Json) -> Result<Self, String> {
        let given = match json {
            Json::Null => &[][..],
            Json::Object(members) => members.as_slice(),
            other => return Err(format!("the arguments must be an object, not {}", other.kind())),
        };
        let mut faults = Vec::new();
        let mut arguments = Vec::new();
        for parameter in parameters {
            let value = given.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value);
            match value.filter(|value| **value != Json::Null) {
                Some(value) => match parameter.kind.read(value) {
                    Some(argument) => arguments.push((parameter.name, argument)),
                    None => faults.push(format!("{} must be {}", parameter.name, parameter.kind.in_words())),
                },
                None if parameter.is_required => faults.push(format!("{} is missing", parameter.name)),
                None => {}
            }
        }
        let is_known = |name: &String| parameters.iter().any(|parameter| parameter.name == name);
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !is_known(name)) {
            let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
            let unknown: String = unknown.chars().take(64).collect();
            faults.push(format!("there is no argument {unknown}; there are {}", names.join(", ")));
        }
        faults.truncate(MOST_FAULTS);
        if faults.is_empty() { Ok(Self(arguments)) } else { Err(faults.join("; ")) }
    }

    fn get(&self, name: &str) -> Option<&Argument> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, argument)| argument)
    }

    /// A text, if it is given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if let Some(Argument::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    /// Names; none if they are not given.
    pub(crate) fn names(&self, name: &str) -> &[String] {
        if let Some(Argument::Names(names)) = self.get(name) { names } else { &[] }
    }

    /// An integer, or its default.
    pub(crate) fn integer(&self, name: &str, default: usize) -> usize {
        if let Some(Argument::Integer(number)) = self.get(name) { *number } else { default }
    }

    /// A truth value, or its default.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        if let Some(Argument::Flag(flag)) = self.get(name) { *flag } else { default }
    }

    /// The values of a group; none if they are not given.
    pub(crate) fn measures(&self, name: &str) -> &[Measure] {
        if let Some(Argument::Measures(measures)) = self.get(name) { measures } else { &[] }
    }

    /// The values of a key; none if it is not given.
    pub(crate) fn key(&self, name: &str) -> &[(String, KeyValue)] {
        if let Some(Argument::Key(key)) = self.get(name) { key } else { &[] }
    }
}

impl Kind {
    fn read(self, value: &Json) -> Option<Argument> {
        match (self, value) {
            (Self::Text, Json::String(text)) if !text.is_empty() => Some(Argument::Text(text.clone())),
            (Self::Names, Json::Array(names)) if (1..=MOST_NAMES).contains(&names.len()) => {
                let name = |name: &Json| name.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
                names.iter().map(name).collect::<Option<Vec<_>>>().map(Argument::Names)
            }
            (Self::Integer(least, most, _), Json::Number(number)) => {
                let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
                number.filter(|number| (least..=most).contains(number)).map(Argument::Integer)
            }
            (Self::Flag(_), Json::Bool(flag)) => Some(Argument::Flag(*flag)),
            (Self::Measures, Json::Array(measures)) if (1..=MOST_MEASURES).contains(&measures.len()) => {
                measures.iter().map(measure).collect::<Option<Vec<_>>>().map(Argument::Measures)
            }
            (Self::Key, Json::Object(members)) if !members.is_empty() => {
                let value = |(name, value): &(String, Json)| Some((name.clone(), key_value(value)?));
                members.iter().map(value).collect::<Option<Vec<_>>>().map(Argument::Key)
            }
            _ => None,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::Names => format!("an array of 1 to {MOST_NAMES} names"),
            Self::Integer(least, usize::MAX, _) => format!("an integer of at least {least}"),
            Self::Integer(least, most, _) => format!("an integer from {least} to {most}"),
            Self::Flag(_) => "true or false".to_owned(),
            Self::Measures => format!(
                "an array of 1 to {MOST_MEASURES} objects such as {{\"op\": \"sum\", \"property\": \"Price\", \"as\": \"Total\"}}; \
                 op is count, sum, min, max, average or countdistinct, and only count has no property"
            ),
            Self::Key => "an object with the value of each key property, such as {\"Id\": 7}".to_owned(),
        }
    }
}

/// A value of a group. Without a name it is called like its method and its property.
fn measure(value: &Json) -> Option<Measure> {
    let Json::Object(members) = value else { return None };
    let is_known = |(name, _): &(String, Json)| matches!(name.as_str(), "op" | "property" | "as");
    let op = value.get("op").and_then(Json::as_str)?;
    let property = match value.get("property") {
        None => None,
        Some(property) => Some(property.as_str()?),
    };
    let name = match value.get("as") {
        None => None,
        Some(name) => Some(name.as_str()?.to_owned()),
    };
    let of = match (op, property) {
        ("count", None) => None,
        (op, Some(property)) => {
            let method = Method::ALL.into_iter().find(|method| method.as_str() == op)?;
            Some((method, property.to_owned()))
        }
        (_, None) => return None,
    };
    let default = || match property {
        Some(property) => format!("{op}_{}", property.replace('/', "_")),
        None => op.to_owned(),
    };
    members.iter().all(is_known).then(|| Measure { of, name: name.unwrap_or_else(default) })
}

fn key_value(value: &Json) -> Option<KeyValue> {
    match value {
        Json::String(text) => Some(KeyValue::Text(text.clone())),
        Json::Number(number) => Some(KeyValue::Number(number.to_string())),
        Json::Bool(flag) => Some(KeyValue::Boolean(*flag)),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    const PARAMETERS: [ToolParameter; 6] = [
        ToolParameter { name: "entity", kind: Kind::Text, is_required: true, description: "" },
        ToolParameter { name: "select", kind: Kind::Names, is_required: false, description: "" },
        ToolParameter { name: "top", kind: Kind::Integer(1, 200, 20), is_required: false, description: "" },
        ToolParameter { name: "count", kind: Kind::Flag(true), is_required: false, description: "" },
        ToolParameter { name: "key", kind: Kind::Key, is_required: false, description: "" },
        ToolParameter { name: "of", kind: Kind::Measures, is_required: false, description: "" },
    ];

    fn read(text: &str) -> Result<ToolArguments, String> {
        ToolArguments::read(&PARAMETERS, &parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn arguments_have_their_types_or_their_defaults() {
        let all =
            read(r#"{"entity":"A","select":["B"],"top":7,"count":false,"key":{"Id":1,"Is":true,"N":"x"}}"#)
                .unwrap();
        assert_eq!(
            (all.text("entity"), all.integer("top", 20), all.flag("count", true)),
            (Some("A"), 7, false)
        );
        assert_eq!(all.names("select"), ["B"]);
        let values =
            [KeyValue::Number("1".to_owned()), KeyValue::Boolean(true), KeyValue::Text("x".to_owned())];
        assert_eq!(all.key("key").iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(), values);
        let some = read(r#"{"entity":"A","top":null}"#).unwrap();
        assert_eq!(
            (some.integer("top", 20), some.flag("count", true), some.names("select")),
            (20, true, &[][..])
        );
    }

    #[test]
    fn values_of_groups_have_a_method_a_property_and_a_name() {
        let of = |text: &str| read(&format!(r#"{{"entity":"A","of":{text}}}"#));
        let read =
            of(r#"[{"op":"count"},{"op":"max","property":"B/C"},{"op":"sum","property":"D","as":"E"}]"#);
        let names: Vec<String> =
            read.unwrap().measures("of").iter().map(|measure| measure.name.clone()).collect();
        assert_eq!(names, ["count", "max_B_C", "E"]);
        for wrong in [
            "[]",
            "{}",
            "[7]",
            r#"[{"op":"median","property":"A"}]"#,
            r#"[{"op":"sum"}]"#,
            r#"[{"op":"count","property":"A"}]"#,
            r#"[{"op":"sum","property":"A","where":"x"}]"#,
            r#"[{"op":"sum","property":"A","as":1}]"#,
        ] {
            assert!(of(wrong).unwrap_err().starts_with("of must be an array of 1 to 20 objects"), "{wrong}");
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert_eq!(
            read(r#"{"select":[],"top":201,"sql":"SELECT 1"}"#).unwrap_err(),
            "entity is missing; select must be an array of 1 to 200 names; top must be an integer from 1 to 200; \
             there is no argument sql; there are entity, select, top, count, key, of"
        );
        for (text, fault) in [
            ("[]", "the arguments must be an object, not an array"),
            (r#"{"entity":""}"#, "entity must be a text that is not empty"),
            (r#"{"entity":"A","top":1.5}"#, "top must be an integer from 1 to 200"),
            (r#"{"entity":"A","top":-1}"#, "top must be an integer from 1 to 200"),
            (r#"{"entity":"A","count":"no"}"#, "count must be true or false"),
        ] {
            assert_eq!(read(text).unwrap_err(), fault, "{text}");
        }
        for key in ["7", "{}", r#"{"Id":null}"#, r#"{"Id":[1]}"#] {
            let refused = read(&format!(r#"{{"entity":"A","key":{key}}}"#)).unwrap_err();
            assert!(refused.starts_with("key must be an object"), "{key}: {refused}");
        }
    }
}
