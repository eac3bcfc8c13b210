//! A metadata document in either of its forms.

use super::json::Json;
use super::xml::Xml;

/// Writes the elements of a document in the order of its XML form.
pub(super) enum Writer {
    Xml(Xml),
    Json(Json),
}

impl Writer {
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        match self {
            Self::Xml(xml) => xml.open(name, attributes),
            Self::Json(json) => json.open(name, attributes),
        }
    }

    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)]) {
        match self {
            Self::Xml(xml) => xml.leaf(name, attributes),
            Self::Json(json) => json.leaf(name, attributes),
        }
    }

    pub(super) fn element(&mut self, name: &str, text: &str) {
        match self {
            Self::Xml(xml) => xml.element(name, text),
            Self::Json(json) => json.element(name, text),
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        match self {
            Self::Xml(xml) => xml.close(name),
            Self::Json(json) => json.close(),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Xml(xml) => xml.finish().into_bytes(),
            Self::Json(json) => json.finish(),
        }
    }
}
