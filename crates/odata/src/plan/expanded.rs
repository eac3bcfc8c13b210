//! The levels of an expanded page: for each, the tree of its rows, its statement and its encoder.

use super::encoding::{Content, Planner, all_columns, key_of, shown_columns};
use crate::bind::expand::BoundExpand;
use crate::encode::expanded::{Expanded, ExpandedContent};
use crate::encode::id::KeyPredicate;
use crate::encode::{BodyKind, Encoder, text};
use crate::error::Error;
use crate::expansion::{Bounds, Expansion, Level, LevelColumns, List, MOST_RELATED};
use crate::model::EntityType;
use crate::sql::columns::StatementColumns;
use crate::sql::select;
use crate::statement::Statement;
use crate::syntax::ExpandedForm;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::lookup::{JoinedOne, Lookup};
use crate::tree::typed::{JoinedRow, RelatedRows, Typed};
use crate::tree::{Compute, Computed, Expand, Filter, Order, Page, PlanNode, Scans, Take};

/// The rows of the first level, as those of other levels are related to them.
pub(super) struct First<'b, 'm> {
    /// A page, or one entity.
    pub(super) rows: PlanNode<'m>,
    /// The order of the page; empty for one entity.
    pub(super) order: &'b [Order],
    /// The columns of the key; empty for one entity.
    pub(super) key: Vec<ScanColumn>,
    /// The rows that are joined to it.
    pub(super) joins: &'b [JoinedOne<'m>],
    /// The page, whose later pages must be possible too.
    pub(super) page: Option<&'b Page<'m>>,
}

/// Navigation properties to expand from the first level to another one.
type Path<'b, 'm> = Vec<&'b BoundExpand<'m>>;

/// Plans levels, each with its place in the list of levels.
pub(super) struct Levels<'p, 'b, 'm> {
    planner: &'p Planner<'p>,
    first: First<'b, 'm>,
    /// The next unused scan.
    next_scan: ScanId,
    /// The paths of all levels after the first, in their order.
    paths: Vec<Path<'b, 'm>>,
    /// The numbers of related rows, by the scans of these rows.
    counts: Vec<(ScanId, ScanColumn)>,
}

impl<'p, 'b, 'm> Levels<'p, 'b, 'm> {
    pub(super) fn of(planner: &'p Planner<'p>, first: First<'b, 'm>, next_scan: ScanId) -> Self {
        Self { planner, first, next_scan, paths: Vec::new(), counts: Vec::new() }
    }

    /// The tree of the first level, if it reads other tables too.
    pub(super) fn first_tree(
        &mut self,
        rows: &PlanNode<'m>,
        expanded: &'b [BoundExpand<'m>],
    ) -> Option<PlanNode<'m>> {
        let reads_more = |one: &BoundExpand<'_>| {
            !one.navigation.collection || one.count || one.form == ExpandedForm::Count
        };
        let reads_more = expanded.iter().any(reads_more);
        reads_more.then(|| self.with_related(rows.clone(), ScanId::FIRST, expanded))
    }

    /// Adds to rows the related ones that are in the same row of the statement.
    fn with_related(
        &mut self,
        rows: PlanNode<'m>,
        scan: ScanId,
        expanded: &'b [BoundExpand<'m>],
    ) -> PlanNode<'m> {
        let mut counted = Vec::new();
        let rows = joined(rows, scan, expanded, &mut counted);
        if counted.is_empty() {
            return rows;
        }
        let id = self.scan();
        self.counts.extend(counted.iter().enumerate().map(|(at, (one, _))| (one.scan, id.column(at))));
        let mut scans = Vec::new();
        let mut values = Vec::with_capacity(counted.len());
        for (one, parent) in &counted {
            let related = related_rows(one, *parent, &mut scans);
            values.push(Computed::new(&one.navigation.name, Typed::count(related), &Scans::of(&rows)));
        }
        PlanNode::Compute(Compute { input: Box::new(rows), id, values, scans })
    }

    fn scan(&mut self) -> ScanId {
        let scan = self.next_scan;
        self.next_scan = scan.next();
        scan
    }

    /// The expanded navigation properties of an encoder.
    pub(super) fn expanded(
        &mut self,
        columns: &mut StatementColumns<'_>,
        path: &Path<'b, 'm>,
        expanded: &'b [BoundExpand<'m>],
    ) -> Vec<Expanded> {
        let mut of = |one: &'b BoundExpand<'m>| {
            let count = self.counts.iter().find(|(counted, _)| *counted == one.scan);
            let count = count.map(|(_, column)| columns.column(*column));
            let mut path = path.clone();
            path.push(one);
            let content = match one.form {
                ExpandedForm::Count => ExpandedContent::Nothing,
                _ if one.navigation.collection && one.top == Some(0) => ExpandedContent::None,
                _ if one.navigation.collection => {
                    self.paths.push(path);
                    ExpandedContent::Many(self.paths.len())
                }
                _ => {
                    let key = one.scan.column(one.entity_type.key[0]);
                    let present = columns.column(key);
                    let encoder = self.encoder(columns, one, &path);
                    ExpandedContent::One { present, encoder: Box::new(encoder) }
                }
            };
            Expanded::new(&one.navigation.name, count, content)
        };
        expanded.iter().map(&mut of).collect()
    }

    /// The encoder of related rows.
    fn encoder(
        &mut self,
        columns: &mut StatementColumns<'_>,
        one: &'b BoundExpand<'m>,
        path: &Path<'b, 'm>,
    ) -> Encoder {
        let expanded = self.expanded(columns, path, &one.nested);
        let rows = (one.scan, one.entity_type);
        let content = Content { expanded, ..Content::default() };
        self.planner.encoder_of(columns, rows, &one.shown, subject_of(one), content)
    }

    /// Plans the levels after the first, whose encoder has been made.
    pub(super) fn rest(mut self, first: &mut StatementColumns<'_>) -> Result<Expansion, Error> {
        let key = self.first.key.iter().map(|column| first.column(*column)).collect();
        let terms = (0..self.first.order.len()).map(|index| first.term(index)).collect();
        let place = LevelColumns { level: 0, key, owner: Vec::new() };
        let has_children = !self.paths.is_empty();
        let mut levels = vec![Level { encoder: None, path: vec![place], terms, list: None, has_children }];
        let mut statements = Vec::new();
        // A level may start others, which follow it.
        while let Some(path) = self.paths.get(statements.len()).cloned() {
            let (level, statement) = self.level(&path, levels.len())?;
            levels.push(level);
            statements.push(statement);
        }
        let service_root = self.planner.service_root.clone();
        let model_version = self.planner.model.version;
        Ok(Expansion { bounds: Bounds::default(), statements, levels, service_root, model_version })
    }

    fn level(&mut self, path: &Path<'b, 'm>, number: usize) -> Result<(Level, Statement), Error> {
        let own = path[path.len() - 1];
        let before = self.paths.len();
        let (rows, order) = self.chain(path);
        let rows = self.with_related(rows, own.scan, &own.nested);
        let rows_limit = MOST_RELATED as u64 + 1;
        let page = Page { input: Box::new(rows), order, after: None, skip: 0, rows: Some(rows_limit) };
        let scans = Scans::of_page(&page);
        let shown = shown_columns(own.scan, own.shown_properties());
        let mut columns = StatementColumns::shown(self.planner.dialect, &scans, &page, &shown);
        let encoder = self.encoder(&mut columns, own, path);
        let start = page.order.len() - own.order.len();
        let terms = (start..page.order.len()).map(|index| columns.term(index)).collect();
        let places = self.places(path, number, &mut columns);
        let has_children = self.paths.len() > before;
        let statement = select::related(&columns, self.first.page)?;
        let list = Some(self.list(path));
        Ok((Level { encoder: Some(encoder), path: places, terms, list, has_children }, statement))
    }

    /// The rows at the end of a path, one for each way that leads to them, and their order.
    fn chain(&mut self, path: &Path<'b, 'm>) -> (PlanNode<'m>, Vec<Order>) {
        let used = self.used(path);
        let mut rows = self.first.rows.clone();
        let mut order = self.first.order.to_vec();
        let mut key = self.first.key.clone();
        let mut seen = vec![ScanId::FIRST];
        seen.extend(self.first.joins.iter().map(|join| join.child));
        let mut parent = ScanId::FIRST;
        for step in path {
            rows = PlanNode::Expand(Expand {
                input: Box::new(rows),
                navigation: step.navigation,
                parent,
                child: step.scan,
                nested: Box::new(step.rows.clone()),
                only_related: true,
            });
            seen.push(step.scan);
            seen.extend(step.joins.iter().map(|join| join.child));
            parent = step.scan;
            if !step.navigation.collection {
                continue;
            }
            if step.skip > 0 || step.top.is_some() {
                rows = PlanNode::Take(Take {
                    input: Box::new(rows),
                    id: self.scan(),
                    partition: key.clone(),
                    order: step.order.clone(),
                    skip: step.skip,
                    rows: step.top,
                    columns: used.iter().copied().filter(|column| seen.contains(&column.scan)).collect(),
                });
            }
            order.extend(step.order.iter().cloned());
            key.extend(key_of(step.scan, step.entity_type));
        }
        (rows, order)
    }

    /// The columns that a statement for the end of a path reads of the scans on the path.
    fn used(&self, path: &Path<'b, 'm>) -> Vec<ScanColumn> {
        let mut used = used(&self.first, path);
        let own = path[path.len() - 1];
        if self.planner.has_tags(own.entity_type, subject_of(own)) {
            let all = all_columns(own.scan, own.entity_type);
            used.extend(all.into_iter().filter(|column| !used.contains(column)).collect::<Vec<_>>());
        }
        used
    }

    /// The levels on a path.
    fn places(
        &self,
        path: &Path<'b, 'm>,
        number: usize,
        columns: &mut StatementColumns<'_>,
    ) -> Vec<LevelColumns> {
        let mut columns = |key: Vec<ScanColumn>| -> Vec<usize> {
            key.into_iter().map(|column| columns.column(column)).collect()
        };
        let mut places =
            vec![LevelColumns { level: 0, key: columns(self.first.key.clone()), owner: Vec::new() }];
        let mut owner = key_of(ScanId::FIRST, self.first.rows.entity_type());
        for (at, step) in path.iter().enumerate() {
            let key = key_of(step.scan, step.entity_type);
            if step.navigation.collection {
                let is_own = at + 1 == path.len();
                let level = if is_own { number } else { self.number_of(&path[..=at]) };
                places.push(LevelColumns { level, key: columns(key.clone()), owner: columns(owner) });
            }
            owner = key;
        }
        places
    }

    /// The number of the level at the end of a path.
    fn number_of(&self, path: &[&BoundExpand<'m>]) -> usize {
        let last = path[path.len() - 1].scan;
        let ends_there = |path: &Path<'_, '_>| path[path.len() - 1].scan == last;
        self.paths.iter().position(ends_there).map_or(0, |at| at + 1)
    }

    /// The links to the rest of the rows of an owner.
    fn list(&self, path: &Path<'_, 'm>) -> List {
        let own = path[path.len() - 1];
        let owner = match path.len().checked_sub(2) {
            Some(at) => path[at].entity_type,
            None => self.first.rows.entity_type(),
        };
        let name = own.navigation.name.clone();
        let form = if own.form == ExpandedForm::References { "/$ref" } else { "" };
        let options = self.planner.link_options(&own.options);
        let separator = if options.is_empty() { "" } else { "?" };
        List {
            before: format!("{}(", text::in_url(&owner.name)),
            key: KeyPredicate::new(owner, Vec::new()),
            after: format!(")/{}{form}{separator}{options}", text::in_url(&name)),
            name,
            top: own.top,
        }
    }
}

impl BoundExpand<'_> {
    /// The properties that are shown; of an entity whose id is wanted, none.
    pub(super) fn shown_properties(&self) -> &[usize] {
        if self.form == ExpandedForm::References { &[] } else { &self.shown.properties }
    }
}

/// What is written of related rows.
fn subject_of(one: &BoundExpand<'_>) -> BodyKind {
    let is_reference = one.form == ExpandedForm::References;
    if is_reference { BodyKind::References } else { BodyKind::Collection }
}

/// Joins rows with the single rows that are related to them, and finds those that are to be counted.
fn joined<'b, 'm>(
    mut rows: PlanNode<'m>,
    scan: ScanId,
    expanded: &'b [BoundExpand<'m>],
    counted: &mut Vec<(&'b BoundExpand<'m>, ScanId)>,
) -> PlanNode<'m> {
    for one in expanded {
        if !one.navigation.collection {
            let (navigation, child) = (one.navigation, one.scan);
            let nested = Box::new(one.rows.clone());
            rows = PlanNode::Expand(Expand {
                input: Box::new(rows),
                navigation,
                parent: scan,
                child,
                nested,
                only_related: false,
            });
            rows = joined(rows, child, &one.nested, counted);
        } else if one.count || one.form == ExpandedForm::Count {
            counted.push((one, scan));
        }
    }
    rows
}

/// The rows of an expansion, as those that are related to a row of its parent. Adds all scans that they read.
fn related_rows<'m>(
    one: &BoundExpand<'m>,
    parent: ScanId,
    scans: &mut Vec<(ScanId, &'m EntityType)>,
) -> RelatedRows {
    let on = one.navigation.columns(parent, one.scan);
    let mut related = RelatedRows { scan: one.scan, on, joins: Vec::new(), conditions: Vec::new() };
    scans.push((one.scan, one.entity_type));
    for join in &one.joins {
        scans.push((join.child, join.entity_type));
        let on = join.navigation.columns(join.parent, join.child);
        related.joins.push(JoinedRow { scan: join.child, on });
    }
    let mut rows = &one.rows;
    loop {
        rows = match rows {
            PlanNode::Filter(Filter { input, condition }) => {
                related.conditions.push(condition.clone());
                input
            }
            PlanNode::Lookup(Lookup { input, scans: looked_up }) => {
                scans.extend(looked_up);
                input
            }
            _ => return related,
        };
    }
}

/// The columns that a statement for the end of a path reads of the scans on the path.
fn used(first: &First<'_, '_>, path: &Path<'_, '_>) -> Vec<ScanColumn> {
    let mut used: Vec<ScanColumn> = Vec::new();
    let mut add = |column: ScanColumn| {
        if !used.contains(&column) {
            used.push(column);
        }
    };
    key_of(ScanId::FIRST, first.rows.entity_type()).into_iter().for_each(&mut add);
    first.order.iter().for_each(|order| order.term.each_column(&mut add));
    let mut parent = ScanId::FIRST;
    for step in path {
        key_of(step.scan, step.entity_type).into_iter().for_each(&mut add);
        step.order.iter().for_each(|order| order.term.each_column(&mut add));
        both(step, parent).for_each(&mut add);
        parent = step.scan;
    }
    let own = path[path.len() - 1];
    shown_columns(own.scan, own.shown_properties()).into_iter().for_each(&mut add);
    own.nested.iter().flat_map(|one| both(one, own.scan)).for_each(&mut add);
    used
}

/// The columns by which a step finds its rows.
fn both(step: &BoundExpand<'_>, parent: ScanId) -> impl Iterator<Item = ScanColumn> {
    step.navigation.columns(parent, step.scan).into_iter().flat_map(|(key, other)| [key, other])
}
