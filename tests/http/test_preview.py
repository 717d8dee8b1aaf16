"""The preview shows a person who approves all that any reader of the message is shown."""

import re
import time

import pytest

from relay.http.console import preview
from relay.mail.mime import view


def mixed(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


def page(html: bytes) -> bytes:
    return b"Content-Type: text/html\r\n\r\n" + html


@pytest.mark.parametrize(
    "data",
    [
        mixed(page(b"<p>hello"), page(b"<p>the catch")),
        mixed(page(b"<p>hello"), b"\r\nthe catch"),
        mixed(b"\r\nhello", page(b"<p>the catch"), kind=b"alternative"),
        page(b'<style>p{display:block!important}</style>hello<p style="display:none">the catch'),
        page(b'hello<p style="font-size:0">the catch'),
        page(b"hello<noscript>the catch</noscript>"),
        page(b"hello<textarea>the catch</textarea>"),
    ],
)
def test_p21_nothing_a_reader_is_shown_is_kept_from_who_approves(data):
    shown = preview.document(view(data), images=False)
    assert "the catch" in shown
    assert "display:none" not in shown
    assert "font-size:0" not in shown


def test_p21_an_attached_message_is_listed():
    data = mixed(b"\r\nhello", b"Content-Type: message/rfc822\r\n\r\nSubject: the catch\r\n\r\nhi")
    (listed,) = preview.attachments(view(data))
    assert listed.type == "message/rfc822"
    found = preview.attached(view(data), listed.number)
    assert found is not None
    assert b"the catch" in found[1]


@pytest.mark.parametrize("repeated", [b"<div>", b"<ul><li>", b"&"])
def test_p17_a_page_that_would_take_the_cleaner_forever_is_shown_as_it_is_written(repeated):
    start = time.process_time()
    shown = preview.document(view(page(b"the catch" + repeated * 80_000)), images=False)
    assert time.process_time() - start < 3
    assert re.search("<pre>.*the catch&", shown, re.DOTALL)
