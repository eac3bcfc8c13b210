//! Sending, to a mail server of the tests.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use domain::mail::Letter;
use mail::{MailCredentials, MailSettings, MailTls, Mailer, SendFailure, UnfitMailSettings};
use testkit::host::AUTHORITY;
use testkit::{SinkTls, SmtpSink};

fn settings(port: u16, tls: MailTls) -> MailSettings {
    MailSettings {
        host: "localhost".to_owned(),
        port,
        tls,
        authorities: Some(AUTHORITY.to_vec()),
        credentials: None,
        from: "Grüße <gate@example.org>".to_owned(),
        hello: Some("gate.example.org".to_owned()),
        time: Duration::from_secs(20),
    }
}

fn letter(to: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Your new account".to_owned(),
        text: "Hello,\n\n.a line that begins with a dot\nä long line ".to_owned() + &"x".repeat(200) + "\n",
        id: "abc".to_owned(),
    }
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    for (sink, tls) in [
        (SmtpSink::start(SinkTls::None), MailTls::DangerNone),
        (SmtpSink::start(SinkTls::Offered), MailTls::StartTls),
        (SmtpSink::start(SinkTls::Implicit), MailTls::Implicit),
    ] {
        let mut settings = settings(sink.address().port(), tls);
        settings.credentials =
            Some(MailCredentials { user: "gate".to_owned(), password: "pass word".to_owned() });
        let mailer = Mailer::new(&settings).unwrap();
        mailer.send(&letter("ada@example.com")).await.unwrap();
        let mails = sink.mails();
        let [mail] = &mails[..] else { panic!("{mails:?}") };
        assert_eq!(mail.text().replace("\r\n", "\n").trim_end(), letter("").text.trim_end());
        assert_eq!(mail.header("message-id").as_deref(), Some("<abc@example.org>"));
        assert_eq!(mail.header("mime-version").as_deref(), Some("1.0"));
        assert_eq!(mail.header("content-type").as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(mail.tls, tls != MailTls::DangerNone);
        assert_eq!(mail.credentials, Some(("gate".to_owned(), "pass word".to_owned())));
        assert!(mail.content.is_ascii(), "the name of the sender is encoded");
        mailer.greet().await.unwrap();
        assert_eq!(sink.mails().len(), 1);
    }
}

#[tokio::test]
async fn without_the_demanded_protection_nothing_is_sent() {
    let sink = SmtpSink::start(SinkTls::None);
    let mut unprotected = settings(sink.address().port(), MailTls::StartTls);
    unprotected.credentials =
        Some(MailCredentials { user: "gate".to_owned(), password: "secret".to_owned() });
    let failed = Mailer::new(&unprotected).unwrap().send(&letter("ada@example.com")).await;
    assert_eq!(failed, Err(SendFailure::Unsupported));
    let sink = SmtpSink::start(SinkTls::Offered);
    let unknown = MailSettings { authorities: None, ..settings(sink.address().port(), MailTls::StartTls) };
    let failed = Mailer::new(&unknown).unwrap().send(&letter("ada@example.com")).await;
    assert_eq!(failed, Err(SendFailure::Tls));
    assert!(!SendFailure::Tls.is_final() && !SendFailure::Unsupported.is_final());
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn the_code_of_the_mail_server_decides_whether_to_try_again() {
    let sink = SmtpSink::start(SinkTls::None);
    let settings = settings(sink.address().port(), MailTls::DangerNone);
    let mailer = Mailer::new(&settings).unwrap();
    for (code, failure) in [
        (550, SendFailure::Refused(550)),
        (451, SendFailure::Unwilling(451)),
        (530, SendFailure::Unwilling(530)),
    ] {
        sink.refuse_next(&[code]);
        assert_eq!(mailer.send(&letter("ada@example.com")).await, Err(failure));
        assert_eq!(failure.is_final(), code == 550);
        assert!(!failure.to_string().contains("ada"), "what the mail server says names the address");
    }
    let wrong = Some(MailCredentials { user: "gate".to_owned(), password: "wrong".to_owned() });
    let refused = Mailer::new(&MailSettings { credentials: wrong, ..settings.clone() }).unwrap();
    assert_eq!(refused.send(&letter("ada@example.com")).await, Err(SendFailure::Unwilling(535)));
}

#[tokio::test]
async fn an_address_adds_no_receiver_and_no_header() {
    let sink = SmtpSink::start(SinkTls::None);
    let mailer = Mailer::new(&settings(sink.address().port(), MailTls::DangerNone)).unwrap();
    for to in [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nRCPT TO:<eve@example.com>",
        "ada@example.com, eve@example.com",
        "\"ada\r\nBcc: eve@example.com\"@example.com",
        "ada@example.com>",
        "",
        "ada",
    ] {
        assert_eq!(mailer.send(&letter(to)).await, Err(SendFailure::Address), "{to:?}");
    }
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut settings = settings(silent.local_addr().unwrap().port(), MailTls::DangerNone);
    settings.time = Duration::from_millis(200);
    let failed = Mailer::new(&settings).unwrap().send(&letter("ada@example.com")).await;
    assert_eq!(failed, Err(SendFailure::Timeout));
}

#[test]
fn settings_that_do_not_work_are_refused_before_anything_is_sent() {
    let good = settings(25, MailTls::StartTls);
    let refused = |settings: MailSettings| Mailer::new(&settings).err();
    assert_eq!(
        refused(MailSettings { from: "nobody".to_owned(), ..good.clone() }),
        Some(UnfitMailSettings::From)
    );
    let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for pem in [pem, b"no certificate".to_vec()] {
        let unfit = refused(MailSettings { authorities: Some(pem), ..good.clone() });
        assert_eq!(unfit, Some(UnfitMailSettings::Authorities));
    }
    assert_eq!(refused(good), None);
}
