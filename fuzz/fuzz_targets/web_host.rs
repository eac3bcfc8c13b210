#![no_main]
//! No host makes its check panic. A request that passes names one host, without anything that another program could read as
//! more, and the same in capital letters.

use fuzz::{first_line, header_values};
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Request, Uri, Version};
use web::fuzzing::{named_host, names_one_host};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (address, rest) = first_line(bytes);
    let Ok(uri) = address.parse::<Uri>() else { return };
    let headers = header_values(HOST, rest);
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        let request = request(version, &uri, headers.clone());
        if !names_one_host(&request) {
            continue;
        }
        assert!(headers.get_all(HOST).iter().count() <= 1);
        let Some(named) = named_host(request.uri(), request.headers()) else {
            assert_eq!(version, Version::HTTP_10);
            continue;
        };
        assert!(!named.is_empty() && named.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!named.contains(['/', '?', '#', '@', '\\', ',']), "{named}");
        let capital = headers.get(HOST).map(|value| value.as_bytes().to_ascii_uppercase());
        let capital = capital.map(|value| (HOST, HeaderValue::from_bytes(&value).expect("a value")));
        assert!(names_one_host(&self::request(version, &uri, capital.into_iter().collect())));
        let mut twice = headers.clone();
        twice.append(HOST, HeaderValue::from_str(named).expect("a value"));
        assert_eq!(names_one_host(&self::request(version, &uri, twice)), headers.is_empty());
    }
});

fn request(version: Version, uri: &Uri, headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.version_mut() = version;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}
