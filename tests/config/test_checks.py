"""Settings that are each valid by themselves and contradict one another: an error or a warning, at its place."""

import pytest

from config.errors import ConfigError
from config.loader import load_text


def logs_in(name: str, username: str) -> str:
    """A mailbox with a credential of this name."""
    return f"{{name: {name}, fromAddress: {name}@b.test, credentials: [{{username: {username}, password: a-secret}}]}}"


def provider(settings: str) -> str:
    """A provider that is ready, with these settings."""
    return f"deliveryConfig: {{providers: [{{name: a, provider: gmail_relay, {settings}}}]}}"


REFUSED = [
    (
        f"mailboxes: [{logs_in('a', 'a')}]\ntenants: [{{name: x}}]\ndomains: [{{domain: b.test, tenant: x}}]",
        "mailboxes[0].fromAddress: b.test belongs to the tenant x, not to default",
    ),
    (
        "mailboxes: [{name: a, fromAddress: a@b.test}, {name: c, fromAddress: c@b.test, aliases: [A@b.test]}]",
        "mailboxes[1].aliases[0]: two mailboxes with the same address: a@b.test",
    ),
    (
        f"mailboxes: [{logs_in('a', 'u')}, {logs_in('b', 'u')}]",
        "mailboxes[1].credentials[0].username: two credentials with the same username: u",
    ),
    (
        f"mailboxes: [{logs_in('a', 'B')}, {logs_in('b', 'u')}]",
        "mailboxes[0].credentials[0].username: is the name or address of another mailbox: B",
    ),
    (
        f"mailboxes: [{logs_in('a', 'B@b.test')}, {logs_in('b', 'b')}]",
        "mailboxes[0].credentials[0].username: is the name or address of another mailbox: B@b.test",
    ),
    ("tenants: [{name: a}, {name: a}]", "tenants[1].name: two tenants with the same name: a"),
    ("domains: [{domain: b.test}, {domain: B.test}]", "domains[1].domain: two entries for the same domain: b.test"),
    ("domains: [{domain: b.test, dkim: {key: /no/key}}]", "domains[0].dkim.key: no such file: /no/key"),
    (
        "deliveryConfig: {providers: [{name: a, provider: gmail_relay}, {name: a, provider: gmail_relay}]}",
        "deliveryConfig.providers[1].name: two providers with the same name: a",
    ),
    (
        provider("replyId: ['(?P<id>']"),
        "deliveryConfig.providers[0].replyId[0]: is not a regular expression: missing ) at",
    ),
    (
        "deliveryConfig: {presets: {own: {replyId: [queued]}}}",
        "deliveryConfig.presets.own.replyId[0]: has no group (?P<id>…) to capture the id",
    ),
    (provider("tlsCa: /no/ca"), "deliveryConfig.providers[0].tlsCa: no such file: /no/ca"),
    (provider(f"tlsCa: /{'a' * 300}"), "deliveryConfig.providers[0].tlsCa: file name too long: /aaa"),
    ("http: {tls: {certificate: /etc/hosts, key: /no/key}}", "http.tls.key: no such file: /no/key"),
    (
        "webhooks: [{url: 'http://h.test/', secret: a-secret-of-a-webhook}]",
        "webhooks[0].url: must be https, unless allow_private is true",
    ),
    (
        "webhooks: [{url: 'https://h.test/', secret: a-secret}, {url: 'https://h.test', secret: a-secret}]",
        "webhooks[1].url: two webhooks for the same URL: https://h.test",
    ),
    (
        "approvals: {notify: [boss@b.test]}",
        "approvals.sender: is missing; mail to the addresses in notify is sent from",
    ),
    (
        "alerts: {notify: [boss@b.test], sender: a@b.test}",
        "alerts.sender: is not the address of a mailbox in this file: a@b.test",
    ),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[expected for _, expected in REFUSED])
def test_what_contradicts_itself_is_refused_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(f"version: 1\n{text}")
    assert [str(caught.value)] == str(caught.value).splitlines()
    assert str(caught.value).startswith(f"gatepost.yaml:2: {expected}")


ONE_MAILBOX = "domains: [{domain: b.test}]\nmailboxes: [{name: a, fromAddress: a@b.test}]"
WARNED = [
    ("attributionWindows: {renewed: 120_days}", "attributionWindows.renewed: is longer than messages are kept"),
    ("retention: {events: 60d}", "attributionWindows.churnPrevented: is longer than messages are kept"),
    (
        "policies: {default: {rules: {recipients_per_message: {limit: 101}}}}",
        "policies.default.rules.recipients_per_message.limit: is above smtp.max_recipients (100)",
    ),
    (
        "bounceHandling: {giveUpAfter: 2h}",
        "bounceHandling.softBounces.backoffMinutes: adds up to more than give_up_after",
    ),
    (
        "bounceHandling: {softBounces: {backoffMinutes: [60, 15]}}",
        "bounceHandling.softBounces.backoffMinutes: gets shorter",
    ),
    (
        "bounceHandling: {softBounces: {maxRetries: 1}}",
        "bounceHandling.softBounces.backoffMinutes: has more entries than maxRetries (1)",
    ),
    (
        "deliveryConfig: {providers: [{name: a, provider: smtp, host: h.test, tls: none, port: 25, password: p}]}",
        "deliveryConfig.providers[0].tls: is none; the password crosses the network to h.test unencrypted",
    ),
    (provider("tlsVerify: false"), "deliveryConfig.providers[0].tlsVerify: is false; anybody on the network path can"),
    (provider("weight: 0"), "deliveryConfig.providers: none has a weight above zero or failover: true"),
    (
        "deliveryConfig: {providers: [{name: a, provider: sendgrid}]}",
        "deliveryConfig.providers: none is configured; accepted mail waits in the queue",
    ),
    (
        provider("webhookSecret: 'env:NOPE'"),
        "deliveryConfig.providers[0].webhookSecret: env:NOPE: the environment variable NOPE is not set; its events",
    ),
    (
        provider("when: {tenants: [defualt]}"),
        "deliveryConfig.providers[0].when.tenants[0]: is not in this file: defualt; did you mean default?",
    ),
    ("inbound: {bounceDomain: b.test}", "inbound.bounceDomain: is set without inbound.listeners"),
    ("smtp: {listeners: [{bind: '[::]:25', allow_plaintext_auth: true}]}", "server.hostname: is localhost although"),
    (
        "smtp: {listeners: [{bind: '[::]:25', allow_plaintext_auth: true}]}",
        "server.publicUrl: is reachable from this machine only; unsubscribe links will not work",
    ),
    ("smtp: {tls: {certificate: /no/cert, key: /no/key}}", "smtp.tls.certificate: no such file: /no/cert"),
    ("storage: {url: 'postgresql+psycopg://u:secret@h/db'}", "storage.url: contains a literal secret"),
    ("http: {bind: '0.0.0.0:8025'}", "http.bind: 0.0.0.0:8025 has no TLS"),
    ("http: {operators: [{name: a, key: short}]}", "http.operators[0].key: is shorter than 16 characters"),
    (
        f"{ONE_MAILBOX}\napprovals: {{notify: [a@b.test], sender: a@b.test}}",
        "approvals.notify[0]: is a mailbox's address: an agent that reads it can approve",
    ),
]


@pytest.mark.parametrize(("text", "warning"), WARNED, ids=[warning for _, warning in WARNED])
def test_what_works_but_hardly_as_meant_is_told(text: str, warning: str) -> None:
    told = [str(problem).partition(" ")[2] for problem in load_text(f"version: 1\n{text}").warnings]
    assert [one for one in told if one.startswith(warning)]


@pytest.mark.parametrize(
    "text", ["http: {bind: '[::1]:8025'}", "server: {publicUrl: 'https://b.test'}\nhttp: {bind: '0.0.0.0:80'}"]
)
def test_http_without_tls_is_as_meant_on_loopback_and_behind_a_proxy_that_has_it(text: str) -> None:
    assert not [one for one in load_text(f"version: 1\n{text}").warnings if "has no TLS" in str(one)]
