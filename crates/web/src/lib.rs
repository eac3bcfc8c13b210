//! HTTP: routes, extractors, responders, pages.
