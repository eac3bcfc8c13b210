use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn hosts(rules: &[&str]) -> AllowedHosts {
    AllowedHosts::new(rules.iter().map(|rule| rule.parse().unwrap()).collect())
}

#[test]
fn a_host_is_allowed_by_name_suffix_address_or_network_and_port() {
    for (rule, host, port, expected) in [
        ("db.example.com", "db.example.com", 5432, true),
        ("db.example.com", "DB.Example.com.", 1, true),
        ("db.example.com", "x.db.example.com", 5432, false),
        ("db.example.com", "db.example.com.evil.example", 5432, false),
        ("db.example.com:5432", "db.example.com", 5432, true),
        ("db.example.com:5432", "db.example.com", 5433, false),
        ("*.example.com", "db.example.com", 5432, true),
        ("*.example.com", "a.b.example.com", 5432, true),
        ("*.example.com", "example.com", 5432, false),
        ("*.example.com", "notexample.com", 5432, false),
        ("*.example.com:1", "db.example.com", 2, false),
        ("10.0.0.5", "10.0.0.5", 5432, true),
        ("10.0.0.5", "10.0.0.6", 5432, false),
        ("10.0.0.5:5432", "10.0.0.5", 1, false),
        ("10.0.0.0/8", "10.255.0.1", 1, true),
        ("10.0.0.0/8:5432", "10.255.0.1", 1, false),
        ("10.0.0.0/8", "11.0.0.1", 1, false),
        ("0.0.0.0/0", "8.8.8.8", 1, true),
        ("fd00::5", "fd00::5", 1, true),
        ("[fd00::5]:5432", "fd00::5", 5432, true),
        ("[fd00::5]:5432", "fd00::5", 1, false),
        ("fd00::/8", "fd12::1", 1, true),
        ("[fd00::/8]:1", "fd12::1", 2, false),
        ("10.0.0.5", "::ffff:10.0.0.5", 1, true),
        ("::ffff:10.0.0.0/104", "10.0.0.5", 1, true),
        ("10.0.0.0/8", "fd00::5", 1, false),
        ("localhost", "127.0.0.1", 1, false),
    ] {
        assert_eq!(hosts(&[rule]).check(host, port).is_ok(), expected, "{rule} for {host} {port}");
    }
    assert_eq!(AllowedHosts::default().check("db.example.com", 1), Err(SourceError::HostNotAllowed));
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    for rule in [
        "db.example.com",
        "*.example.com:5432",
        "10.0.0.5:1",
        "10.0.0.0/8",
        "fd00::5",
        "[fd00::5]:1",
        "[fd00::/8]:1",
    ] {
        assert_eq!(rule.parse::<HostRule>().unwrap().to_string(), rule);
    }
    assert_eq!("DB.Example.com.".parse::<HostRule>().unwrap().to_string(), "db.example.com");
    assert_eq!("::ffff:10.0.0.0/104".parse::<HostRule>().unwrap().to_string(), "10.0.0.0/8");
}

#[test]
fn a_text_that_is_no_rule_is_refused() {
    for text in [
        "",
        "*",
        "*.",
        ".",
        "a..b",
        "db.example.com:",
        "db.example.com:0",
        "db.example.com:65536",
        "db:http",
        "10.0.0.0/33",
        "10.0.0.0/",
        "fd00::/129",
        "[fd00::5",
        "[fd00::5]x",
        "db.example.com/8",
        "127.1",
        "a b",
        "https://db.example.com",
        "db.*.com",
        "[db.example.com",
    ] {
        assert!(text.parse::<HostRule>().is_err(), "{text:?}");
    }
}

#[test]
fn special_addresses_need_a_rule_of_their_own() {
    for special in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "169.254.169.254",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "::1",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
    ] {
        let address: IpAddr = special.parse().unwrap();
        assert!(!hosts(&["db.example.com"]).covers("db.example.com", address, 1), "{special}");
        assert!(hosts(&[special]).covers("db.example.com", address, 1), "{special} is listed");
    }
    for ordinary in ["10.0.0.5", "192.168.1.1", "8.8.8.8", "fd00::5", "2001:db8::1", "64:ff9b::808:808"] {
        let address: IpAddr = ordinary.parse().unwrap();
        assert!(hosts(&["db.example.com"]).covers("db.example.com", address, 1), "{ordinary}");
    }
}

/// Answers with the next of its addresses each time.
#[derive(Debug)]
struct Changing(Vec<SocketAddr>, AtomicUsize);

impl Resolve for Changing {
    fn resolve<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        let at = self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(vec![self.0[at % self.0.len()]]) })
    }
}

#[tokio::test]
async fn a_name_that_is_rebound_to_another_address_leads_nowhere() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let inside = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let changing =
        Changing(vec![listener.local_addr().unwrap(), inside.local_addr().unwrap()], AtomicUsize::new(0));
    let allowed = hosts(&["db.example.com", "127.0.0.1"]);
    let connector = Connector::with_resolver(allowed, Arc::new(changing));
    let stream = connector.connect("db.example.com", port).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    let refused = connector.connect("db.example.com", port).await.unwrap_err();
    assert_eq!(refused, SourceError::HostNotAllowed);
    inside.set_nonblocking(true).unwrap();
    assert_eq!(inside.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody has connected");
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_not_even_looked_up() {
    let resolver = Arc::new(Changing(vec!["10.0.0.1:1".parse().unwrap()], AtomicUsize::new(0)));
    let connector = Connector::with_resolver(hosts(&["*.example.com"]), resolver.clone());
    let refused = connector.connect("evil.example", 1).await.unwrap_err();
    assert_eq!((refused, resolver.1.load(Ordering::Relaxed)), (SourceError::HostNotAllowed, 0));
}

#[tokio::test]
async fn a_machine_without_a_server_refuses_the_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = Connector::new(hosts(&["127.0.0.1"])).connect("127.0.0.1", port).await.unwrap_err();
    assert!(matches!(refused, SourceError::ConnectionRefused { .. }), "{refused:?}");
    assert!(!refused.to_string().contains("127.0.0.1"), "only the log names the address");
}
