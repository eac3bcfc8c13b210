//! The parameters `type`, `member` and `isOData` of the list of data sources, as in Hybrid Data Pipeline.

use app::management::data_sources::SourceFilter;
use domain::id::DataSourceId;

use crate::extract::QueryParameters;
use crate::management::list::fault;
use crate::respond::management::ManagementProblem;

const NAMES: [&str; 3] = ["type", "member", "isOData"];

/// Reads the parameters. Clients of Hybrid Data Pipeline separate them by semicolons: `?type=group;isOData=true`.
pub(super) fn read(query: &QueryParameters) -> Result<SourceFilter, ManagementProblem> {
    let mut filter = SourceFilter::default();
    let mut given: Vec<&str> = Vec::new();
    for name in NAMES {
        let Some(text) = query.get(name) else { continue };
        let mut parts = text.split(';');
        let first = (name, parts.next().unwrap_or_default());
        let others = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        for (name, value) in std::iter::once(first).chain(others) {
            let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
                return Err(fault(
                    first.0,
                    "may only be followed by type, member and isOData after a semicolon",
                ));
            };
            if given.contains(&known) {
                return Err(fault(known, "is given twice"));
            }
            given.push(known);
            set(&mut filter, known, value)?;
        }
    }
    Ok(filter)
}

fn set(filter: &mut SourceFilter, name: &'static str, value: &str) -> Result<(), ManagementProblem> {
    match (name, value) {
        ("type", "all") => filter.is_group = None,
        ("type", "simple") => filter.is_group = Some(false),
        ("type", "group") => filter.is_group = Some(true),
        ("type", _) => return Err(fault(name, "must be all, simple or group")),
        ("isOData", "true" | "false") => filter.is_odata = Some(value == "true"),
        ("isOData", _) => return Err(fault(name, "must be true or false")),
        (_, value) => {
            let id = value.parse().ok().filter(|id: &i64| *id >= 0);
            let id = id.ok_or_else(|| fault(name, "must be the id of a data source"))?;
            filter.member = Some(DataSourceId::new(id));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Option<SourceFilter> {
        read(&QueryParameters::decode(query).unwrap()).ok()
    }

    #[test]
    fn parameters_are_separated_by_ampersands_or_semicolons() {
        let filter = |is_group, member: Option<i64>, is_odata| {
            Some(SourceFilter { is_group, member: member.map(DataSourceId::new), is_odata })
        };
        assert_eq!(of(""), filter(None, None, None));
        assert_eq!(of("type=all"), filter(None, None, None));
        assert_eq!(of("type=simple&isOData=true"), filter(Some(false), None, Some(true)));
        assert_eq!(of("type=group;member=7;isOData=false"), filter(Some(true), Some(7), Some(false)));
        assert_eq!(of("member=7"), filter(None, Some(7), None));
        for refused in [
            "type=",
            "type=Group",
            "type=group;",
            "type=group;type=all",
            "type=group;member=1&member=2",
            "member=x",
            "member=-1",
            "isOData=1",
            "type=group;limit=1",
        ] {
            assert_eq!(of(refused), None, "{refused}");
        }
    }
}
