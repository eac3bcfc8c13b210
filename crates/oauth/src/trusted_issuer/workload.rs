//! Workloads that authenticate with an assertion of their platform instead of a secret ([RFC 7523
//! §2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)): a service account of Kubernetes, a job of a build server.

use domain::id::ClientId;
use domain::time::Timestamp;

use super::assertion::{REMEMBERED_SECS, TIMES, is_token_endpoint};
use super::claims::{is_constrained, is_of, only_audience};
use super::{Audience, Purpose, TrustedIssuer};
use crate::jwt::{Claims, JwtFault};
use crate::refusal::Refusal;

/// The maximum number of `*` in a pattern.
const MOST_STARS: usize = 4;

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct WorkloadFacts<'a> {
    /// The issuer whose key has signed the assertion.
    pub trusted: &'a TrustedIssuer,
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// An assertion that authenticates an application, unless it was used before and may be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedWorkload {
    /// The application.
    pub client: ClientId,
    /// `jti`; `None` if the assertion is known by its content only.
    pub id: Option<String>,
    /// Until when its use must be remembered; `None` if it may be used again.
    pub remembered_until: Option<Timestamp>,
}

/// Judges the claims of an assertion whose signature a key of the issuer verifies.
///
/// # Errors
/// `invalid_client`.
pub fn accept_workload(claims: &Claims, facts: WorkloadFacts<'_>) -> Result<AcceptedWorkload, Refusal> {
    let settings = &facts.trusted.settings;
    if !is_of(claims, facts.trusted) || !settings.has(Purpose::Workload) {
        return Err(Refusal::AssertionUnverified);
    }
    audience_is_this_server_alone(claims, facts)?;
    claims.times_hold(facts.now, TIMES).map_err(of_times)?;
    if is_constrained(claims) {
        return Err(Refusal::WorkloadConstrained);
    }
    let id = match claims.get("jti") {
        None => None,
        Some(_) => Some(claims.required_text("jti").map_err(|_| Refusal::AssertionWithoutId)?.to_owned()),
    };
    let expiry = claims.time("exp").map_err(of_times)?.ok_or(Refusal::AssertionExpired)?;
    let remembered_until = (!settings.reusable_assertions).then(|| expiry.plus_secs(REMEMBERED_SECS));
    Ok(AcceptedWorkload { client: client_of(claims, facts.trusted)?, id, remembered_until })
}

/// The audience is agreed per issuer: drafts about workloads ask for the URL of the token endpoint, while FAPI 2.0 accepts
/// the issuer only.
fn audience_is_this_server_alone(claims: &Claims, facts: WorkloadFacts<'_>) -> Result<(), Refusal> {
    let given = only_audience(claims);
    let agreed = match facts.trusted.settings.audience {
        Audience::Issuer => given == Some(facts.issuer),
        Audience::TokenEndpoint => is_token_endpoint(given, facts.issuer),
    };
    if agreed { Ok(()) } else { Err(Refusal::WorkloadForAnotherServer) }
}

/// The application of the first entry whose pattern fits `sub`.
fn client_of(claims: &Claims, trusted: &TrustedIssuer) -> Result<ClientId, Refusal> {
    let subject = claims.required_text("sub").map_err(|_| Refusal::WorkloadUnknown)?;
    let fits = |pattern: &str| SubjectPattern::parse(pattern).is_some_and(|pattern| pattern.fits(subject));
    let found = trusted.settings.workloads.iter().find(|workload| fits(&workload.subject));
    found.and_then(|workload| workload.client.parse().ok()).ok_or(Refusal::WorkloadUnknown)
}

fn of_times(fault: JwtFault) -> Refusal {
    match fault {
        JwtFault::LivesTooLong | JwtFault::TooOld => Refusal::AssertionLivesTooLong,
        JwtFault::NotYet => Refusal::AssertionNotYetValid,
        _ => Refusal::AssertionExpired,
    }
}

/// A pattern for subjects. `*` stands for any characters except a colon, which separates the parts of a subject in Kubernetes
/// and GitHub Actions, so that it never reaches into the next part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectPattern<'a>(&'a str);

impl<'a> SubjectPattern<'a> {
    /// Reads a pattern; `None` if it is empty, begins with `*` or has more than four of them.
    pub fn parse(text: &'a str) -> Option<Self> {
        let stars = text.bytes().filter(|byte| *byte == b'*').count();
        (!text.is_empty() && !text.starts_with('*') && stars <= MOST_STARS).then_some(Self(text))
    }

    /// Whether the subject fits as a whole.
    pub fn fits(self, subject: &str) -> bool {
        let (mut patterns, mut parts) = (self.0.split(':'), subject.split(':'));
        loop {
            match (patterns.next(), parts.next()) {
                (None, None) => return true,
                (Some(pattern), Some(part)) if part_fits(pattern, part) => {}
                _ => return false,
            }
        }
    }
}

/// The text before the first `*` begins the part, the one after the last ends it, and those between follow in order.
fn part_fits(pattern: &str, part: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == part };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut left) = part.strip_prefix(first).and_then(|left| left.strip_suffix(last)) else {
        return false;
    };
    for piece in between.split('*') {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    true
}
