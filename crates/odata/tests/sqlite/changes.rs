//! What is prepared for a change, before anything runs.

use odata::change::{self, BoundChange, ChangeContext, ChangeKind, Payload, References, Verb};
use odata::edm_type::EdmType;
use odata::model::{Model, Schema};
use odata::sql::Dialect;
use odata::url::Url;

use crate::database::table;

fn model() -> Model {
    let text = EdmType::String { max_length: None };
    let mut ships = table(
        "Ships",
        &[("id", EdmType::Int64, false), ("name", text, false), ("flag", text, true)],
        &["id"],
    );
    ships.changes.possible = true;
    Model::compile("test", Schema { tables: vec![ships] })
}

fn bound(model: &Model, verb: Verb, body: &str) -> BoundChange {
    let payload = Payload { bytes: body.as_bytes(), numbers_as_text: false };
    let service_root = "https://host/api/odata4/test";
    let context = ChangeContext { verb, payload, service_root, references: &References::NONE };
    change::prepare(&Url::read("/Ships(7)").unwrap(), model, &context, Dialect::Sqlite).unwrap()
}

/// Most updates find their entity.
#[test]
fn an_update_prepares_no_insertion_until_it_is_needed() {
    let model = model();
    for verb in [Verb::Update, Verb::Replace] {
        let change = bound(&model, verb, r#"{"name": "Anna", "flag": null}"#);
        assert!(!format!("{change:?}").contains("INSERT"), "{change:?}");
        let ChangeKind::Update(alteration) = &change.kind else { panic!("{change:?}") };
        let upsert = alteration.upsert.as_ref().unwrap();
        let creation = upsert.creation(&model, &change.set, Dialect::Sqlite).unwrap();
        assert!(creation.insert.sql.starts_with("INSERT INTO"), "{}", creation.insert.sql);
        assert_eq!(creation.insert.parameters.len(), 2, "the key of the address and the name");
    }
    let change = bound(&model, Verb::Update, r#"{"flag": "NO"}"#);
    let ChangeKind::Update(alteration) = &change.kind else { panic!("{change:?}") };
    let refused = alteration.upsert.as_ref().unwrap().creation(&model, &change.set, Dialect::Sqlite);
    assert_eq!(refused.unwrap_err().code(), "PropertyMissing");
}
