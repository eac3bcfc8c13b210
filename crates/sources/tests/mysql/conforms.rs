use sources::Source;
use sources::testing::conformance::{Fixture, Wording, limits};

use crate::fixture::{Scene, scene_with};

impl Fixture for Scene {
    const WORDING: Wording = Wording {
        described: "CREATE TABLE t(id bigint PRIMARY KEY, name text NOT NULL, price double)",
        numbers: "SELECT CAST(seq AS SIGNED), 'row' FROM seq_1_to_9000000000000000000",
        endless: "SELECT SUM(seq % 7) FROM seq_1_to_9000000000000000000",
        failing: "SELECT j.a, 'row' FROM seq_1_to_9000000000000000000 AS s JOIN JSON_TABLE(IF(seq = 5000, '{}', '{\"a\": 1}'), \
                  '$' COLUMNS(a bigint PATH '$.a' ERROR ON EMPTY)) AS j",
        echo: "SELECT p, p FROM (SELECT ? AS p) AS t",
        table: "CREATE TABLE t(a bigint)",
        count: "SELECT count(*) FROM t",
    };

    fn open(sql: &str) -> Self {
        scene_with(sql, limits(), &[])
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn execute(&self, sql: &str) {
        self.database.run(sql);
    }

    fn open_connections(&self) -> usize {
        self.resources.budget.open()
    }
}

sources::driver_conformance!(Scene);
