//! How the way by which a stored request came maps to a column.

use oauth::authorize::Provenance;

use super::Impossible;

/// The provenance as JSON; `None` if there is nothing to say.
///
/// # Errors
/// Never in practice: texts and booleans can always be serialized.
pub fn provenance_to_json(provenance: Provenance) -> Result<Option<String>, Impossible> {
    if provenance == Provenance::default() {
        return Ok(None);
    }
    let json = serde_json::to_string(&provenance);
    json.map(Some).map_err(|error| Impossible(format!("the provenance of a stored request: {error}")))
}

/// Reads what [`provenance_to_json`] wrote. What this version does not know may be a demand, so it is an error.
///
/// # Errors
/// If the text is anything else.
pub fn provenance_from_json(json: Option<&str>) -> Result<Provenance, Impossible> {
    let provenance = json.map_or_else(|| Ok(Provenance::default()), serde_json::from_str);
    provenance.map_err(|error| Impossible(format!("the provenance of a stored request: {error}")))
}
