"""The player of dialogues, against a server whose answers are known."""

import re

import pytest

from tests.support.dialogue import Departure, dialogues, play
from tests.support.provider import HOST
from tests.support.script import Script
from tests.support.smtp import Client

GOOD = """# a provider greets, offers, and takes leave
< 220 provider.test
>> EHLO a\\r\\nNOOP\\r\\n
< 250
+ 250 PIPELINING
- 250 STARTTLS
< 250 2.0.0
> MAIL FROM:<{address}>
< 250 2.1.0
half-close
closed
"""


def played(tmp_path, provider, text: str, timeout: float = 20) -> None:
    path = tmp_path / "dialogue.txt"
    path.write_text(text, "utf-8")
    with Client((HOST, provider.port), timeout=timeout) as client:
        play(path, client)


def test_a_dialogue_that_goes_as_written_passes(tmp_path, provider):
    played(tmp_path, provider, GOOD)
    assert ("MAIL FROM:<agent@sender.test>") in [line for _, line in provider.ledger.commands]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("< 221", "dialogue.txt:1: < 221\n  wanted '221', and 220 provider.test ESMTP came"),
        ("< 220\n> EHLO a\n< 250\n- 250 SIZE", "dialogue.txt:4: - 250 SIZE\n  a line '250 SIZE' in"),
        ("< 220\n> EHLO a\n< 250\n+ 250 CHUNKING", "no line '250 CHUNKING' in"),
        ("< 220\n> QUIT\n< 221\n< 250", "dialogue.txt:4: < 250\n  Closed"),
        ("< 220\nclosed", "dialogue.txt:2: closed\n  timed out"),
        ("! what", "no such action: !"),
    ],
)
def test_one_that_does_not_fails_with_its_line_what_was_wanted_and_what_came(tmp_path, provider, text, complaint):
    in_vain = 0.5 if complaint.endswith("timed out") else 20
    with pytest.raises(Departure, match=re.escape(complaint)):
        played(tmp_path, provider, text, in_vain)


def test_escapes_send_exactly_those_octets(tmp_path, make_provider):
    provider = make_provider(
        Script().on(noop=lambda asked: f"250 {asked.argument.encode('utf-8', 'surrogateescape')!r}")
    )
    played(tmp_path, provider, "< 220\n>> NOOP \\x01\\xff\u00e9\\r\\n\n< 250 b'\\x01\\xff\\xe9'")


def test_every_dialogue_begins_with_its_claim():
    found = dialogues()
    assert found
    assert all(path.read_text("utf-8").startswith("# ") for path in found)
