"""Who a message is from: fault cases P3 to P5, the published spoofing cases among them."""

import email
import email.policy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.mail.form import ambiguities, form
from relay.mail.header import HeaderBlock
from relay.mail.identity import Identity, identity, read_mailbox
from relay.mail.newline import alone

REST = b"To: <victim@victim.com>\r\nSubject: hi\r\nMIME-Version: 1.0\r\n\r\nbody\r\n"
OK = b"From: <any@attack.com>\r\n"

# The cases of «Composition Kills» (USENIX Security 2020) that touch the header, as raw octets.
SPOOFS = {
    "server_a8": b"From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n",
    "server_a9": b" From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n",
    "server_a10": b"From: <first@attack.com>\r\nFrom : <admin@legitimate.com>\r\n",
    "server_a11": b"From\r\n : <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n",
    "server_a12": b"From\r\n : <first@attack.com>\r\nSender: <admin@legitimate.com>\r\n",
    "server_a13": b"From\r\n : <first@attack.com>\r\nResent-From: <admin@legitimate.com>\r\n",
    "server_a13_plain": OK + b"Resent-From: <admin@legitimate.com>\r\n",
    "server_a14": b"From: <first@attack.com>, <admin@legitimate.com>\r\n",
    "server_a15": b"From:=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.com>\r\n",
    "server_a15_alone": b"From: =?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?= <second@attack.com>\r\n",
    "server_a16": b"From: <@attack.com,@any.com:admin@legitimate.com>\r\n",
    "server_a17": b"From: <admin@legitimate.com>\\,<second@attack.com>\r\n",
    "server_a18": b"From: admin@legitimate.com,<second@attack.com>\r\n",
    "server_a19": b"From: <any@attack.com>admin@legitimate.com\r\n",
    "client_a1": b"From: <attacker@example.com>\r\nFrom: <admin@example.com>\r\n",
    "client_a2": b"From: <attacker@example.com>, <admin@example.com>\r\n",
}

NOT_PLAIN = {
    "none": b"",
    "empty": b"From:\r\n",
    "blank": b"From: \r\n",
    "no_address": b"From: Somebody\r\n",
    "null": b"From: <>\r\n",
    "group": b"From: G: a@ok.com;\r\n",
    "group_of_two": b"From: G: a@ok.com;, b@evil.com\r\n",
    "undisclosed": b"From: undisclosed-recipients:;\r\n",
    "nul_in_name": b"From\0: b@evil.com\r\nFrom: a@ok.com\r\n",
    "leading_blank_line": b" \r\nFrom: a@ok.com\r\n",
    "blank_line_inside": b"From: a@ok.com\r\n \r\nFrom: b@evil.com\r\n",
    "address_then_address": b"From: a@ok.com <b@evil.com>\r\n",
    "two_brackets": b"From: <a@ok.com><b@evil.com>\r\n",
    "doubled_brackets": b"From: <<a@ok.com>>\r\n",
    "comma_before_address": b"From: A,a@ok.com>\r\n",
    "comment_before_address": b"From: A (a@ok.com>\r\n",
    "escaped_quote": b'From: "a@ok.com\\" <" b@evil.com>\r\n',
    "comment_with_address": b"From: a@ok.com(<b@evil.com>)\r\n",
    "comment_first": b"From: (a) a@ok.com\r\n",
    "comment_in_domain": b"From: a@ok.com(x).evil.com\r\n",
    "encoded_at": b"From: =?utf-8?q?admin=40legitimate.com?= <a@ok.com>\r\n",
    "encoded_at_in_quotes": b'From: "=?utf-8?q?admin=40legitimate.com?=" <a@ok.com>\r\n',
    "encoded_nul": b"From: =?utf-8?q?admin=00?= <a@ok.com>\r\n",
    "encoded_line_end": b"From: =?utf-8?q?a=0D=0AFrom:_b?= <a@ok.com>\r\n",
    "encoded_separator": b"From: =?utf-8?b?YeKAqGI=?= <a@ok.com>\r\n",
    "encoded_local_part": b"From: =?utf-8?q?admin?=@legitimate.com\r\n",
    "encoded_domain": b"From: a@=?utf-8?q?legitimate.com?=\r\n",
    "bracket_in_name": b'From: "A <b@evil.com>" <a@ok.com>\r\n',
    "opening_bracket_in_name": b'From: "A <" <a@ok.com>\r\n',
    "closing_bracket_in_name": b'From: "A >" <a@ok.com>\r\n',
    "beyond_8192_octets": b"From: " + b"\r\n ".join([b"a" * 900] * 10) + b" <a@ok.com>\r\n",
    "semicolon": b"From: a@ok.com;b@evil.com\r\n",
    "trailing_comma": b"From: a@ok.com,\r\n",
    "latin_1": b"From: J\xf6rg <a@ok.com>\r\n",
    "blank_in_brackets": b"From: A < a@ok.com >\r\n",
    "text_after": b"From: <a@ok.com> x\r\n",
    "open_quote": b'From: "A <a@ok.com>\r\n',
    "control": b"From: A\x0bB <a@ok.com>\r\n",
    "dot_first": b"From: . <a@ok.com>\r\n",
    "separator": "From: A\u2028B <a@ok.com>\r\n".encode(),
    "next_line": "From: A\x85B <a@ok.com>\r\n".encode(),
    "ideographic_dot": "From: a@ok。com\r\n".encode(),
    "full_width_domain": "From: A <a@ｏk.com>\r\n".encode(),
    "soft_hyphen_in_domain": "From: a@o\xadk.com\r\n".encode(),
}


def read(head: bytes) -> Identity:
    data = head + REST
    return identity(data, HeaderBlock.parse(data))


def is_refused(head: bytes) -> bool:
    data = head + REST
    header = HeaderBlock.parse(data)
    return bool(identity(data, header).defects or form(data, header, alone([data])) or ambiguities(data, header))


@pytest.mark.parametrize("case", SPOOFS)
def test_P3_a_published_spoof_is_refused(case: str) -> None:
    assert is_refused(SPOOFS[case])


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_P3_a_from_that_is_not_one_plain_mailbox_is_refused(case: str) -> None:
    assert is_refused(NOT_PLAIN[case])


def test_P3_what_the_spoofs_of_the_account_itself_say_is_read_for_policy_to_judge() -> None:
    found = read(b"From: <admin@example.com>\r\nSender: <s@sender.legitimate.com>\r\n")
    assert found.defects == ()
    assert found.from_address
    assert found.from_address.wire == "admin@example.com"
    assert found.sender
    assert found.sender.wire == "s@sender.legitimate.com"


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        (b"a@ok.com", "", "a@ok.com"),
        (b"<a@ok.com>", "", "a@ok.com"),
        (b"Sarah Chen <a@ok.com>", "Sarah Chen", "a@ok.com"),
        (b"Sarah Chen<a@ok.com>", "Sarah Chen", "a@ok.com"),
        (b'"Chen, Sarah (Sales)" <a@ok.com>', "Chen, Sarah (Sales)", "a@ok.com"),
        (b'"Sarah \\"S\\" Chen" <a@ok.com>', 'Sarah "S" Chen', "a@ok.com"),
        (b'Sarah "S" von "T" Chen <a@ok.com>', "Sarah S von T Chen", "a@ok.com"),
        (b"John Q. Public <a@ok.com>", "John Q. Public", "a@ok.com"),
        (b"=?utf-8?q?J=C3=B6rg?= Meier <a@ok.com>", "Jörg Meier", "a@ok.com"),
        (b"=?utf-8?b?SsO2cmc=?=\r\n =?utf-8?q?_Meier?= <a@ok.com>", "Jörg Meier", "a@ok.com"),
        ("Jörg <jörg@ok.com>".encode(), "Jörg", "jörg@ok.com"),
        (b"\r\n Sarah Chen\r\n\t<a@ok.com>", "Sarah Chen", "a@ok.com"),
        (b"Sarah Chen <A@OK.com>", "Sarah Chen", "A@ok.com"),
        ("a@BÜCHER.de".encode(), "", "a@xn--bcher-kva.de"),
        ("a@bu\u0308cher.de".encode(), "", "a@xn--bcher-kva.de"),
    ],
)
def test_P3_a_plain_from_is_read(value: bytes, name: str, address: str) -> None:
    found = read(b"From: " + value + b"\r\n")
    assert found.defects == ()
    assert found.from_name == name
    assert found.from_address
    assert found.from_address.wire == address


def test_P3_the_refusal_names_what_is_wrong_and_where() -> None:
    defect = read(b"X: y\r\nFrom: G: a@ok.com;\r\n").defects[0]
    assert (defect.code, defect.line) == ("from_not_plain", 2)
    assert defect.detail == "From is not one mailbox: a group"
    assert read(b"From: a@b.c\r\nFrom: a@b.c\r\n").defects[0].code == "from_repeated"
    assert read(b"").defects[0].code == "from_missing"


NAMES = st.one_of(
    st.text(alphabet='ab"\\<>@(),;:. =?', max_size=14),
    st.sampled_from(["", "a@ok.com", "<a@ok.com>", '"x"', "b@evil.com", "=?utf-8?q?b=40evil?=", "G:", ";", ","]),
)


VALUES = st.one_of(
    st.lists(NAMES, min_size=1, max_size=4).map(" ".join),
    st.lists(NAMES, max_size=3).map(lambda pieces: " ".join([*pieces, "<a@ok.com>"])),
    st.text(alphabet='ab\\.,:;@ =?()"', max_size=12).map(lambda name: f'"{name}" <a@ok.com>'),
)


@settings(max_examples=1000, deadline=None)
@given(VALUES)
def test_P3_no_message_leaves_whose_from_another_reader_sees_differently(value: str) -> None:
    head = b"From: " + value.encode() + b"\r\n"
    if is_refused(head):
        return
    author = read(head).from_address
    assert author is not None
    for policy in (email.policy.compat32, email.policy.default):
        message = email.message_from_bytes(head + REST, policy=policy)
        assert len(message.get_all("From") or []) == 1
    addresses = email.message_from_bytes(head + REST, policy=email.policy.default)["From"].addresses
    assert [a.addr_spec for a in addresses] == [author.wire]
    in_brackets = re.findall(rb"<([^<>]*)>", head) or [head[5:].strip()]
    assert [in_brackets[0].decode(), in_brackets[-1].decode()] == [author.wire] * 2


def test_P4_resent_fields_are_refused() -> None:
    for name in (b"Resent-From", b"resent-sender", b"Resent-To", b"Resent-Date"):
        assert [d.code for d in read(OK + name + b": <a@ok.com>\r\n").defects] == ["resent_field"]


def test_P4_sender_and_reply_to_are_read_as_strictly_as_from() -> None:
    found = read(OK + b'Sender: A <s@ok.com>\r\nReply-To: "B, C" <r@ok.com>, d@ok.com\r\n')
    assert found.sender
    assert found.sender.wire == "s@ok.com"
    assert [a.wire for a in found.reply_to] == ["r@ok.com", "d@ok.com"]
    assert read(OK + b"Reply-To:\r\n").reply_to == ()
    for bad in (b"Sender: a@b.c, d@e.f", b"Sender: a@b.c\r\nSender: a@b.c", b"Reply-To: a@b.c b@c.d",
                b'Reply-To: "x, a@b.c', b"Reply-To: a@b.c,,d@e.f", b"Reply-To: a@b.c,",
                b"Reply-To: " + b"a@b.c," * 20 + b"a@b.c", b"Reply-To: a@b.c\r\nReply-To: a@b.c"):  # fmt: skip
        assert read(OK + bad + b"\r\n").defects


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ('"admin@bank.com"', "address_in_name"),
        ('"via admin@bank.com, Bank"', "address_in_name"),
        ('"a@ok.com for admin@bank.com"', "address_in_name"),
        ("Ban\u202ek", "direction_control"),
        ("Ban\u200bk", "invisible_character"),
        ("B\u0430nk", "mixed_scripts"),
        ("Jörg B\u0430nk", "mixed_scripts"),
        ("B\u0430nk", "look_alike_name"),
        ("B\u0430NK", "look_alike_name"),
        ("B\u00e1nk", "look_alike_name"),
        ("Ban\u200bk", "look_alike_name"),
        ("=?utf-8?q?B=D0=B0nk?=", "look_alike_name"),
        ("Ｂank\u200b", "invisible_character"),
    ],
)
def test_P5_a_name_fit_to_deceive_is_flagged(name: str, flag: str) -> None:
    data = f"From: {name} <a@ok.com>\r\n".encode() + REST
    found = identity(data, HeaderBlock.parse(data), own_names=("Bank", "Shop"))
    assert found.defects == ()
    assert flag in found.suspicions


@pytest.mark.parametrize(
    "name",
    [
        "Sarah Chen",
        "Jörg",
        '"a@ok.com"',
        "Анна Петрова",
        "山田 太郎",
        "Bank",
        "Bank für alle",
        '"A@OK.com"',
        "Straße 7",
    ],
)
def test_P5_an_honest_name_is_not_flagged(name: str) -> None:
    data = f"From: {name} <a@ok.com>\r\n".encode() + REST
    assert identity(data, HeaderBlock.parse(data), own_names=("Bank",)).suspicions == ()


def test_a_hostile_value_costs_no_more_than_its_length() -> None:
    for hostile in (
        '"' * 60_000,
        '"\\' * 30_000,
        "a " * 30_000,
        "<" * 60_000,
        "=?" * 30_000,
        "(" * 60_000,
        "," * 60_000,
    ):
        for field in (b"From: ", b"Reply-To: "):
            assert is_refused((b"" if field == b"From: " else OK) + field + hostile.encode() + b"<x@y.z>\r\n")


def test_read_mailbox_serves_other_fields_too() -> None:
    name, address = read_mailbox("A B <a@b.c>")
    assert (name, address.wire) == ("A B", "a@b.c")
