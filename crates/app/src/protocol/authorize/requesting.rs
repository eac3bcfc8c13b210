//! The application for which somebody signs in, whatever its response will be.

use oauth::authorize::{AuthorizeRefusal, AuthorizeRequest};
use oauth::destination::Destination;
use oauth::parameters::Parameters;

use super::{AuthorizationService, Refused};
use crate::Fault;
use crate::node::entity_cache::Entities;

/// The application for which somebody signs in.
#[derive(Debug)]
pub struct RequestingApplication {
    /// The name of the application.
    pub application: String,
    /// Whether somebody who runs this server answers for it.
    pub is_verified: bool,
    /// Where the browser goes with the response.
    pub destination: Destination,
    /// `login_hint`: the name with which the user probably signs in.
    pub login_hint: Option<String>,
}

impl AuthorizationService {
    /// The application to which a request leads after sign-in, with a code or with an error; `None` if it gets no response.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn requesting_application(
        &self,
        parameters: &Parameters,
    ) -> Result<Option<RequestingApplication>, Fault> {
        let (application, destination, login_hint) = match self.check_request(parameters, None).await? {
            Ok(valid) => {
                let destination = valid.valid.target().destination();
                (valid.application, destination, valid.request.login_hint)
            }
            Err(Refused { refusal: AuthorizeRefusal::Page(_), .. }) => return Ok(None),
            Err(Refused { refusal: AuthorizeRefusal::Redirect(redirect), .. }) => {
                let Some(application) = self.addressed_application(parameters).await? else {
                    return Ok(None);
                };
                let readable = AuthorizeRequest::parse(parameters).ok();
                (application, redirect.destination(), readable.and_then(|request| request.login_hint))
            }
        };
        Ok(Some(RequestingApplication {
            application: application.settings.name.clone(),
            is_verified: Entities::of(&self.context).is_verified(&application).await?,
            destination,
            login_hint,
        }))
    }
}
