//! What a context URL says about the entities of a response ([Protocol
//! §10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ContextURL)).

use crate::bind::expand::BoundExpand;
use crate::bind::{SelectedProperties, Selection};
use crate::encode::nesting::Nesting;
use crate::encode::text::in_url;
use crate::model::EntityType;
use crate::syntax::ExpandedForm;

/// What is selected and expanded; `None` for everything that is not expanded.
pub(super) fn select_list(selection: &Selection<'_>) -> Option<String> {
    let (_, entity_type) = selection.page.input.first_scan();
    let items = items(entity_type, &selection.shown, &selection.expanded, None);
    (!items.is_empty()).then(|| items.join(","))
}

/// The items for entities of a type. A property that is expanded again on each level is listed only once.
fn items(
    entity_type: &EntityType,
    shown: &SelectedProperties<'_>,
    expanded: &[BoundExpand<'_>],
    again: Option<&str>,
) -> Vec<String> {
    let is_listed = |one: &&BoundExpand<'_>| {
        one.form != ExpandedForm::Count && again != Some(one.navigation.name.as_str())
    };
    let expanded: Vec<&BoundExpand<'_>> = expanded.iter().filter(is_listed).collect();
    let mut list = Vec::new();
    if shown.narrowed {
        let properties = shown.properties.iter().map(|property| &*entity_type.properties[*property].name);
        let is_expanded = |name: &&str| expanded.iter().any(|one| one.navigation.name == *name);
        let navigations = shown.navigations.iter().copied().filter(|name| !is_expanded(name));
        let computed = shown.computed.iter().map(|(_, name)| &**name);
        let properties = nested(properties);
        list.extend((!properties.is_empty()).then_some(properties));
        list.extend(computed.chain(navigations).map(in_url));
    } else if !shown.computed.is_empty() {
        list.push("*".to_owned());
        list.extend(shown.computed.iter().map(|(_, name)| in_url(name)));
    }
    for one in expanded {
        let name = &one.navigation.name;
        let again = one.recursive.then_some(name.as_str());
        let inner = items(one.entity_type, &one.shown, &one.nested, again).join(",");
        let plus = if one.recursive { "+" } else { "" };
        list.push(format!("{}{plus}({inner})", in_url(name)));
    }
    list
}

/// The names of properties, separated by commas. Those of one related entity are in parentheses after its name.
fn nested<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut nesting = Nesting::default();
    let mut list = String::new();
    for path in names {
        let way = nesting.to(path);
        list.extend(std::iter::repeat_n(')', way.ends));
        let mut separator = if list.is_empty() { "" } else { "," };
        for entity in way.starts {
            list.push_str(separator);
            list.push_str(&in_url(entity));
            separator = "(";
        }
        list.push_str(separator);
        list.push_str(&in_url(way.name));
    }
    list.extend(std::iter::repeat_n(')', nesting.depth()));
    list
}
