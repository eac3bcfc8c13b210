//! Answers of bounded length.

use serde_json::{Map, Value, json};

use super::arguments::ToolArguments;
use super::{Answer, MOST_BYTES, schema};

/// How a list goes on.
const MORE: &str = "the list is not complete: name a search, or go on with skip";

/// Some of the named things that the arguments of a list ask for, with their number.
pub(super) fn names<T>(
    member: &str,
    arguments: &ToolArguments,
    all: impl Iterator<Item = T>,
    name: impl Fn(&T) -> &str,
    describe: impl Fn(&T) -> Value,
) -> Answer {
    let wanted = arguments.text("search").map(str::to_lowercase);
    let is_wanted = |one: &T| wanted.as_ref().is_none_or(|wanted| name(one).to_lowercase().contains(wanted));
    let found: Vec<T> = all.filter(is_wanted).collect();
    let (skip, top) = (arguments.integer("skip", 0), arguments.integer("top", schema::DEFAULT_NAMES));
    let mut listed = Vec::new();
    let mut bytes = 0;
    for one in found.iter().skip(skip).take(top) {
        let described = describe(one);
        bytes += described.to_string().len();
        if bytes > MOST_BYTES {
            break;
        }
        listed.push(described);
    }
    let rows = listed.len();
    let is_truncated = skip.saturating_add(rows) < found.len();
    let mut members = Map::new();
    members.insert(member.to_owned(), listed.into());
    members.insert("total".to_owned(), found.len().into());
    members.insert("truncated".to_owned(), is_truncated.into());
    if is_truncated {
        members.insert("note".to_owned(), json!(MORE));
    }
    Answer { structured: Value::Object(members).to_string(), rows }
}
