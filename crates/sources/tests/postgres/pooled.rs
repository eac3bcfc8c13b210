//! Behind a pooler in transaction mode.

use sources::{Limits, Resources};
use tokio::task::JoinSet;

use crate::fixture::{far, here, lines, open, options, scene, statement};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_may_stand_in_between() {
    let scene = scene("CREATE TABLE t(id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
    let pooler = scene.database.server().start_pooler();
    let resources = Resources::new(Limits { workers: 8, ..Limits::default() }, 16, here());
    let source = std::sync::Arc::new(open(options(&pooler.url(&scene.database)), &resources));
    assert_eq!(source.describe(far()).await.unwrap().schema.tables.len(), 1);
    let reads: JoinSet<()> = (0..32).map(|number| {
        let source = source.clone();
        async move {
            let sql = "SELECT id, pg_catalog.current_setting('statement_timeout') <> '0' FROM public.t WHERE id > $1 ORDER BY id";
            let found = lines(&source, statement(sql, 2, vec![odata::cell::Value::Integer(number)])).await.unwrap();
            assert_eq!(found.len(), usize::try_from(100 - number).unwrap());
            assert_eq!(found[0], format!("Integer({})|Integer(1)", number + 1));
        }
    }).collect();
    reads.join_all().await;
    let left = "SELECT count(*) FROM pg_catalog.pg_prepared_statements";
    assert_eq!(lines(&source, statement(left, 1, Vec::new())).await.unwrap(), ["Integer(0)"]);
}
