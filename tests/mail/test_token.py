"""Tokens and the addresses made of them: fault cases H8, H10, L3 and L4."""

import base64
from string import ascii_letters, ascii_lowercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.address import parse_path
from relay.mail.token import Purpose, TokenError, TokenKey, Tokens
from relay.mail.unsubscribe import Links, Subscription, list_unsubscribe
from relay.mail.verp import PAYLOAD_LIMIT, Returned, make_address, read_address

OLD = TokenKey(1, b"o" * 32)
NEW = TokenKey(2, b"n" * 32)
TOKENS = Tokens([NEW, OLD])
DOMAIN = "bounces.example.com"


@given(st.binary(max_size=60), st.sampled_from(Purpose))
def test_a_token_brings_its_payload_back_for_its_purpose_only(payload: bytes, purpose: Purpose) -> None:
    token = TOKENS.issue(purpose, payload)
    assert TOKENS.read(purpose, token) == payload
    assert TOKENS.read_from_address(purpose, TOKENS.issue_for_address(purpose, payload)) == payload
    for other in Purpose:
        if other is not purpose:
            with pytest.raises(TokenError):
                TOKENS.read(other, token)


@pytest.mark.parametrize("length", range(16, 21))  # so that the last character has each number of unused bits
def test_H8_every_change_of_one_character_is_noticed(length: int) -> None:
    payload = b"0123456789abcdefghij"[:length]
    for issue, read, letters in (
        (TOKENS.issue, TOKENS.read, ascii_letters + digits + "-_"),
        (TOKENS.issue_for_address, TOKENS.read_from_address, ascii_lowercase + "234567"),
    ):
        token = issue(Purpose.BOUNCE, payload)
        assert read(Purpose.BOUNCE, token) == payload
        for i, c in enumerate(token):
            for other in letters.replace(c, ""):
                with pytest.raises(TokenError):
                    read(Purpose.BOUNCE, token[:i] + other + token[i + 1 :])


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_H8_a_token_cut_or_lengthened_is_refused(cut: int) -> None:
    token = TOKENS.issue(Purpose.UNSUBSCRIBE, b"0123456789abcdef")
    for wrong in (token[:-cut], token[cut:], token + "A" * cut, token + "=" * cut, " " + token, token + "\n"):
        with pytest.raises(TokenError):
            TOKENS.read(Purpose.UNSUBSCRIBE, wrong)


@pytest.mark.parametrize("text", ["", "A", "AA", "é", "\0", "A" * 23, "A" * 100_000, "../../etc"])
def test_H8_what_is_no_token_is_refused_alike(text: str) -> None:
    for read in (TOKENS.read, TOKENS.read_from_address):
        with pytest.raises(TokenError, match=r"^the token is not valid$"):
            read(Purpose.UNSUBSCRIBE, text)


def test_H8_the_address_does_not_show_in_the_link() -> None:
    payload = b"bob@example.com"
    sealed = {TOKENS.issue(Purpose.UNSUBSCRIBE, payload), Tokens([OLD]).issue(Purpose.UNSUBSCRIBE, payload)}
    assert len(sealed) == 2
    for token in sealed:
        assert b"bob" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_H8_an_old_key_still_reads_and_a_foreign_one_never() -> None:
    before = Tokens([OLD]).issue(Purpose.UNSUBSCRIBE, b"x")
    assert TOKENS.read(Purpose.UNSUBSCRIBE, before) == b"x"
    for foreign in (TokenKey(1, b"f" * 32), TokenKey(3, b"f" * 32)):
        with pytest.raises(TokenError):
            TOKENS.read(Purpose.UNSUBSCRIBE, Tokens([foreign]).issue(Purpose.UNSUBSCRIBE, b"x"))


def test_a_message_built_again_has_the_same_link() -> None:
    assert TOKENS.issue(Purpose.UNSUBSCRIBE, b"x") == TOKENS.issue(Purpose.UNSUBSCRIBE, b"x")


def test_weak_or_doubled_keys_are_refused() -> None:
    for wrong in ((256, b"x" * 32), (-1, b"x" * 32), (1, b""), (1, b"x" * 31)):
        with pytest.raises(ValueError, match="a token key has"):
            TokenKey(*wrong)
    for keys in ([], [OLD, TokenKey(1, b"x" * 32)]):
        with pytest.raises(ValueError, match="different numbers"):
            Tokens(keys)
    assert "oooo" not in repr(OLD)


@pytest.mark.parametrize("kind", ["bounce", "unsubscribe"])
def test_an_address_of_ours_brings_back_what_it_was_made_for(kind: str) -> None:
    for size in range(PAYLOAD_LIMIT + 1):
        written = make_address(TOKENS, kind, b"\xff" * size, DOMAIN)
        address = parse_path(written)
        assert address.wire == written
        assert len(address.local) <= 64
        assert read_address(TOKENS, address, DOMAIN) == Returned(kind, b"\xff" * size)


def test_an_address_survives_a_relay_that_changes_its_case() -> None:
    written = make_address(TOKENS, "bounce", b"0123456789abcdef", DOMAIN)
    assert read_address(TOKENS, parse_path(written.upper()), DOMAIN) == Returned("bounce", b"0123456789abcdef")


def test_L3_an_address_we_did_not_make_is_none_of_ours() -> None:
    local = make_address(TOKENS, "bounce", b"x", DOMAIN).partition("@")[0]
    for written in (
        f"{local}@other.example.com",
        f"u{local[1:]}@{DOMAIN}",
        f"{local}a@{DOMAIN}",
        f"{local[:-1]}@{DOMAIN}",
        f"b@{DOMAIN}",
        f"b+@{DOMAIN}",
        f"postmaster@{DOMAIN}",
        f"b+ünïcode@{DOMAIN}",
    ):
        assert read_address(TOKENS, parse_path(written), DOMAIN) is None


def test_a_payload_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 21"):
        make_address(TOKENS, "bounce", b"x" * 22, DOMAIN)


@given(st.text(alphabet="[]:@/.\u2100\tu#?%\\aA", max_size=12))
def test_H8_whatever_a_message_says_a_link_is_only_the_very_one_that_works_is_ours(odd: str) -> None:
    links = Links(TOKENS, "https://relay.example/base")
    found = Subscription("tenant", "mailbox", "bob@example.com", "send")
    url = links.url(found)
    assert links.subscription(url) == found
    for other in (f"https://{odd}relay.example/base/u/x", f"https://relay.example{odd}/base/u/x", odd + url[1:]):
        assert links.subscription(other) is None
    for other in (url.replace("https:", "javascript:"), url.replace("/u/", f"/u/x{odd}/")):
        assert links.subscription(other) is None


def test_list_unsubscribe_fields_are_those_of_rfc_8058():
    assert list_unsubscribe("https://r.example/u/t", "u+t@in.example") == (
        b"List-Unsubscribe: <https://r.example/u/t>,\r\n <mailto:u+t@in.example>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    for bad in ("https://x/>,<y", "https://x/ y", "https://x/\r\nBcc: y", "ftp://x"):
        with pytest.raises(ValueError, match="unsubscribe link"):
            list_unsubscribe(bad, "")
