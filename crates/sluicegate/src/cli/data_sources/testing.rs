//! `sluicegate data-source test`.

use anyhow::ensure;
use app::management::data_sources::TestCode;
use serde_json::json;

use super::arguments::ShowOne;
use super::find;
use crate::bootstrap::OpenedInstallation;
use crate::cli::users::actor;
use crate::messages::of_data_source;
use crate::terminal::{say, show_json};

/// Tests a data source, and fails unless it can be served.
pub(super) async fn run(opened: &OpenedInstallation, one: &ShowOne) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &one.name).await?.record.id;
    let tested = opened.app.data_sources().test_stored(&actor, id, &opened.origin).await;
    let test = tested.map_err(of_data_source)?;
    if one.shown.json {
        let findings = test.findings.iter();
        show_json(&json!({
            "ok": test.code == TestCode::Usable,
            "code": test.code.as_str(),
            "message": test.message,
            "server": test.product,
            "tables": test.tables,
            "findings": findings
                .map(|finding| json!({ "subject": finding.subject, "message": finding.message }))
                .collect::<Vec<_>>(),
        }));
    } else {
        if let (Some(product), Some(tables)) = (&test.product, test.tables) {
            say(&format!("server       {product}"));
            say(&format!("served       {tables} tables"));
        }
        for finding in &test.findings {
            say(&format!("finding      {}: {}", finding.subject, finding.message));
        }
        if test.code == TestCode::Usable {
            say(&test.message);
        }
    }
    ensure!(test.code == TestCode::Usable, "{} ({})", test.message, test.code.as_str());
    Ok(())
}
