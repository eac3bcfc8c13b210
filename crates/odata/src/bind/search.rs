//! Binding `$search`: a term matches an entity if one of its texts contains it, whatever the case of the letters.

use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::syntax::search::Search;
use crate::tree::class::Class;
use crate::tree::column::ScanId;
use crate::tree::function::Function;
use crate::tree::typed::{Constant, Term, Typed};

pub(super) const SEARCH: &str = "$search";

/// The maximum number of times that a search compares a term with a column.
const MAX_COMPARED: usize = 512;

/// The condition that a row matches a search. `target` is the option that contains it.
pub(super) fn matches(
    search: &Search<'_>,
    (scan, entity_type): (ScanId, &EntityType),
    target: &'static str,
) -> Result<Typed, Error> {
    let columns = &entity_type.searchable;
    if columns.is_empty() {
        let what = format!("$search in {}, which has no text", entity_type.name);
        return Err(Reason::NotImplemented(what).at(target, 0));
    }
    if terms(search) * columns.len() > MAX_COMPARED {
        return Err(Reason::TooComplex.at(target, 0));
    }
    let texts: Vec<Typed> = columns
        .iter()
        .map(|&index| lower(Typed::column(scan.column(index), &entity_type.properties[index])))
        .collect();
    Ok(condition(search, &texts))
}

fn terms(search: &Search<'_>) -> usize {
    match search {
        Search::Term(_) => 1,
        Search::Not(term) => terms(term),
        Search::And(all) | Search::Or(all) => all.iter().map(terms).sum(),
    }
}

fn condition(search: &Search<'_>, texts: &[Typed]) -> Typed {
    match search {
        Search::Term(term) => {
            let term = lower(Typed::constant(Constant::String((*term).to_owned())));
            let contains =
                |text: &Typed| call(Function::Contains, vec![text.clone(), term.clone()], Class::Boolean);
            join(texts.iter().map(contains).collect(), Term::Or)
        }
        // A text that is null contains nothing.
        Search::Not(term) => Typed::untrue(condition(term, texts)),
        Search::And(all) => join(all.iter().map(|term| condition(term, texts)).collect(), Term::And),
        Search::Or(all) => join(all.iter().map(|term| condition(term, texts)).collect(), Term::Or),
    }
}

/// One condition of several.
fn join(mut conditions: Vec<Typed>, junction: fn(Vec<Typed>) -> Term) -> Typed {
    if conditions.len() == 1 {
        return conditions.remove(0);
    }
    let nullable = conditions.iter().any(|condition| condition.nullable);
    Typed { term: junction(conditions), class: Class::Boolean, nullable }
}

fn lower(text: Typed) -> Typed {
    call(Function::ToLower, vec![text], Class::String)
}

fn call(function: Function, arguments: Vec<Typed>, class: Class) -> Typed {
    let nullable = function.signature().nullable || arguments.iter().any(|argument| argument.nullable);
    Typed { term: Term::Call(function, arguments), class, nullable }
}
