"""A private key is found in every form it is kept and quoted in; to name the form is no finding."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.private_keys import private_keys
from policy.secrets import SecretScanner

LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
KEYS = {
    "private key": f"-----BEGIN PRIVATE KEY-----\n{LINE}\n",
    "ec private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n",
    "openssh private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAA\n",
    "rsa private key": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
    f"DEK-Info: AES-128-CBC,3F17F5316E2BAC89\n\n{LINE[::-1]}\n",
    "pgp private key block": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\nComment: a: b\n\nlQ{LINE}\n",
    "ssh2 encrypted private key": f'---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "2048-bit rsa"\nP2/{LINE}\n',
    "putty private key": "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: a\nPublic-Lines: 1\n"
    f"AAAAB3NzaC1yc2E\nPrivate-Lines: 14\nAAABAQ{LINE}\n",
}


def numbered(key: str, before: str) -> str:
    """The key with this before each of its lines, from line 9 on."""
    return "".join(before.format(n) + line for n, line in enumerate(key.splitlines(keepends=True), 9))


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "with CRLF": lambda key: key.replace("\n", "\r\n"),
    "in one line of settings": lambda key: 'KEY="' + key.replace("\n", "\\n") + '"',
    "in JSON": lambda key: json.dumps({"private_key": key}),
    "in JSON in JSON": lambda key: json.dumps(json.dumps({"private_key": key.replace("\n", "\r\n")})),
    "as a list": lambda key: json.dumps(key.splitlines(), indent=2),
    "in source code": lambda key: " +\n".join(f"  {line!r}" for line in key.splitlines(keepends=True)),
    "indented": lambda key: "key: |\n" + "".join(f"        {line}" for line in key.splitlines(keepends=True)),
    "quoted": lambda key: "".join(f"> > {line}" for line in key.splitlines(keepends=True)),
    "listed by cat -n": lambda key: numbered(key, "{:6}\t"),
    "numbered, with blanks for tabs": lambda key: numbered(key, "{:6}  "),
    "found by grep": lambda key: numbered(key, "backup 2024/prod.env:"),
    "found by grep -n": lambda key: numbered(key, "backup 2024/prod.env:{}:"),
    "found by grep -n, in JSON": lambda key: json.dumps({"output": numbered(key, "etc/site1.env:{}:")}),
    "found by grep -nA, as the name of the opening's line only": lambda key: numbered(key, "etc/site1-{}-").replace(
        "etc/site1-9-", "etc/site1:9:"
    ),
    "as a container logs": lambda key: numbered(key, "web_1  | "),
    "as a difference": lambda key: "".join(f"-{line}" for line in key.splitlines(keepends=True)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_found_in_every_form(form: str) -> None:
    for kind, key in KEYS.items():
        text = f"Here it is:\n{FORMS[form](key)}\nRegards"
        assert [named for _, named in private_keys(text)] == [kind]
        (finding,) = SecretScanner().scan(text)
        assert finding.kind == "private_key"
        assert LINE[:12] not in finding.evidence


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY----- is how such a file begins",
        'a line "-----BEGIN PRIVATE KEY-----" followed by lines of base64 and internationalization',
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        '"private_key": "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----\\n"',
        "-----BEGIN RSA PRIVATE KEY-----\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        "-----BEGIN RSA PRIVATE KEY-----\nYOURPRIVATEKEYGOESHERE\n",
        "-----BEGIN RSA PRIVATE KEY-----\n<base64 of the key>\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n...\n",
        f"-----BEGIN PUBLIC KEY-----\n{LINE}",
        f"either of -----BEGIN PRIVATE KEY----- and -----BEGIN CERTIFICATE-----\n{LINE}",
        "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 14\n…",
        "a.pem:1:-----BEGIN PRIVATE KEY-----\nb.pem:1:-----BEGIN PRIVATE KEY-----\n",
        f"a.pem:1:-----BEGIN PRIVATE KEY-----\na.pem:2:...\na.pem:9:-----BEGIN CERTIFICATE-----\na.pem:10:{LINE}\n",
        f"a.pub:1:-----BEGIN PUBLIC KEY-----\na.pub:2:{LINE}\n",
    ],
)
def test_what_only_speaks_of_keys_is_none(text: str) -> None:
    assert list(private_keys(text)) == []


@given(
    st.lists(st.sampled_from(("-----BEGIN ", "PRIVATE KEY-----", "\\n", "\n", "A: b\n", "-", "Ab1" * 6))).map("".join)
)
def test_any_text_is_looked_through(text: str) -> None:
    assert len(list(private_keys(text))) <= text.count("PRIVATE KEY-----")


@pytest.mark.parametrize(
    "unit",
    [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----" + "\\n" * 32,
        "-----BEGIN PRIVATE KEY-----" + "Aa-a: " + "x" * 200 + "\n",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "A: b\n" * 9,
        "-",
        "Private-Lines: 8\n",
        "\na.pem:1:-----BEGIN PRIVATE KEY-----\na.pem:2:Aa: ",
    ],
)
def test_cost_is_linear_in_the_text(unit: str) -> None:
    size = 4_000_000  # a second; were the cost a square of the size, the test's timeout would end it
    assert not list(private_keys(unit * (size // len(unit)) + "PRIVATE KEY Private-Lines:"))
