"""How replies are read: tables, one line a case; the presets' own texts, then codes."""

from dataclasses import replace
from pathlib import Path

import pytest
import regex

from config.loader import load
from config.presets import builtin
from config.providers import ProviderSettings
from relay.delivery.judgement import failure, outcomes, provider_id
from relay.delivery.outcome import Failure, Phase, Result, Scope, Transcript
from relay.mail.reply import Reply
from tests.support.settings import settings, write

P, M, R = Scope.PROVIDER, Scope.MESSAGE, Scope.RECIPIENT
MAIL, RCPT, DATA, FINAL, AUTH, CONNECT = (
    Phase.MAIL,
    Phase.RCPT,
    Phase.DATA,
    Phase.FINAL,
    Phase.AUTH,
    Phase.CONNECT,
)


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProviderSettings]:
    """A provider of each preset."""
    folder: Path = tmp_path_factory.mktemp("presets")
    providers = [
        {"name": name, "provider": name, "username": "u", "password": "a-providers-password", "region": "eu-west-1"}
        | ({"host": "127.0.0.1"} if name == "smtp" else {})
        for name in builtin()
    ]
    return {p.name: p for p in load(write(folder, settings(folder, providers=providers))).settings.providers}


def reply(words: str) -> Reply:
    return Reply.received(int(words[:3]), words[4:])


OF_PRESETS = [
    ("ses", FINAL, "454 Throttling failure: Maximum sending rate exceeded", Failure(P, True, "throttle", 5_000)),
    ("ses", FINAL, "454 4.7.0 Throttling failure: Maximum sending rate exceeded", Failure(P, True, "throttle", 5_000)),
    ("ses", FINAL, "454 Throttling failure: Daily message quota exceeded", Failure(P, True, "exhausted", 14_400_000)),
    ("ses", CONNECT, "421 Too many concurrent SMTP connections", Failure(P, True, "connections")),
    ("ses", FINAL, "451 Temporary service failure", Failure(P, True, "retry")),
    ("ses", FINAL, "451 Timeout waiting for data from client.", Failure(P, True, "retry")),
    ("ses", FINAL, "554 Message rejected: Email address is not verified. The following", Failure(P, False, "sender")),
    ("ses", AUTH, "535 Authentication Credentials Invalid", Failure(P, False, "configuration")),
    ("ses", MAIL, "530 Authentication required", Failure(P, False, "configuration")),
    ("sendgrid", AUTH, "451 Authentication failed: Maximum credits exceeded", Failure(P, True, "exhausted", 3_600_000)),
    ("sendgrid", MAIL, "550 The from address does not match a verified Sender Identity", Failure(P, False, "sender")),
    ("sendgrid", FINAL, "550 403 You are not authorized to send", Failure(P, False, "sender")),
    ("sendgrid", RCPT, "452 Too many recipients received this hour (throttled)", Failure(P, True, "throttle", 600_000)),
    ("mailersend", FINAL, "450 The given data was invalid. The from.email", Failure(M, False, "permanent")),
    ("mailersend", FINAL, "450 MS42225 daily limit", Failure(P, True, "exhausted", 3_600_000)),
    ("sparkpost", MAIL, "550 5.7.1 Unconfigured Sending Domain <x.test>", Failure(P, False, "sender")),
    ("sparkpost", CONNECT, "421 exceeded limits", Failure(P, True, "exhausted", 3_600_000)),
    ("gmail", MAIL, "550 5.4.5 Daily user sending limit exceeded", Failure(P, False, "exhausted", 21_600_000)),
    ("gmail", AUTH, "535 5.7.8 Username and Password not accepted", Failure(P, False, "configuration")),
    ("gmail", AUTH, "534 5.7.9 Application-specific password required", Failure(P, False, "configuration")),
    ("gmail_relay", MAIL, "450 4.2.1 peak", Failure(P, True, "throttle", 60_000)),
    ("office365", MAIL, "550 5.7.30 Basic authentication is not supported", Failure(P, False, "configuration")),
    ("office365", FINAL, "554 5.2.252 SendAsDenied; a not allowed to send as b", Failure(P, False, "sender")),
    ("office365", CONNECT, "432 4.3.2 Concurrent connections limit exceeded", Failure(P, True, "connections")),
    ("office365", RCPT, "550 5.1.90 the daily limit", Failure(P, True, "exhausted", 21_600_000)),
]


@pytest.mark.parametrize(
    ("preset", "phase", "words", "read"), OF_PRESETS, ids=[f"{c[0]}-{c[2][:24]}" for c in OF_PRESETS]
)
def test_a_presets_own_words_come_first(presets, preset, phase, words, read):
    found = failure(presets[preset], phase, reply(words))
    assert (found.scope, found.kind, found.reopen_after) == (read.scope, read.kind, read.reopen_after)


def test_every_reply_rule_of_every_preset_has_a_case(presets):
    def rule(name: str, phase: Phase, words: str) -> int:
        said = reply(words)
        command = {MAIL: "MAIL", RCPT: "RCPT", AUTH: "AUTH", CONNECT: "CONNECT"}.get(phase, "DATA")
        matches = [r.matches(said.code, str(said.enhanced or ""), said.text, command) for r in presets[name].replies]
        return matches.index(True)

    covered = {(name, rule(name, phase, words)) for name, phase, words, _ in OF_PRESETS}
    rules = {(name, n) for name, preset in presets.items() for n in range(len(preset.replies))}
    same_words = {("gmail_relay", n) for n in range(3)} | {("gmail", 3)}  # gmail's, and its relay's
    assert rules - same_words <= covered | {("sparkpost", 1)}  # 420 has no words of its own


GENERIC = [
    (CONNECT, "421 too busy", P, True, ""),
    (CONNECT, "554 no", P, False, ""),
    (CONNECT, "554 5.7.1 your account is suspended", P, False, "account"),
    (CONNECT, "421 4.7.0 your account is suspended for an hour", P, True, ""),
    (AUTH, "535 5.7.8 wrong", P, False, "configuration"),
    (AUTH, "454 4.7.0 later", P, True, "configuration"),
    (MAIL, "451 4.3.0 trouble", P, True, "throttle"),
    (MAIL, "550 5.7.1 sender not allowed", P, False, "sender"),
    (MAIL, "550 5.1.8 bad sender", P, False, "sender"),
    (MAIL, "554 5.7.0 Your account has been suspended", P, False, "account"),
    (MAIL, "550 Sending quota exceeded", P, False, "account"),
    (MAIL, "530 5.7.0 authentication required", P, False, "configuration"),
    (MAIL, "503 5.5.1 bad sequence", P, False, ""),
    (MAIL, "552 5.3.4 too big", M, False, "size"),
    (MAIL, "553 5.6.7 SMTPUTF8 required", M, False, "smtputf8"),
    (RCPT, "450 4.2.1 busy", R, True, ""),
    (RCPT, "450 busy", R, True, ""),
    (RCPT, "451 4.1.2 try later", R, True, ""),
    (RCPT, "451 4.1.8 cannot look up the sender's domain", P, True, "domain"),
    (RCPT, "421 4.2.1 closing", P, True, ""),
    (RCPT, "421 4.7.0 enough", P, True, ""),
    (RCPT, "451 4.3.0 trouble", P, True, "domain"),
    (RCPT, "450 4.4.1 no route just now", P, True, "domain"),
    (RCPT, "450 4.7.1 greylisted", P, True, "domain"),
    (RCPT, "452 4.5.3 too many recipients", P, True, "recipients"),
    (RCPT, "552 too many recipients", P, True, "recipients"),
    (RCPT, "552 5.2.2 mailbox full", R, True, ""),
    (RCPT, "550 5.1.1 no such user", R, False, ""),
    (RCPT, "550 no such user", R, False, ""),
    (RCPT, "554 5.7.1 not by our policy", R, False, "policy"),
    (RCPT, "554 5.7.1 <bob@x.test>: Relay access denied", P, False, "domain"),
    (RCPT, "513 Relaying denied.", P, False, "domain"),
    (RCPT, "550 5.1.1 no such user, mx.x.test said: relay access denied", R, False, ""),
    (RCPT, "530 5.7.0 authentication required", P, False, "configuration"),
    (RCPT, "503 5.5.1 need MAIL", P, False, ""),
    (RCPT, "501 Invalid RCPT TO address provided", R, False, "syntax"),
    (RCPT, "555 5.5.2 Syntax error, goodbye", R, False, "syntax"),
    (RCPT, "501 5.5.4 bad argument", R, False, "syntax"),
    (RCPT, "501 5.1.3 bad destination address syntax", R, False, ""),
    (RCPT, "550 5.1.8 sender's domain has no address", P, False, "sender"),
    (RCPT, "550 5.6.7 no SMTPUTF8", M, False, "smtputf8"),
    (DATA, "451 4.3.0 later", P, True, ""),
    (DATA, "554 5.5.1 no valid recipients", P, False, ""),
    (DATA, "503 out of step", P, False, ""),
    (DATA, "451 4.7.1 greylisted", P, True, "domain"),
    (FINAL, "451 4.3.0 later", P, True, ""),
    (FINAL, "451 4.7.1 greylisted", P, True, "domain"),
    (FINAL, "421 4.7.0 closing", P, True, ""),
    (FINAL, "421 4.2.2 closing", P, True, ""),
    (FINAL, "452 4.2.2 mailbox quota exceeded", P, True, "domain"),
    (FINAL, "552 5.2.2 <full@x.test> Quota exceeded (mailbox for user is full)", M, False, ""),
    (FINAL, "550 5.2.1 The email account that you tried to reach is disabled", M, False, ""),
    (FINAL, "550 Mailbox quota exceeded", M, False, ""),
    (FINAL, "550 5.1.1 no such user", M, False, ""),
    (FINAL, "552 5.3.4 too big", M, False, "size"),
    (FINAL, "552 too big", M, False, "size"),
    (FINAL, "554 5.7.1 spam", M, False, "content"),
    (FINAL, "550 virus", M, False, "content"),
    (FINAL, "550 5.7.0 account disabled for abuse", P, False, "account"),
]


@pytest.mark.parametrize(
    ("phase", "words", "scope", "temporary", "kind"), GENERIC, ids=[f"{c[0]}-{c[1]}" for c in GENERIC]
)
def test_codes_and_phases_of_any_provider(presets, phase, words, scope, temporary, kind):
    assert failure(presets["smtp"], phase, reply(words)) == Failure(scope, temporary, kind)


def test_no_policy_refusal_of_any_preset_condemns_a_recipient(presets):
    for provider in presets.values():
        said = Transcript(RCPT, mail=reply("250 ok"), rcpt={1: reply("550 5.7.1 no such user here, by policy")})
        (outcome,) = outcomes(provider, said, [1], 0, 0)
        assert not outcome.hard, provider.name


@pytest.mark.parametrize("words", [
    "501 Invalid RCPT TO address provided, no such user",
    "550 Requested action not taken: mailbox unavailable\nFailure sending mail. Try again later",
    "550 Requested action not taken: mailbox unavailable\ninvalid DNS MX or A/AAAA resource record",
])  # fmt: skip
def test_what_may_be_said_of_the_sender_or_of_the_spelling_condemns_no_recipient(presets, words):
    said = Transcript(RCPT, mail=reply("250 ok"), rcpt={1: reply(words)})
    (outcome,) = outcomes(presets["smtp"], said, [1], 0, 0)
    assert (outcome.result, outcome.hard) == (Result.BOUNCED, False)


def test_a_refusal_of_the_message_condemns_none_of_its_recipients(presets):
    taken = {n: reply("250 ok") for n in (1, 2)}
    said = Transcript(FINAL, reply("250 ok"), taken, reply("354 go"), reply("550 5.1.1 no such user"))
    assert [(o.result, o.hard) for o in outcomes(presets["smtp"], said, [1, 2], 0, 0)] == [(Result.BOUNCED, False)] * 2


def test_a_mailbox_that_is_unavailable_and_nothing_else_is_dead(presets):
    said = Transcript(
        RCPT, mail=reply("250 ok"), rcpt={1: reply("550 Requested action not taken: mailbox unavailable")}
    )
    (outcome,) = outcomes(presets["smtp"], said, [1], 0, 0)
    assert outcome.hard


@pytest.mark.parametrize("phase", [p for p in Phase if p is not FINAL])
def test_what_breaks_before_the_dot_is_safe_to_send_again(presets, phase):
    (outcome,) = outcomes(presets["smtp"], Transcript(phase, broke="lost"), [1], 0, 0)
    assert (outcome.result, outcome.scope) == (Result.NEXT, Scope.CONNECTION)


@pytest.mark.parametrize("broke", ["timeout", "lost", "garbage", "drained"])
def test_what_breaks_after_the_dot_is_uncertain(presets, broke):
    (outcome,) = outcomes(presets["smtp"], Transcript(FINAL, broke=broke), [1], 0, 0)
    assert outcome.result is Result.UNCERTAIN


REPLY_IDS = [
    ("ses", "250 Ok 010f018d-000000", "010f018d-000000"),
    ("sendgrid", "250 Ok: queued as h2K3", "h2K3"),
    ("brevo", "250 2.0.0 OK: queued as <2024.1@smtp-relay.example>", "2024.1@smtp-relay.example"),
    ("mailersend", "250 Message queued as 65f0", "65f0"),
    ("sparkpost", "250 2.0.0 OK A1/B2-C3", "A1/B2-C3"),
    ("gmail", "250 2.0.0 OK  1711 a1-2 - gsmtp", "1711 a1-2"),
    ("office365", "250 2.0.0 OK <DB7@eurprd.example> [Hostname=DB7]", "DB7@eurprd.example"),
    ("smtp", "250 OK id=1rp-0001", "1rp-0001"),
    ("smtp", "250 2.0.0 Ok: queued as 4F2A", "4F2A"),
    ("smtp", "250 Message Queued (A-1)", "A-1"),
    ("postmark", "250 OK", ""),
]


@pytest.mark.parametrize(("preset", "words", "found"), REPLY_IDS)
def test_the_providers_id_is_found_where_its_preset_says(presets, preset, words, found):
    assert provider_id(presets[preset], reply(words)) == found


def test_P23_a_pattern_that_would_search_for_ever_finds_no_id_and_keeps_the_others(presets):
    slow, quick = regex.compile("(x+x+)+(?P<id>y)"), regex.compile("as (?P<id>x+)")
    provider = replace(presets["postmark"], reply_id=(slow, quick))
    assert provider_id(provider, reply(f"250 queued as {'x' * 60}")) == "x" * 60
