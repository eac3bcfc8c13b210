use sources::Source;
use sources::testing::conformance::{Fixture, Wording, limits};

use crate::fixture::{Scene, scene_with};

impl Fixture for Scene {
    const WORDING: Wording = Wording {
        described: "CREATE TABLE t(id bigint PRIMARY KEY, name text NOT NULL, price double precision)",
        numbers: "SELECT generate_series(1::bigint, 9223372036854775807), 'row'::text",
        endless: "SELECT count(*) FROM (SELECT generate_series(1::bigint, 9223372036854775807)) AS c",
        failing: "SELECT CASE WHEN x = 5000 THEN ('no number ' || x)::bigint ELSE x END, 'row'::text \
                  FROM (SELECT generate_series(1::bigint, 9223372036854775807) AS x) AS c",
        echo: "SELECT $1, $1",
        table: "CREATE TABLE t(a bigint)",
        count: "SELECT count(*) FROM public.t",
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
