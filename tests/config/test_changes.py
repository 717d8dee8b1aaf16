"""What a reload says it changes."""

from config.changes import diff, until_restart, with_standing
from config.loader import load_text

OLD = """
version: 1
mailboxes: [{name: a, fromAddress: a@b.test}, {name: b, fromAddress: b@b.test}]
http: {admin_key: env:K}
deliveryConfig: {providers: [{name: p, provider: smtp, host: h, weight: 1}]}
"""
NEW = """
version: 1
smtp: {listeners: [{bind: "127.0.0.1:2526"}], max_recipients: 7}
mailboxes: [{name: b, fromAddress: b@b.test, autonomyLevel: human_approved}, {name: c, fromAddress: c@b.test}]
http: {admin_key: env:K}
server: {workers: 2, logLevel: debug}
deliveryConfig: {providers: [{name: p, provider: smtp, host: h, weight: 2}]}
"""


def test_the_same_file_changes_nothing():
    one = load_text(OLD, env={"K": "a-key-of-sixteen-characters"}).settings
    other = load_text(OLD, env={"K": "a-key-of-sixteen-characters"}).settings
    assert diff(one, other) == ()


def test_every_change_is_named_and_those_that_need_a_restart_say_so():
    old = load_text(OLD, env={"K": "a-key-of-sixteen-characters"}).settings
    new = load_text(NEW, env={"K": "another-key-of-some-length"}).settings
    assert [str(change) for change in diff(old, new)] == [
        "server.workers: changed from 1 to 2 (after a restart)",
        "server.logLevel: changed from info to debug (after a restart)",
        "smtp.listeners[127.0.0.1:2525]: removed (after a restart)",
        "smtp.listeners[127.0.0.1:2526]: added (after a restart)",
        "smtp.maxRecipients: changed from 100 to 7",
        "http.adminKey: changed",
        "mailboxes[a]: removed",
        "mailboxes[b].autonomyLevel: changed from auto_send to human_approved",
        "mailboxes[c]: added",
        "deliveryConfig.providers[p].weight: changed from 1 to 2",
    ]


def test_what_waits_for_a_restart_stands_and_everything_else_is_as_the_file_says_now():
    old = load_text(OLD, env={"K": "a-key-of-sixteen-characters"}).settings
    new = load_text(NEW, env={"K": "another-key-of-some-length"}).settings
    now = with_standing(new, until_restart(old))
    assert [change.key for change in diff(now, new)] == [c.key for c in diff(old, new) if c.needs_restart]
    assert [change.key for change in diff(old, now)] == [c.key for c in diff(old, new) if not c.needs_restart]
