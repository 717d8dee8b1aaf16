"""Presets as data, and what a provider of the file makes of them."""

import re
from pathlib import Path

import pytest

from config.loader import load_text
from config.presets import builtin

PRESETS = [
    "brevo",
    "gmail",
    "gmail_relay",
    "mailersend",
    "mailgun",
    "office365",
    "postmark",
    "resend",
    "sendgrid",
    "ses",
    "smtp",
    "sparkpost",
]
# A reply each provider is known to send, and the class it falls into.
REPLIES = [
    ("ses", 454, "4.7.0", "Throttling failure: Maximum sending rate exceeded", "throttle"),
    ("ses", 454, "", "Throttling failure: Daily message quota exceeded", "exhausted"),
    ("ses", 421, "", "Too many concurrent SMTP connections", "connections"),
    ("ses", 451, "", "Temporary service failure", "retry"),
    ("ses", 554, "", "Message rejected: Email address is not verified. The following", "configuration"),
    ("ses", 535, "", "Authentication Credentials Invalid", "configuration"),
    ("sendgrid", 451, "", "Authentication failed: Maximum credits exceeded", "exhausted"),
    ("sendgrid", 550, "", "The from address does not match a verified Sender Identity", "configuration"),
    ("sendgrid", 452, "", "Too many recipients received this hour (throttled)", "throttle"),
    ("mailersend", 450, "", "The given data was invalid. The from.email domain must be verified", "permanent"),
    ("gmail", 550, "5.4.5", "Daily user sending limit exceeded", "exhausted"),
    ("gmail", 535, "5.7.8", "Username and Password not accepted", "configuration"),
    ("gmail_relay", 450, "4.2.1", "peak rate", "throttle"),
    ("office365", 550, "5.7.30", "Basic authentication is not supported for Client Submission", "configuration"),
    ("office365", 554, "5.2.252", "SendAsDenied", "configuration"),
    ("office365", 432, "4.3.2", "Concurrent connections limit exceeded", "connections"),
    ("sparkpost", 550, "5.7.1", "Unconfigured Sending Domain <x>", "configuration"),
    ("ses", 550, "5.1.1", "no such user", None),
]
IDS = [
    ("ses", "250 Ok 0102018f-abc-000000", "0102018f-abc-000000"),
    ("sendgrid", "250 Ok: queued as Zx_9", "Zx_9"),
    ("mailersend", "250 Message queued as 65f0", "65f0"),
    ("brevo", "250 2.0.0 OK: queued as <2026@smtp-relay>", "2026@smtp-relay"),
    ("gmail", "250 2.0.0 OK  1700000000 d2e1a72-20020a0.12 - gsmtp", "1700000000 d2e1a72-20020a0.12"),
    ("smtp", "250 2.0.0 Ok: queued as 4XyZ12", "4XyZ12"),
    ("smtp", "250 OK id=1r0abc-000001-2f", "1r0abc-000001-2f"),
    ("smtp", "250 Message Queued (A1B2.1)", "A1B2.1"),
]


def provider(text: str, **env: str):
    return load_text(f"version: 1\ndeliveryConfig: {{providers: [{{name: p, {text}}}]}}", env=env).settings.providers[0]


def test_every_preset_of_the_reference_is_there():
    assert sorted(builtin()) == PRESETS


@pytest.mark.parametrize(("preset", "code", "enhanced", "text", "failure"), REPLIES)
def test_known_replies_fall_into_their_class(preset, code, enhanced, text, failure):
    rules = builtin()[preset].replies
    found = next((rule.failure for rule in rules if rule.matches(code, enhanced, text, "DATA")), None)
    assert found == failure


@pytest.mark.parametrize(("preset", "line", "expected"), IDS)
def test_the_id_is_found_in_the_reply(preset, line, expected):
    found = [match["id"] for pattern in builtin()[preset].reply_id if (match := re.search(pattern, line))]
    assert found[0] == expected


def test_login_conventions():
    postmark = provider("provider: postmark, password: env:T", T="token")
    assert (postmark.username.reveal(), postmark.password.reveal()) == ("token", "token")
    sendgrid = provider("provider: sendgrid, password: env:T", T="key")
    assert sendgrid.username.reveal() == "apikey"
    assert provider("provider: gmail_relay").is_ready
    assert provider("provider: mailgun, password: env:T", T="x").lacks == "username is missing"
    assert provider("provider: sendgrid, password: env:T").lacks == "env:T: the environment variable T is not set"
    for secret in ("client_secret", "refresh_token"):
        oauth = f"{{token_url: 'https://t.test/', client_id: c, {secret}: env:T}}"
        assert not provider(f"provider: office365, username: u, oauth: {oauth}").is_ready


def test_hosts_ports_and_regions():
    ses = provider("provider: ses, region: eu-west-1, username: env:T, password: env:T", T="x")
    assert (ses.host, ses.port, ses.tls) == ("email-smtp.eu-west-1.amazonaws.com", 587, "starttls")
    mailgun = provider("provider: mailgun, region: eu, tls: implicit, username: env:T, password: env:T", T="x")
    assert (mailgun.host, mailgun.port) == ("smtp.eu.mailgun.org", 465)
    lab = provider("provider: smtp, host: 127.0.0.1, port: 2600, tls: none")
    assert (lab.port, lab.weight, lab.is_ready, lab.own_return_path) == (2600, 100, True, True)
    assert provider("provider: smtp, host: h, failover: true").weight == 0


def test_the_operator_overrides_limits_headers_and_replies():
    found = provider(
        "provider: postmark, password: env:T, stream: broadcast, limits: {rate: 5, message_size: 1MiB}, "
        "headers: {add: {X-Own: yes}}, replies: [{code: 5, text: nope, failure: account}]",
        T="x",
    )
    assert (found.limits.rate, found.limits.message_size, found.limits.recipients_per_message) == (5, 1_048_576, 50)
    assert found.limits.connections == 10
    assert provider("provider: gmail_relay, limits: {message_size: 9999999TiB}").limits.connections == 10
    assert found.headers.add == {"X-PM-KeepID": "true", "X-PM-Message-Stream": "broadcast", "X-Own": "yes"}
    assert found.replies[0].matches(554, "5.0.0", "Nope!", "DATA")


def test_an_operator_adds_a_preset_without_code():
    text = r"""
version: 1
deliveryConfig:
  presets:
    acme:
      host: smtp.{region}.acme.test
      ports: {implicit: [4650]}
      tls: implicit
      login: {username: key, needs: [password]}
      reply_id: ['taken (?P<id>\d+)']
      replies: [{code: 450, text: slow down, failure: throttle}]
  providers: [{name: a, provider: acme, region: north, password: env:K}]
"""
    found = load_text(text, env={"K": "x"}).settings.providers[0]
    assert (found.host, found.port, found.is_ready) == ("smtp.north.acme.test", 4650, True)
    assert found.reply_id[0].search("250 taken 17")["id"] == "17"


PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
SECRETS = dict.fromkeys(re.findall(r"env:(\w+)", PAGE), "a-secret-0123456789")


def test_the_page_on_providers_names_every_preset():
    assert {name for name in builtin() if f"| `{name}` |" not in PAGE} == set()


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_of_the_page_are_configurations(block):
    loaded = load_text(f"version: 1\nserver: {{hostname: relay.test}}\n{block}", env=SECRETS)
    assert {p.name: p.status for p in loaded.settings.providers} == dict.fromkeys(
        re.findall(r"\{name: (\w+)", block), "ready"
    )
