//! Merges the rows of all levels into nested entities, within the bounds of memory.
//!
//! If a level has more rows than it may keep, the page ends: as far out as possible, so that what remains is
//! complete. It ends before the entity whose related rows are incomplete; only if that is the first entity of
//! its list does the list of its related rows end instead.

use super::held::{Cut, HeldRows};
use super::{Expansion, Level, LevelColumns};
use crate::cell::{Row, Value};
use crate::encode::expanded::Gap;
use crate::encode::{Encoder, InvalidValues, text};
use crate::error::Error;
use crate::position::{Mark, Position};
use crate::url::Url;

/// What to do after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Pass the next row of the level.
    Go,
    /// The level needs no more rows.
    Done,
    /// The rows are not in the order of their parents, which is a fault of the statements or of the database.
    Misordered,
}

/// The rows of a page with expanded navigation properties, while they are read.
#[derive(Debug)]
pub struct Gathering<'e> {
    expansion: &'e Expansion,
    encoder: &'e Encoder,
    /// The maximum number of rows on the first level; `None` if it is one entity.
    page: Option<usize>,
    levels: Vec<HeldRows>,
    invalid_values: InvalidValues,
}

impl<'e> Gathering<'e> {
    /// Gathers a page of at most `page` entities, or one entity.
    pub(crate) fn new(expansion: &'e Expansion, encoder: &'e Encoder, page: Option<usize>) -> Self {
        let levels = expansion.levels.iter().map(|_| HeldRows::default()).collect();
        Self { expansion, encoder, page, levels, invalid_values: InvalidValues::default() }
    }

    /// Whether a level can have rows: not if there are none to which they could be related.
    pub fn is_needed(&self, level: usize) -> bool {
        self.parent_of(level).is_none_or(|parent| !self.levels[parent].rows.is_empty())
    }

    /// Takes a row of a level. All rows of a level must be passed, in order, before those of the next one.
    pub fn row(&mut self, level: usize, row: &impl Row) -> Progress {
        let expansion: &'e Expansion = self.expansion;
        let description = &expansion.levels[level];
        let parent = match self.find_parent(description, level, row) {
            Ok(parent) => parent,
            Err(progress) => return progress,
        };
        let held = &mut self.levels[level];
        if held.full.is_some() || (level == 0 && self.page == Some(held.rows.len())) {
            self.cut(description, parent, row);
            return Progress::Done;
        }
        self.keep(description, level, parent, row);
        Progress::Go
    }

    /// Writes a row and keeps it.
    fn keep(&mut self, description: &Level, level: usize, parent: usize, row: &impl Row) {
        let held = &mut self.levels[level];
        let invalid_values = match (&description.encoder, self.page) {
            (Some(encoder), _) => encoder.entity_with_gaps(&mut held.bytes, row, &mut held.gaps),
            (None, Some(_)) => self.encoder.entity_with_gaps(&mut held.bytes, row, &mut held.gaps),
            (None, None) => self.encoder.body_with_gaps(&mut held.bytes, row, &mut held.gaps),
        };
        self.invalid_values.values += invalid_values.values;
        self.invalid_values.promised += invalid_values.promised;
        let marks = || -> Vec<Mark> {
            let terms = &description.terms;
            terms.iter().map(|column| Mark::of(row.cell(*column), terms.len())).collect()
        };
        let (key, after) = if description.has_children || level == 0 {
            let own = description.path.last().map(|place| place.key.as_slice()).unwrap_or_default();
            (own.iter().map(|column| row.cell(*column).to_value()).collect(), marks())
        } else {
            (Vec::<Value>::new(), Vec::new())
        };
        held.push(parent, key, after);
        let is_full = held.weight() > self.expansion.share()
            || (level > 0 && held.rows.len() == self.expansion.bounds.related);
        if is_full {
            held.full = Some(marks());
        }
    }

    /// The row of the parent level to which a row is related.
    fn find_parent(&self, description: &Level, level: usize, row: &impl Row) -> Result<usize, Progress> {
        let Some(parent) = self.parent_of(level) else { return Ok(0) };
        let ancestors = &description.path[..description.path.len() - 1];
        let rows = self.levels[parent].rows.len();
        let found = (self.levels[level].parent..rows).find(|at| self.is_below(ancestors, *at, row));
        let is_complete = self.levels[parent].full.is_none() && !self.levels[0].more;
        match found {
            Some(at) => Ok(at),
            None if is_complete && self.levels.iter().all(|level| level.cut.is_none()) => {
                Err(Progress::Misordered)
            }
            // It is related to a row that was dropped.
            None => Err(Progress::Done),
        }
    }

    /// Whether a row is related to this row of the last of these levels, and so on outwards.
    fn is_below(&self, ancestors: &[LevelColumns], mut at: usize, row: &impl Row) -> bool {
        ancestors.iter().rev().all(|place| {
            let held = &self.levels[place.level].rows[at];
            at = held.parent;
            held.has_key(row, &place.key)
        })
    }

    fn parent_of(&self, level: usize) -> Option<usize> {
        let path = &self.expansion.levels[level].path;
        path.len().checked_sub(2).map(|parent| path[parent].level)
    }

    /// Ends the page before a row that is not kept any more, as far out as possible.
    fn cut(&mut self, description: &Level, parent: usize, row: &impl Row) {
        let mut chain = vec![parent];
        for place in description.path.iter().rev().skip(1) {
            let inner = chain[chain.len() - 1];
            chain.push(self.levels[place.level].rows[inner].parent);
        }
        chain.reverse();
        // `chain` has the parent of each level of the path; the parent of the first level means nothing.
        for (at, place) in description.path.iter().enumerate() {
            let held = &self.levels[place.level];
            let list = held.of(chain[at]);
            let (kept, is_own) = match chain.get(at + 1) {
                Some(inner) if *inner > list.start => (*inner, false),
                Some(inner) => (inner + 1, false),
                None => (held.rows.len(), true),
            };
            let goes_on = is_own
                || kept < list.end
                || held.cut.as_ref().is_some_and(|cut| cut.parent == chain[at])
                || (place.level == 0 && held.more);
            if goes_on {
                self.end_list(place, chain[at], kept, row);
            }
            self.levels[place.level].truncate(kept);
            let is_outermost = chain.get(at + 1).is_some_and(|inner| *inner > list.start);
            if is_outermost {
                break;
            }
        }
        self.drop_unrelated();
    }

    /// Ends the list of a parent before the row `kept`.
    fn end_list(&mut self, place: &LevelColumns, parent: usize, kept: usize, row: &impl Row) {
        let held = &mut self.levels[place.level];
        let Some(list) = &self.expansion.levels[place.level].list else {
            held.more = true;
            return;
        };
        // A level without children is only cut after its last row.
        let own = &held.rows[kept - 1].marks;
        let marks = if own.is_empty() { held.full.clone().unwrap_or_default() } else { own.clone() };
        let mut address = list.before.clone().into_bytes();
        list.key.write(&mut address, row, &place.owner);
        address.extend_from_slice(list.after.as_bytes());
        let address = String::from_utf8_lossy(&address).into_owned();
        let written = kept - held.first_of(parent);
        held.cut = Some(Cut { parent, address, marks, written, link: None });
    }

    /// Drops the rows of parents that were dropped.
    fn drop_unrelated(&mut self) {
        for level in 1..self.levels.len() {
            let Some(parent) = self.parent_of(level) else { continue };
            let parents = self.levels[parent].rows.len();
            let held = &mut self.levels[level];
            held.truncate(held.first_of(parents));
            held.cut = held.cut.take().filter(|cut| cut.parent < parents);
        }
    }

    /// The number of entities on the first level.
    pub fn rows(&self) -> usize {
        self.levels[0].rows.len()
    }

    /// The number of entities on all levels.
    pub fn all_rows(&self) -> usize {
        self.levels.iter().map(|level| level.rows.len()).sum()
    }

    /// The values that did not fit their types.
    pub fn invalid_values(&self) -> InvalidValues {
        self.invalid_values
    }

    /// The size of everything that is kept, in bytes.
    pub fn weight(&self) -> usize {
        self.levels.iter().map(HeldRows::weight).sum()
    }

    /// The terms of the order in the last row of the page, if there is a next page.
    pub(crate) fn end(&self) -> Option<Vec<Mark>> {
        let first = &self.levels[0];
        first.rows.last().filter(|_| first.more).map(|last| last.marks.clone())
    }

    /// The lists that are not complete, by their levels: each needs a link that contains the sealed position.
    ///
    /// # Errors
    /// If the address of a list is too long for a request.
    pub fn cuts(&self) -> Result<Vec<(usize, Position)>, Error> {
        let levels = self.expansion.levels.iter().zip(&self.levels).enumerate();
        let cuts =
            levels.filter_map(|(at, (level, held))| Some((at, level.list.as_ref()?, held.cut.as_ref()?)));
        cuts.map(|(at, list, cut)| {
            let position = Position {
                model_version: self.expansion.model_version,
                shape: Url::read(&cut.address)?.shape(),
                remaining: list.top.map(|top| top.saturating_sub(cut.written as u64)),
                values: cut.marks.clone(),
            };
            Ok((at, position))
        })
        .collect()
    }

    /// Adds the sealed position to the list of a level that is not complete.
    pub fn link(&mut self, level: usize, sealed: &str) {
        let root = &self.expansion.service_root;
        if let Some(cut) = &mut self.levels[level].cut {
            let separator = if cut.address.contains('?') { '&' } else { '?' };
            cut.link = Some(format!("{root}{}{separator}$skiptoken={sealed}", cut.address));
        }
    }

    /// Writes the entities with what separates them; or the whole body, if it is that of one entity.
    pub fn write(&self, out: &mut Vec<u8>) {
        for index in 0..self.levels[0].rows.len() {
            if index > 0 {
                out.push(self.encoder.separator());
            }
            self.entity(out, 0, index);
        }
    }

    fn entity(&self, out: &mut Vec<u8>, level: usize, index: usize) {
        let held = &self.levels[level];
        let (bytes, gaps) = held.row(index);
        let mut start = bytes.start;
        for Gap { at, number } in gaps {
            out.extend_from_slice(&held.bytes[start..*at]);
            self.list(out, *number, index);
            start = *at;
        }
        out.extend_from_slice(&held.bytes[start..bytes.end]);
    }

    /// Writes the rows of a parent, and the link to the rest.
    fn list(&self, out: &mut Vec<u8>, level: usize, parent: usize) {
        let held = &self.levels[level];
        out.push(b'[');
        for (at, index) in held.of(parent).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.entity(out, level, index);
        }
        out.push(b']');
        let name = self.expansion.levels[level].list.as_ref().map(|list| &list.name);
        let cut = held.cut.as_ref().filter(|cut| cut.parent == parent);
        if let (Some(name), Some(link)) = (name, cut.and_then(|cut| cut.link.as_ref())) {
            out.push(b',');
            text::string(out, format!("{name}@odata.nextLink").as_bytes());
            out.push(b':');
            text::string(out, link.as_bytes());
        }
    }
}
