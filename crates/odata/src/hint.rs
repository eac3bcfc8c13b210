//! Suggestions for refused requests: names in another spelling, and the syntax of versions 2 and 3.

use crate::literal;
use crate::model::{EntityType, Model};

/// The property that was probably meant by a wrong name.
pub(crate) fn property(entity_type: &EntityType, wrong: &str) -> Option<String> {
    let properties = entity_type.named().iter().map(|property| (&property.name, &property.column));
    near(&properties, wrong)
}

/// The entity set of a cross join that was probably meant, or that names of its properties follow the name of one.
pub(crate) fn crossed_set<'m>(
    sets: &(impl Iterator<Item = &'m EntityType> + Clone),
    wrong: &str,
) -> Option<String> {
    let names = sets.clone().map(|set| (&set.name, &set.table));
    let first =
        || sets.clone().next().map(|set| format!("a path begins with an entity set, such as {}/", set.name));
    near(&names, wrong).or_else(first)
}

/// The entity set that was probably meant by a wrong name.
pub(crate) fn entity_set(model: &Model, wrong: &str) -> Option<String> {
    near(&model.entity_types.iter().map(|entity| (&entity.name, &entity.table)), wrong)
}

/// The name whose original is the wrong one; otherwise one that only differs in case and punctuation.
fn near<'m>(names: &(impl Iterator<Item = (&'m String, &'m String)> + Clone), wrong: &str) -> Option<String> {
    let wrong = wrong.trim().trim_matches(['"', '\'', '[', ']', '`']);
    let letters = |name: &str| -> String {
        name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = letters(wrong);
    let original = names.clone().find(|(_, original)| *original == wrong);
    let spelled = || {
        let mut names = names.clone();
        names.find(|(name, original)| {
            !wanted.is_empty() && (letters(name) == wanted || letters(original) == wanted)
        })
    };
    original.or_else(spelled).map(|(name, _)| format!("did you mean {name}?"))
}

/// The version 4 syntax of a literal of version 2 or 3, from the text before its quotes and in them.
pub(crate) fn quoted_literal(prefix: &str, inner: &str) -> Option<String> {
    let is = |name: &str| prefix.eq_ignore_ascii_case(name);
    let written = if is("guid") {
        inner.to_owned()
    } else if is("datetime") || is("datetimeoffset") {
        let zone = if literal::date_time_offset(inner).is_some() { "" } else { "Z" };
        if literal::date_time_offset(&format!("{inner}{zone}")).is_some() {
            format!("{inner}{zone}, for a date 2024-05-01")
        } else {
            "2024-05-01T12:00:00Z, for a date 2024-05-01".to_owned()
        }
    } else if is("time") {
        format!("duration'{inner}', for a time of day 12:30:00")
    } else if is("X") {
        "binary'T0RhdGE', in base64url".to_owned()
    } else if ["decimal", "double", "float", "single", "long", "int"].into_iter().any(is) {
        inner.to_owned()
    } else {
        return None;
    };
    Some(in_version_4(&written))
}

/// The version 4 syntax of a number with a type suffix.
pub(crate) fn number(text: &str) -> Option<String> {
    let bare = text.strip_suffix(['M', 'm', 'L', 'l', 'D', 'd', 'F', 'f'])?;
    let is_number = bare.parse::<f64>().is_ok() && bare.ends_with(|last: char| last.is_ascii_digit());
    is_number.then(|| in_version_4(bare))
}

fn in_version_4(written: &str) -> String {
    format!("version 4 writes {written}")
}

/// The version 4 equivalent of a function of version 2 or 3.
pub(crate) fn function(name: &str) -> Option<String> {
    let instead = if name.eq_ignore_ascii_case("substringof") {
        "version 4 has contains(Name,'x') for substringof('x',Name)"
    } else if name.eq_ignore_ascii_case("replace") {
        "version 4 has none either"
    } else {
        return None;
    };
    Some(instead.to_owned())
}

/// The version 4 equivalent of a query option of version 2 or 3.
pub(crate) fn option(name: &str) -> Option<String> {
    let instead = if name.eq_ignore_ascii_case("$inlinecount") {
        "version 4 has $count=true for $inlinecount=allpages, and $count=false for none"
    } else if name.eq_ignore_ascii_case("$callback") {
        "version 4 has none: the response is JSON, and scripts of other origins read it through CORS"
    } else {
        return None;
    };
    Some(instead.to_owned())
}

/// The version 4 equivalent of a path segment of version 2 or 3.
pub(crate) fn segment(name: &str) -> Option<String> {
    (name == "$links").then(|| "version 4 has $ref for $links".to_owned())
}
