#![no_main]
//! No request makes the binder or the planner panic, and no literal of a request gets into a statement.

use std::sync::LazyLock;

use odata::edm_type::EdmType;
use odata::format::Format;
use odata::model::{Column, Model, Schema, Storage, Table, TableChanges};
use odata::plan::{Plan, PlanContext, prepare};
use odata::statement::Statement;
use odata::{sql::Dialect, url::Url};

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let types = [
        ("id", EdmType::Int64),
        ("s", EdmType::String { max_length: None }),
        ("f", EdmType::Boolean),
        ("d", EdmType::Date),
        ("t", EdmType::DateTimeOffset),
        ("g", EdmType::Guid),
        ("n", EdmType::Decimal { precision: None, scale: None }),
    ];
    let column = |(name, ty): (&str, EdmType)| Column {
        name: name.into(),
        ty,
        nullable: name != "id",
        storage: Storage::default(),
    };
    let columns = types.map(column).to_vec();
    let table = Table {
        schema: None,
        set_name: None,
        name: "T".into(),
        columns,
        primary_key: vec!["id".into()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    Model::compile("Fuzz", Schema { tables: vec![table] })
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(url) = Url::read(text) else { return };
    let context = PlanContext {
        now: jiff::Timestamp::UNIX_EPOCH,
        page_size: 10,
        format: Format::default(),
        rows: None,
        service_root: "https://host/",
        position: None,
    };
    if let Ok(Plan::Entities(query)) = prepare(&url, &MODEL, &context, Dialect::Sqlite) {
        let Statement { sql, parameters, .. } = &query.statement;
        let size = sql.len() + parameters.iter().map(odata::cell::Value::bytes).sum::<usize>();
        assert!(size <= 24 * text.len() + 8 * 1024, "{size} bytes for {}", text.len());
    }
});
