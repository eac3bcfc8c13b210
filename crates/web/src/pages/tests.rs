//! Every page is rendered from its samples, and satisfies the rules for all pages.

use askama::Template;

use super::{
    account, activity, demo, device, ended, forgot, login, logins, logout, password, profile, requests,
    reset, security, sessions, start, tokens,
};
use crate::http::base_path::BasePath;

/// A name that would do harm if it were not escaped, in text, in an attribute, or in an address.
pub(crate) const HOSTILE: &str =
    "\"><script>alert(1)</script><a href='javascript:x'>&amp;\u{202E}\u{200B}\u{3164}\u{E0041}✅";

/// The text of a page.
pub(crate) fn rendered(page: &impl Template) -> String {
    page.render_with_values(&BasePath::of("https://gate.example/gate")).unwrap()
}

fn all() -> Vec<String> {
    let mut pages = [account::samples(), login::samples(), logout::samples(), password::samples()].concat();
    pages.extend(profile::samples());
    pages.extend(start::samples());
    pages.extend(demo::samples());
    pages.extend(device::samples());
    pages.extend(ended::samples());
    pages.extend(requests::samples());
    pages.extend(reset::samples());
    pages.extend(forgot::samples());
    pages.extend(activity::samples());
    pages.extend(sessions::samples());
    pages.extend(tokens::samples());
    pages.extend(logins::samples());
    pages.extend(login::factor::samples());
    pages.extend(security::samples());
    pages.extend(crate::oauth::authorize::samples());
    pages.extend(crate::oauth::logout::samples());
    pages.extend(crate::respond::page::samples());
    pages.extend(crate::reference::samples());
    pages
}

/// The values of an attribute, in order.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_page_has_one_heading_of_the_first_level_a_title_and_a_language() {
    for page in all() {
        assert_eq!(page.matches("<h1").count(), 1, "{page}");
        assert!(!page.contains("<title> –"), "{page}");
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{page}");
    }
}

#[test]
fn no_page_has_a_script_inline_style_or_external_resource() {
    for page in all() {
        for part in ["<script", "<style", "<img", "<iframe", " style=", " src="] {
            assert!(!page.contains(part), "{part} is in {page}");
        }
        // An authenticator on the same device opens its own scheme; the browser fetches nothing.
        let is_harmless = |to: &&str| {
            is_ours(to) || to.starts_with('#') || *to == "data:," || *to == "otpauth://totp/sample"
        };
        assert!(values(&page, "href").iter().all(is_harmless), "{page}");
        assert!(values(&page, "action").iter().all(|to| is_ours(to)), "{page}");
    }
}

/// Whether an address is one of this server, below the path of the public URL.
fn is_ours(address: &str) -> bool {
    address.strip_prefix("/gate").is_some_and(|path| path.starts_with('/') && !path.starts_with("//"))
}

#[test]
fn no_template_has_a_path_without_the_one_of_the_public_url() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        for attribute in ["href", "action", "src", "formaction", "content"] {
            for quote in ["\"", "'", ""] {
                assert!(
                    !text.contains(&format!("{attribute}={quote}/")),
                    "{attribute} in {}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn user_texts_are_escaped() {
    for page in all() {
        assert!(!page.contains("<script>") && !page.contains("<a href='"), "{page}");
    }
    assert!(login::samples()[1].contains("&#60;script&#62;"), "{}", login::samples()[1]);
}

/// Only form fields keep their content unchanged: what the user typed, and what is sent back to us.
#[test]
fn invisible_characters_in_user_texts_are_shown_on_every_page() {
    for page in all() {
        let texts: String =
            page.split(" value=\"").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest)).collect();
        for character in ['\u{202E}', '\u{200B}', '\u{3164}', '\u{E0041}', '✅'] {
            assert!(!texts.contains(character), "{character:?} is in {page}");
        }
    }
}

#[test]
fn every_form_has_a_csrf_token_and_is_sent_by_post() {
    for page in all() {
        for form in page.split("<form").skip(1) {
            assert!(form.trim_start().starts_with("method=\"post\""), "{form}");
            assert!(form.split("</form>").next().unwrap().contains("name=\"csrf\" value=\"c\""), "{form}");
        }
    }
}

#[test]
fn every_label_and_reference_names_a_unique_id() {
    for page in all() {
        let mut ids = values(&page, "id");
        let all_ids = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all_ids, "an id is there twice: {page}");
        let fragments = values(&page, "href").into_iter().filter_map(|to| to.strip_prefix('#'));
        let named =
            ["for", "aria-describedby", "aria-labelledby"].map(|attribute| values(&page, attribute)).concat();
        for id in named.into_iter().chain(fragments) {
            assert!(ids.binary_search(&id).is_ok(), "{id} is missing in {page}");
        }
    }
}

#[test]
fn the_ids_for_automation_do_not_change() {
    let pages = all().concat();
    for id in ["username", "password", "login-submit", "consent-allow", "consent-deny", "error-title"] {
        assert!(pages.contains(&format!(" id=\"{id}\"")), "{id} is missing");
    }
}
