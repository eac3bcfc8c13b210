//! Mail through a real mail server over a real connection.

use serde_json::json;
use testkit::host::AUTHORITY;
use testkit::{ADMIN, Installation, SinkTls, SmtpSink, Wire};

use super::BINARY;

/// An installation, and a mail server with TLS.
struct Posting {
    sink: SmtpSink,
    installation: Installation,
    variables: Vec<(&'static str, String)>,
}

impl Posting {
    fn new(tls: SinkTls) -> Self {
        let (sink, installation) = (SmtpSink::start(tls), Installation::new(BINARY));
        let file = |name: &str, content: &[u8]| {
            let path = installation.folder().join(name);
            std::fs::write(&path, content).expect("a file");
            path.to_str().expect("a path").to_owned()
        };
        let protection = if tls == SinkTls::Implicit { "implicit" } else { "starttls" };
        let variables = vec![
            ("SLUICEGATE_MAIL__HOST", "localhost".to_owned()),
            ("SLUICEGATE_MAIL__PORT", sink.address().port().to_string()),
            ("SLUICEGATE_MAIL__PROTECTION", protection.to_owned()),
            ("SLUICEGATE_MAIL__AUTHORITIES_FILE", file("mail-ca.pem", AUTHORITY)),
            ("SLUICEGATE_MAIL__USER", "gate".to_owned()),
            ("SLUICEGATE_MAIL__PASSWORD_FILE", file("mail-password", b"s3cret-of-the-mail-server\n")),
            ("SLUICEGATE_MAIL__FROM", "Gate <gate@example.org>".to_owned()),
            ("SLUICEGATE_MAIL__TIMEOUT_SECS", "20".to_owned()),
        ];
        Self { sink, installation, variables }
    }

    /// The variables, with some replaced.
    fn with<'a>(&'a self, replaced: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let own = own.filter(|(name, _)| replaced.iter().all(|(other, _)| other != name));
        own.chain(replaced.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Runs `mail test`, and returns whether it succeeded and what it said.
    fn test(&self, replaced: &[(&str, &str)]) -> (bool, String) {
        let mut command = self.installation.command(&["mail", "test", "--to", "ada@example.com"]);
        command.envs(self.with(replaced));
        let output = command.output().expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).expect("UTF-8"))
    }
}

#[test]
fn mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings() {
    for tls in [SinkTls::Offered, SinkTls::Implicit] {
        let posting = Posting::new(tls);
        let (sent, said) = posting.test(&[]);
        assert!(sent, "{said}");
        let mail = posting.sink.wait_for(1).remove(0);
        assert!(mail.tls);
        assert_eq!(mail.credentials, Some(("gate".to_owned(), "s3cret-of-the-mail-server".to_owned())));
        assert_eq!(
            (mail.from.as_str(), &mail.to[..]),
            ("gate@example.org", &["ada@example.com".to_owned()][..])
        );
    }
}

#[test]
fn a_mail_server_that_cannot_be_used_as_the_settings_say_gets_no_password() {
    let posting = Posting::new(SinkTls::None);
    let (sent, said) = posting.test(&[]);
    assert!(!sent && said.contains("TLS"), "{said}");
    let posting = Posting::new(SinkTls::Offered);
    let (sent, said) = posting.test(&[("SLUICEGATE_MAIL__AUTHORITIES_FILE", "")]);
    assert!(!sent && said.contains("TLS"), "an unknown authority: {said}");
    let wrong = posting.installation.folder().join("wrong");
    std::fs::write(&wrong, "wrong\n").expect("a file");
    let wrong = wrong.to_str().expect("a path");
    let (sent, said) = posting.test(&[("SLUICEGATE_MAIL__PASSWORD_FILE", wrong)]);
    assert!(!sent && said.contains("535"), "{said}");
    assert!(posting.sink.mails().is_empty());
    let unused = SmtpSink::start(SinkTls::None).address().port().to_string();
    let (sent, said) = posting.test(&[("SLUICEGATE_MAIL__PORT", &unused)]);
    assert!(!sent && said.contains("cannot be reached"), "{said}");
}

#[test]
fn settings_of_mail_that_do_not_fit_together_are_refused() {
    let posting = Posting::new(SinkTls::Offered);
    for (replaced, key) in [
        (vec![("SLUICEGATE_MAIL__FROM", "")], "mail.from"),
        (vec![("SLUICEGATE_MAIL__FROM", "nobody")], "mail.from"),
        (vec![("SLUICEGATE_MAIL__USER", "")], "mail.user"),
        (vec![("SLUICEGATE_MAIL__PASSWORD_FILE", "")], "mail.password_file"),
        (vec![("SLUICEGATE_MAIL__PASSWORD_FILE", "/nowhere")], "mail.password_file"),
        (
            vec![("SLUICEGATE_MAIL__HOST", "smtp.example.org"), ("SLUICEGATE_MAIL__PROTECTION", "none")],
            "mail.protection",
        ),
        (
            vec![
                ("SLUICEGATE_MAIL__HOST", "smtp.example.org"),
                ("SLUICEGATE_MAIL__PROTECTION", "danger_none"),
            ],
            "mail.user",
        ),
    ] {
        let (sent, said) = posting.test(&replaced);
        assert!(!sent && said.contains(key) && !said.contains("s3cret"), "{replaced:?}: {said}");
    }
}

#[test]
fn doctor_says_whether_the_mail_server_accepts_the_server() {
    let posting = Posting::new(SinkTls::Offered);
    let doctor = |replaced: &[(&str, &str)]| {
        let mut command = posting.installation.command(&["doctor"]);
        let output = command.envs(posting.with(replaced)).output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(doctor(&[]).contains("the mail server accepts the server"));
    assert!(doctor(&[("SLUICEGATE_MAIL__AUTHORITIES_FILE", "")]).contains("its certificate is not accepted"));
    assert!(posting.sink.mails().is_empty());
}

#[test]
fn an_invitation_survives_a_server_that_is_killed_before_it_is_sent() {
    let posting = Posting::new(SinkTls::Offered);
    posting.sink.refuse_next(&[451]);
    let served = posting.installation.serve_with(&[], &posting.with(&[]));
    let body = json!({ "userName": "grace", "attributes": { "email": "grace@example.com" } });
    let wire = Wire::new(served.url());
    let invited = wire.post_json("/api/admin/invitations", &ADMIN, &body).expect("an answer");
    assert_eq!(invited.status, 201, "{invited:?}");
    while !served.printed().contains("a mail will be sent again") {
        std::thread::yield_now();
    }
    let printed = served.kill();
    assert!(posting.sink.mails().is_empty());
    let served = posting.installation.serve_with(&[], &posting.with(&[]));
    let mail = posting.sink.wait_for(1).remove(0);
    assert_eq!(mail.to, ["grace@example.com"]);
    let secret = mail.text().split_once("key=sgl_").expect("a link").1[..43].to_owned();
    let (_, again) = served.terminate();
    for log in [printed, again] {
        assert!(
            !log.contains(&secret) && !log.contains("grace@example.com") && !log.contains("s3cret"),
            "{log}"
        );
    }
    assert_eq!(posting.sink.mails().len(), 1);
}
