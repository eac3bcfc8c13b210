//! Batches in the multipart format ([Protocol
//! §11.7.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_MultipartBatchFormat), [RFC 2046
//! §5.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1)).

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use odata::format::MediaType;

use super::part::{BatchFault, MOST_PARTS, Part, have_ids_of_their_own};

/// The maximum number of headers in front of a part, and of a request in it.
const MOST_HEADERS: usize = 64;

const CONTENT_ID: HeaderName = HeaderName::from_static("content-id");

const LINE_ENDS: &str = "each line in front of a body ends with CRLF";

/// Parses the body of a batch, whose parts are separated by this boundary.
///
/// # Errors
/// What is wrong with the body as a whole. A fault of one request, such as in its address, is not found here.
pub(crate) fn parse(body: &[u8], boundary: &str) -> Result<Vec<Part>, BatchFault> {
    let mut parts = Vec::new();
    let mut change_sets = 0;
    for section in sections(body, boundary)? {
        let (headers, content) = head(section)?;
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = MediaType::read(kind);
        if kind.is("multipart/mixed") {
            change_sets += 1;
            let inner = kind.parameter("boundary").unwrap_or_default();
            let group = format!("changeset{change_sets}");
            for section in sections(content, inner)? {
                let (headers, content) = head(section)?;
                parts.push(Part { group: Some(group.clone()), ..request(&headers, content)? });
            }
        } else {
            parts.push(request(&headers, content)?);
        }
        if parts.len() > MOST_PARTS {
            return Err(BatchFault::too_many_parts());
        }
    }
    have_ids_of_their_own(&parts)?;
    Ok(parts)
}

/// The contents between the delimiter lines; what is before the first and after the last has no meaning.
fn sections<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<&'b [u8]>, BatchFault> {
    if boundary.is_empty() || boundary.len() > 70 || !boundary.is_ascii() {
        return Err(BatchFault::new("Content-Type multipart/mixed needs a boundary of 1 to 70 characters"));
    }
    let delimiter = format!("--{boundary}");
    let mut sections = Vec::new();
    // Where the current section begins, after the first delimiter.
    let mut begun: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let line = &body[at..];
        let length = line.iter().position(|byte| *byte == b'\n').map_or(line.len(), |end| end + 1);
        let line = &line[..length];
        if let Some(end) = line.strip_prefix(delimiter.as_bytes()).and_then(End::of) {
            if let Some(begun) = begun {
                // The line break before a delimiter is part of the delimiter.
                let section = &body[begun..at.max(begun)];
                sections.push(section.strip_suffix(b"\r\n").unwrap_or(section));
            }
            match end {
                End::Wrong => return Err(BatchFault::new(LINE_ENDS)),
                End::Last => return Ok(sections),
                End::Next if sections.len() >= MOST_PARTS => return Err(BatchFault::too_many_parts()),
                End::Next => begun = Some(at + length),
            }
        }
        at += length;
    }
    Err(BatchFault::new(match begun {
        None => "the body does not contain the boundary that Content-Type names",
        Some(_) => "the body ends without the final boundary, which is followed by two dashes",
    }))
}

/// What follows the boundary in a line that begins with it.
enum End {
    /// A part begins.
    Next,
    /// The last part has ended.
    Last,
    /// The line does not end as it must.
    Wrong,
}

impl End {
    /// `None` if it is a longer text than the boundary.
    fn of(rest: &[u8]) -> Option<Self> {
        let (text, is_ended) = match rest.strip_suffix(b"\n") {
            Some(text) => text.strip_suffix(b"\r").map_or((text, false), |text| (text, true)),
            None => (rest, false),
        };
        // Blanks may follow.
        match text.trim_ascii_end() {
            b"" if is_ended => Some(Self::Next),
            b"" => Some(Self::Wrong),
            b"--" => Some(Self::Last),
            _ => None,
        }
    }
}

/// The headers of a section, and what follows the empty line.
fn head(section: &[u8]) -> Result<(HeaderMap, &[u8]), BatchFault> {
    let mut headers = HeaderMap::new();
    let mut rest = section;
    while !rest.is_empty() {
        let (line, after) = next_line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        if headers.len() >= MOST_HEADERS {
            return Err(BatchFault::new(format!("a part has more than {MOST_HEADERS} headers")));
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon.map(|colon| (&line[..colon], &line[colon + 1..])).unwrap_or_default();
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_bytes(value.trim_ascii());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(BatchFault::new("a part has a header that is not like \"Name: value\""));
        };
        headers.append(name, value);
    }
    Ok((headers, rest))
}

/// The next line without its end, and what follows it. The line break before a delimiter belongs to that, so the last line
/// may have none.
fn next_line(text: &[u8]) -> Result<(&[u8], &[u8]), BatchFault> {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let line = text[..end].strip_suffix(b"\r").ok_or_else(|| BatchFault::new(LINE_ENDS))?;
            (line, &text[end + 1..])
        }
        None => (text, &text[text.len()..]),
    };
    if line.contains(&b'\r') { Err(BatchFault::new(LINE_ENDS)) } else { Ok((line, rest)) }
}

/// The request in a part with these headers.
fn request(outer: &HeaderMap, content: &[u8]) -> Result<Part, BatchFault> {
    let kind = outer.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !MediaType::read(kind).is("application/http") {
        return Err(BatchFault::new(
            "each part of a batch has the Content-Type application/http or is a change set",
        ));
    }
    let (line, rest) = next_line(content)?;
    let line = std::str::from_utf8(line).ok();
    let (method, url) = line.and_then(|line| line.split_once(' ')).ok_or_else(bad_request_line)?;
    let url = url.rsplit_once(" HTTP/").map_or(url, |(url, _)| url).trim_matches(' ');
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad_request_line())?;
    if url.is_empty() {
        return Err(bad_request_line());
    }
    let (headers, body) = head(rest)?;
    // UI5 sends it beside the request; some clients send it within.
    let id = outer.get(CONTENT_ID).or_else(|| headers.get(CONTENT_ID)).and_then(|id| id.to_str().ok());
    Ok(Part {
        id: id.map(str::to_owned),
        method,
        url: url.to_owned(),
        headers,
        body: Some(body).filter(|body| !body.trim_ascii().is_empty()).map(<[u8]>::to_vec),
        ..Part::default()
    })
}

fn bad_request_line() -> BatchFault {
    BatchFault::new("a part does not begin with a line like \"GET People HTTP/1.1\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Part>, String> {
        parse(text.replace('\n', "\r\n").as_bytes(), "b").map_err(|fault| fault.to_string())
    }

    const ONE: &str = "--b\nContent-Type: application/http\nContent-ID: 1\n\nGET People?$top=1 HTTP/1.1\nAccept: \
                       application/json\n\n\n--b--\n";

    #[test]
    fn a_part_is_a_request() {
        let parts = parsed(ONE).unwrap();
        let [part] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(
            (part.id.as_deref(), &part.method, part.url.as_str()),
            (Some("1"), &Method::GET, "People?$top=1")
        );
        assert_eq!((part.headers["accept"].as_bytes(), &part.body), (b"application/json".as_slice(), &None));
        assert_eq!(parsed(&format!("a preamble\n{ONE}and an epilogue")).unwrap(), parts);
    }

    #[test]
    fn clients_write_parts_in_several_ways() {
        for (text, url) in [
            // UI5: no blank after the colon.
            (
                "--b\nContent-Type:application/http\nContent-Transfer-Encoding:binary\n\nGET People HTTP/1.1\nAccept:a\n\n\n--b--",
                "People",
            ),
            // One empty line less, and an absolute address.
            (
                "--b\nContent-Type: application/http\n\nGET http://h/api/odata4/s/People HTTP/1.1\n\n--b--",
                "http://h/api/odata4/s/People",
            ),
            ("--b\nContent-Type: application/http\n\nGET /People\n\n--b--\n", "/People"),
            ("--b  \ncontent-type: application/http; msgtype=request\n\nGET A HTTP/1.1\nHost: h\n--b--", "A"),
        ] {
            assert_eq!(parsed(text).unwrap()[0].url, url, "{text}");
        }
        assert_eq!(parsed("--b--\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_change_set_is_a_group() {
        let inner = |id: u8| {
            format!(
                "--c\nContent-Type: application/http\nContent-ID: {id}\n\nPOST A HTTP/1.1\nContent-Type: \
                     application/json\n\n{{\"a\":\"\r--b\"}}\n"
            )
        };
        let text = format!(
            "--b\nContent-Type: multipart/mixed; boundary=\"c\"\n\n{}{}--c--\n\n{ONE}",
            inner(7),
            inner(8)
        );
        let parts = parsed(&text).unwrap();
        let ids: Vec<_> = parts.iter().map(|part| (part.id.as_deref(), part.group.as_deref())).collect();
        assert_eq!(
            ids,
            [(Some("7"), Some("changeset1")), (Some("8"), Some("changeset1")), (Some("1"), None)]
        );
        assert!(parts[0].body.as_ref().unwrap().starts_with(b"{"));
        let nested = "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: multipart/mixed; \
                      boundary=d\n\n--d--\n--c--\n--b--";
        assert!(parsed(nested).unwrap_err().contains("application/http"));
    }

    #[test]
    fn malformed_bodies_are_refused_with_a_reason() {
        let flood = "X-More: 1\n".repeat(MOST_HEADERS + 1);
        let many = "--b\nContent-Type: application/http\n\nGET A HTTP/1.1\n\n".repeat(MOST_PARTS + 1);
        for (text, words) in [
            ("", "does not contain the boundary"),
            ("--a\n--a--", "does not contain the boundary"),
            ("--bc\n--bc--", "does not contain the boundary"),
            ("--b\nContent-Type: application/http\n\nGET A HTTP/1.1\n\n", "without the final boundary"),
            ("--b", "CRLF"),
            ("--b\n\nGET A HTTP/1.1\n--b--", "Content-Type application/http"),
            ("--b\nContent-Type: application/http\n\nGET\n--b--", "a line like"),
            ("--b\nContent-Type: application/http\n\n\n--b--", "a line like"),
            ("--b\nContent-Type: application/http\n\nG(T A HTTP/1.1\n--b--", "a line like"),
            ("--b\nContent-Type application/http\n\nGET A HTTP/1.1\n--b--", "not like"),
            ("--b\nContent-Type: application/http\n folded\n\nGET A HTTP/1.1\n--b--", "not like"),
            (
                &format!("--b\nContent-Type: application/http\n\nGET A HTTP/1.1\n{flood}\n--b--"),
                "more than 64 headers",
            ),
            (&format!("--b\n{flood}\n--b--"), "more than 64 headers"),
            (&format!("{many}--b--"), "more than 100 requests"),
            (&ONE.replace("--b--\n", ONE), "the id 1"),
            (&ONE.replace("Content-ID: 1", "Content-ID: a b"), "letters, digits"),
            ("--b\nContent-Type: multipart/mixed\n\nx\n--b--", "needs a boundary"),
            ("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n--b--", "without the final boundary"),
        ] {
            let refused = parsed(text).unwrap_err();
            assert!(refused.contains(words), "{text:?}: {refused}");
        }
        assert!(parse(ONE.as_bytes(), "b").unwrap_err().to_string().contains("CRLF"), "bare line feeds");
        let mixed = ONE.replace('\n', "\r\n").replace("1\r\n\r\nGET", "1\n\nGET");
        assert!(parse(mixed.as_bytes(), "b").unwrap_err().to_string().contains("CRLF"));
        for boundary in ["", &"b".repeat(71), "ä"] {
            assert!(parse(b"--b--", boundary).unwrap_err().to_string().contains("boundary"));
        }
    }
}
