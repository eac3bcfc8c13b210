//! The encoders of a plan, for rows of any level.

use super::context;
use crate::bind::{SelectedProperties, Selection};
use crate::encode::crossed::Combined;
use crate::encode::expanded::Expanded;
use crate::encode::kinds::RowKinds;
use crate::encode::{BodyKind, Encoder, Shape, Slot, text};
use crate::format::{Format, MetadataLevel};
use crate::model::{EntityType, Model};
use crate::position::Position;
use crate::sql::Dialect;
use crate::sql::columns::StatementColumns;
use crate::tree::column::{ScanColumn, ScanId};
use crate::url::{SystemOption, Url};

/// Plans a bound request.
pub(super) struct Planner<'a> {
    pub(super) url: &'a Url,
    pub(super) model: &'a Model,
    pub(super) page_size: usize,
    /// With a trailing slash.
    pub(super) service_root: String,
    pub(super) position: Option<&'a Position>,
    pub(super) dialect: Dialect,
    pub(super) format: Format,
    pub(super) cacheable: bool,
}

/// What rows contain besides the values of their properties.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The navigation properties.
    pub(super) expanded: Vec<Expanded>,
    /// What is selected and expanded, for the context URL.
    pub(super) list: Option<String>,
    /// The kinds of rows, if there are several.
    pub(super) kinds: Option<RowKinds>,
    /// If the rows are of a cross join: their members, unless they are groups.
    pub(super) cross_join: Option<Vec<Combined>>,
}

impl Planner<'_> {
    pub(super) fn encoder(
        &self,
        selection: &Selection<'_>,
        columns: &mut StatementColumns<'_>,
        subject: BodyKind,
        expanded: Vec<Expanded>,
    ) -> Encoder {
        let list = context::select_list(selection);
        let rows = selection.page.input.first_scan();
        let kinds = selection.kinds.as_ref().map(|kinds| {
            let of_kind = |kind: &Vec<usize>| {
                let properties = selection.shown.properties.iter().map(|property| kind.contains(property));
                properties.chain(selection.shown.computed.iter().map(|_| true)).collect()
            };
            RowKinds {
                column: columns.column(kinds.column),
                shown: kinds.kinds.iter().map(of_kind).collect(),
            }
        });
        let cross_join = selection.cross_join.as_ref().map(|members| self.members(columns, members));
        let content = Content { expanded, list, kinds, cross_join };
        self.encoder_of(columns, rows, &selection.shown, subject, content)
    }

    /// The encoder of rows of a scan.
    pub(super) fn encoder_of(
        &self,
        columns: &mut StatementColumns<'_>,
        (scan, entity_type): (ScanId, &EntityType),
        shown: &SelectedProperties<'_>,
        subject: BodyKind,
        Content { expanded, list, kinds, cross_join }: Content,
    ) -> Encoder {
        let is_reference = matches!(subject, BodyKind::References | BodyKind::Reference);
        // Ids consist of the key.
        let is_without = matches!(subject, BodyKind::Property | BodyKind::Groups | BodyKind::Combinations);
        let has_ids = is_reference || (self.format.metadata == MetadataLevel::Full && !is_without);
        let key = if has_ids { key_of(scan, entity_type) } else { Vec::new() };
        let shown_columns = if is_reference { Vec::new() } else { shown.columns(scan) };
        let mut slot = |column: ScanColumn| Slot {
            column: columns.column(column),
            property: columns.scans.property(column),
        };
        let slots = shown_columns.into_iter().map(&mut slot).collect();
        let key = key.into_iter().map(&mut slot).collect();
        let tag =
            if self.has_tags(entity_type, subject) { all_columns(scan, entity_type) } else { Vec::new() };
        let tag = tag.into_iter().map(|column| columns.column(column)).collect();
        let path = self.url.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>();
        Encoder::new(Shape {
            model: self.model,
            entity_type,
            shown: slots,
            kinds,
            cross_join,
            list,
            links: &shown.navigations,
            expanded,
            subject,
            path: &path,
            key,
            tag,
            format: self.format,
            service_root: &self.service_root,
        })
    }

    /// Whether entities of this type are written with their tags, or the response has one. Without control information, entities
    /// of collections have none.
    pub(super) fn has_tags(&self, entity_type: &EntityType, subject: BodyKind) -> bool {
        let has_place = match subject {
            BodyKind::Entity => true,
            BodyKind::Collection => self.format.metadata != MetadataLevel::None,
            BodyKind::Groups
            | BodyKind::Combinations
            | BodyKind::References
            | BodyKind::Reference
            | BodyKind::Property => false,
        };
        has_place && entity_type.is_changeable()
    }

    /// Options of a link, with the parameter aliases that they use and the format that the request names.
    pub(super) fn link_options(&self, options: &str) -> String {
        let mut all = options.to_owned();
        let mut add = |name: &str, value: &str| {
            let separator = if all.is_empty() { "" } else { "&" };
            all = format!("{all}{separator}{name}={}", text::in_url(value));
        };
        for (name, value) in self.url.aliases_used_in(options) {
            add(name, value);
        }
        if let Some(format) = self.url.option(SystemOption::Format) {
            add("$format", format);
        }
        all
    }
}

impl SelectedProperties<'_> {
    /// The columns that are shown of the rows of a scan.
    pub(super) fn columns(&self, scan: ScanId) -> Vec<ScanColumn> {
        let mut columns = shown_columns(scan, &self.properties);
        columns.extend(self.computed.iter().map(|(column, _)| *column));
        columns
    }
}

/// The columns of properties.
pub(super) fn shown_columns(scan: ScanId, properties: &[usize]) -> Vec<ScanColumn> {
    properties.iter().map(|property| scan.column(*property)).collect()
}

/// The columns of all properties.
pub(super) fn all_columns(scan: ScanId, entity_type: &EntityType) -> Vec<ScanColumn> {
    (0..entity_type.properties.len()).map(|property| scan.column(property)).collect()
}

/// The columns of a key.
pub(super) fn key_of(scan: ScanId, entity_type: &EntityType) -> Vec<ScanColumn> {
    entity_type.key.iter().map(|property| scan.column(*property)).collect()
}
