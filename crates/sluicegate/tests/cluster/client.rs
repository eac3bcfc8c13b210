//! A client with its user, who record when they asked and what they were answered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::acknowledged::Lost;
use testkit::histories::{CodeAct, CodeAnswer, Event, Model, check};
use testkit::{ADMIN, Random, TestUser, Wire, WireAnswer, WireClient};

use super::counts::Counts;
use super::stage::Cluster;

/// Within this time each node knows about a revocation.
pub(crate) const NOTICE: Duration = Duration::from_secs(1);

pub(crate) const BREATH: Duration = Duration::from_millis(20);

pub(crate) type CodeEvent = Event<CodeAct, CodeAnswer>;

/// How a token is used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// A node can answer from its cache, even while its database is unreachable.
    Introspection,
    /// The data source does not exist, but a revoked token is refused before it is looked up.
    Data,
}

impl Use {
    pub(crate) fn any(random: &mut Random) -> Self {
        if random.below(2) == 0 { Self::Introspection } else { Self::Data }
    }
}

/// An application with its user.
pub(crate) struct Client<'a> {
    pub(crate) cluster: &'a Cluster,
    counts: &'a Counts,
    /// The connection to the balancer.
    pub(crate) wire: Wire,
    pub(crate) user: TestUser,
    pub(crate) application: WireClient,
    pub(crate) start: Instant,
}

impl<'a> Client<'a> {
    /// Creates a user and an application; their names say which client they belong to.
    pub(crate) fn new(cluster: &'a Cluster, counts: &'a Counts, name: &str) -> Self {
        let name: &'static str = name.to_owned().leak();
        let user = TestUser { name, password: "may the better one win" };
        let wire = Wire::new(&cluster.url()).treating_failures_as_lost();
        let account = json!({
            "userName": name,
            "passwordInfo": {"password": user.password},
            "permissions": {"roles": [2]},
        });
        let made = wire.post_json("/api/admin/users", &ADMIN, &account).expect("the cluster is well");
        assert_eq!(made.status, 201, "{made:?}");
        let application = WireClient::register(&wire, &user, name, &json!({"profile": "oauth21"}));
        let application = application.expect("the cluster is well");
        Self { cluster, counts, wire, user, application, start: super::now() }
    }

    pub(crate) fn judge<M: Model>(&self, kind: &'static str, model: &M, events: &[Event<M::Act, M::Answer>]) {
        if let Err(offence) = check(model, events) {
            panic!("{kind} of {}: {offence}", self.application.client_id);
        }
        let answered = events.iter().filter(|event| event.answered.is_some()).count();
        self.counts.count_history(kind, answered, events.len() - answered);
    }

    pub(crate) fn node(&self, random: &mut Random) -> Wire {
        Wire::new(&self.cluster.any_node(random)).treating_failures_as_lost()
    }

    /// Records when a request was sent, and when and how it was answered.
    pub(crate) fn note<A, R>(
        &self,
        who: &str,
        ask: impl FnOnce() -> Result<WireAnswer, Lost>,
        read: impl FnOnce(&WireAnswer) -> R,
        act: impl FnOnce(Duration) -> A,
    ) -> Event<A, R> {
        let invoked = self.start.elapsed();
        let outcome = ask();
        let end = self.start.elapsed();
        if outcome.is_err() {
            std::thread::sleep(BREATH);
        }
        let answered = outcome.ok().map(|answer| (end, read(&answer)));
        Event { who: who.to_owned(), act: act(end), invoked, answered }
    }

    /// Uses an access token at a node, or lets its application introspect it there.
    pub(crate) fn use_token(&self, wire: &Wire, who: &str, token: &str, by: Use) -> CodeEvent {
        let event = match by {
            Use::Introspection => {
                let ask = || self.application.post(wire, "/oauth2/introspect", &[("token", token)]);
                self.note(who, ask, |answer| granted(is_active(answer)), |_| CodeAct::Use)
            }
            Use::Data => {
                let ask = || wire.get_with_token("/api/odata4/nowhere", token);
                self.note(who, ask, |answer| granted(is_taken(answer)), |_| CodeAct::Use)
            }
        };
        event.may_be_stale_for(NOTICE)
    }

    pub(crate) fn revoke<A, R>(&self, wire: &Wire, who: &str, act: A, done: R, token: &str) -> Event<A, R> {
        let read = |answer: &WireAnswer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            done
        };
        self.note(who, || self.application.revoke(wire, token), read, |_| act)
    }
}

pub(crate) fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

/// Whether the server says that the code or the token is invalid. Any other failure is an error.
pub(crate) fn is_refusal(answer: &WireAnswer) -> bool {
    if answer.status == 400 {
        assert_eq!(answer.json()["error"], "invalid_grant", "{answer:?}");
        return true;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    false
}

fn granted(yes: bool) -> CodeAnswer {
    if yes { CodeAnswer::Granted } else { CodeAnswer::Refused }
}

fn is_active(answer: &WireAnswer) -> bool {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["active"].as_bool().unwrap_or_else(|| panic!("{answer:?}"))
}

fn is_taken(answer: &WireAnswer) -> bool {
    assert!(matches!(answer.status.as_u16(), 401 | 404), "{answer:?}");
    answer.status == 404
}
