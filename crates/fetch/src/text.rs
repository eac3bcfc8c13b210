//! Texts that are not kept, such as request objects.

use http::{StatusCode, header};
use url::Url;

use crate::FetchError;
use crate::fetcher::{FetchRequest, Fetcher};

impl Fetcher {
    /// The text at a URL, whatever media type the host gives it. It is not cached.
    ///
    /// # Errors
    /// [`FetchError`], including for another status than 200 and for a text that is not UTF-8.
    pub async fn text(
        &self,
        url: &str,
        accept: &'static str,
        largest_body: usize,
    ) -> Result<String, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::UnusableUrl)?;
        let response = self.send(FetchRequest { url: &url, accept, post: None, largest_body }).await?;
        if response.status != StatusCode::OK {
            return Err(FetchError::Status(response.status.as_u16()));
        }
        if response.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(FetchError::ContentCoding);
        }
        String::from_utf8(response.body.to_vec()).map_err(|_| FetchError::Malformed)
    }
}
