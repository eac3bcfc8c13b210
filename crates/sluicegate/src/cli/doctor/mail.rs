//! Whether the mail server can be used.

use mail::Mailer;

use super::findings::Findings;

/// Connects to the mail server and authenticates, without sending anything.
pub(super) async fn examine(mailer: Option<&Mailer>, connects: bool, findings: &mut Findings) {
    let Some(mailer) = mailer else {
        let message =
            "no mail server is set, so users cannot ask for a link when they have forgotten their password";
        return findings.note("mail", message, "Set mail.host and mail.from if they should.");
    };
    if !connects {
        return findings.note("mail", "the mail server was not asked (--offline)", "");
    }
    match mailer.greet().await {
        Ok(()) => findings.good("mail", "the mail server accepts the server"),
        Err(failure) => findings.error(
            "mail",
            failure.to_string(),
            "Look at the settings of mail, and try `sluicegate mail test --to ADDRESS`.",
        ),
    }
}
