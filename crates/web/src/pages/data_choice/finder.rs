//! How a user finds one of many data sources: by a part of its name or description, and page by page. The buttons submit the
//! form with everything that is ticked, so that it works without scripts and nothing is lost.

use oauth::authorize::{Offer, OfferedSource};

use crate::pages::form::{FormBody, fields};

/// The maximum number of data sources that are shown at once.
const MOST_SHOWN: usize = 100;

/// Which data sources the user wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FinderQuery {
    /// A part of the name or the description; empty for all.
    find: String,
    /// How many of those that are found come before the first that is shown.
    from: usize,
    /// Whether a button of the finder was pressed.
    was_asked: bool,
}

impl FinderQuery {
    /// What the form and its button ask for.
    pub(crate) fn of(form: &FormBody) -> Self {
        let from: usize = form.field(fields::FROM).parse().unwrap_or_default();
        let (from, was_asked) = match form.field(fields::DECISION) {
            "find" => (0, true),
            "previous" => (from.saturating_sub(MOST_SHOWN), true),
            "next" => (from.saturating_add(MOST_SHOWN), true),
            _ => (from, false),
        };
        Self { find: form.field(fields::FIND).trim().to_owned(), from, was_asked }
    }

    /// One that finds something.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self { find: "script".to_owned(), from: MOST_SHOWN, was_asked: true }
    }
}

/// The field and the buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finder {
    pub(crate) find: String,
    /// How many of those that are found come before the first that is shown.
    pub(crate) from: usize,
    /// How many are shown.
    pub(crate) shown: usize,
    /// How many are found.
    pub(crate) found: usize,
    /// Whether the page answers a button of the finder, so that it begins there.
    pub(crate) is_answer: bool,
}

impl Finder {
    /// The finder, if one is needed, and for each data source whether it is shown. A position beyond the end is the last page.
    pub(crate) fn of(offer: &Offer, query: &FinderQuery) -> (Option<Self>, Vec<bool>) {
        let total = offer.sources.len();
        if offer.is_named || total <= MOST_SHOWN {
            return (None, vec![true; total]);
        }
        let wanted = query.find.to_lowercase();
        let is_found = |source: &OfferedSource| {
            source.name.to_lowercase().contains(&wanted)
                || source.description.to_lowercase().contains(&wanted)
        };
        let found: Vec<usize> = (0..total).filter(|at| is_found(&offer.sources[*at])).collect();
        let last_page = found.len().saturating_sub(1) / MOST_SHOWN;
        let from = (query.from / MOST_SHOWN).min(last_page) * MOST_SHOWN;
        let mut is_shown = vec![false; total];
        let shown = &found[from..found.len().min(from + MOST_SHOWN)];
        for at in shown {
            is_shown[*at] = true;
        }
        let (find, is_answer) = (query.find.clone(), query.was_asked);
        let finder = Self { find, from, shown: shown.len(), found: found.len(), is_answer };
        (Some(finder), is_shown)
    }

    pub(crate) fn has_next(&self) -> bool {
        self.from + self.shown < self.found
    }

    /// Which ones are shown, in words.
    pub(crate) fn in_words(&self) -> String {
        let Self { from, shown, found, .. } = self;
        let of_what = if self.find.is_empty() { "data sources" } else { "that were found" };
        match shown {
            0 => "No data source was found.".to_owned(),
            _ if shown == found && self.find.is_empty() => format!("All {found} are shown."),
            1 if *found == 1 => "1 data source was found.".to_owned(),
            _ if shown == found => format!("{found} data sources were found."),
            _ => format!("Shown are {} to {} of the {found} {of_what}.", from + 1, from + shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::DataSourceId;

    use super::*;

    fn offer(count: i64) -> Offer {
        let one = |id: i64| OfferedSource {
            id: DataSourceId::new(id),
            name: format!("Pier {id}"),
            description: if id == 7 { "Die Größe der Schiffe".to_owned() } else { String::new() },
            entities: Vec::new(),
            is_ticked: false,
            may_change: false,
        };
        Offer { sources: (1..=count).map(one).collect(), is_named: false, names_unknown: false, before: None }
    }

    fn found(count: i64, find: &str, from: usize) -> (Vec<usize>, String) {
        let (finder, is_shown) =
            Finder::of(&offer(count), &FinderQuery { find: find.to_owned(), from, was_asked: false });
        let shown = is_shown.iter().enumerate().filter(|(_, is_shown)| **is_shown).map(|(at, _)| at + 1);
        (shown.collect(), finder.map_or_else(String::new, |finder| finder.in_words()))
    }

    #[test]
    fn a_user_finds_every_one_of_many_data_sources() {
        let all = |from: usize, to: usize| (from..=to).collect::<Vec<_>>();
        for (count, find, from, shown, words) in [
            (100, "", 0, all(1, 100), ""),
            (100, "Pier 3", 0, all(1, 100), ""),
            (250, "", 0, all(1, 100), "Shown are 1 to 100 of the 250 data sources."),
            (250, "", 200, all(201, 250), "Shown are 201 to 250 of the 250 data sources."),
            (250, "", 9_000, all(201, 250), "Shown are 201 to 250 of the 250 data sources."),
            (250, "pier 25", 0, vec![25, 250], "2 data sources were found."),
            (250, "pier 250", 100, vec![250], "1 data source was found."),
            (250, "GRÖSSE", 0, Vec::new(), "No data source was found."),
            (250, "größe", 0, vec![7], "1 data source was found."),
            (1_100, "pier 1", 100, all(190, 199), ""),
        ] {
            let (given, said) = found(count, find, from);
            if words.is_empty() && count > 100 {
                assert_eq!(given.len(), 100, "{said}");
            } else {
                assert_eq!((given, said.as_str()), (shown, words), "{count} {find} {from}");
            }
        }
    }
}
