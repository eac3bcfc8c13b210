//! Where the browser of a user goes, in the words of its pages.

use url::Url;

use crate::redirect;

/// Where the browser goes with a response, or after a logout. The path is not part of it: it says nothing about the receiver,
/// and the developer chose its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A web site.
    Site {
        /// The scheme, the host in ASCII, and the port unless it is the default.
        origin: String,
    },
    /// A web site over plain `http`.
    UnencryptedSite {
        /// Like that of a site.
        origin: String,
    },
    /// A program on the user's device that listens on loopback.
    ThisDevice {
        /// Like that of a site.
        origin: String,
    },
    /// The application on the device that handles a private-use scheme.
    Application {
        /// The scheme without the colon.
        scheme: String,
    },
}

impl Destination {
    /// The destination of a URL that was validated as one of an application.
    pub fn of(url: &Url) -> Self {
        let (scheme, host, port) = (url.scheme(), url.host_str(), url.port());
        // The text after a private-use scheme belongs to the application; a host in it means nothing.
        let Some(host) = host.filter(|_| matches!(scheme, "http" | "https")) else {
            return Self::Application { scheme: scheme.to_owned() };
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("{scheme}://{host}{port}");
        match scheme {
            _ if redirect::is_loopback(url) => Self::ThisDevice { origin },
            "https" => Self::Site { origin },
            _ => Self::UnencryptedSite { origin },
        }
    }
}
