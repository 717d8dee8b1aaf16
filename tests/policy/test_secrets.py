"""Secrets are found, shown to nobody, and not seen where there are none."""

import random
import string
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.private_keys import private_keys
from policy.secrets import SHORTEST_CHOSEN, SecretScanner
from relay.store.credentials import generate
from relay.store.vault import Vault

CHANCE = random.Random(7)
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
BASE_32 = "abcdefghijklmnopqrstuvwxyz234567"


def made(count: int, alphabet: str = LETTERS) -> str:
    return "".join(CHANCE.choice(alphabet) for _ in range(count))


SECRETS = {
    "aws_access_key": "AKIA" + made(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "aws_secret_key": "aws_secret_access_key = " + made(40),
    "gcp_api_key": "AIza" + made(35),
    "azure_storage_key": "AccountName=x;AccountKey=" + made(86) + "==",
    "azure_client_secret": "client secret: " + made(3) + "8Q~" + made(34),
    "github_token": "ghp_" + made(36),
    "gitlab_token": "glpat-" + made(20),
    "slack_token": "xoxb-" + made(11, string.digits) + "-" + made(24),
    "stripe_key": "sk_live_" + made(24),
    "openai_key": "sk-proj-" + made(48),
    "anthropic_key": "sk-ant-api03-" + made(90),
    "sendgrid_key": "SG." + made(22) + "." + made(43),
    "mailgun_key": "key-" + made(32, HEX),
    "postmark_token": "POSTMARK_TOKEN=" + "-".join(made(n, HEX) for n in (8, 4, 4, 4, 12)),
    "twilio_key": "SK" + made(32, HEX),
    "npm_token": "npm_" + made(36),
    "pypi_token": "pypi-AgEIcHlwaS5vcmc" + made(60),
    "jwt": "eyJ" + made(20) + ".eyJ" + made(30) + "." + made(43),
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\r\nMIIEpAIBAAKCAQEA" + made(20),
}
FORMS = (
    "{}",
    "The key is {}. Keep it safe.",
    '{{"key": "{}"}}',
    "https://u:{}@host.example/x",
    "KEY={}\r\n",
    "`{}`",
    "({})",
    "etc/prod.env:12:{}",
    "etc/prod.env-12-{}",
    "-{}",
)


@pytest.mark.parametrize("kind", SECRETS)
def test_every_kind_is_found_however_it_is_written(kind: str) -> None:
    for form in FORMS:
        assert [finding.kind for finding in SecretScanner().scan(form.format(SECRETS[kind]))] == [kind], form


@pytest.mark.parametrize("kind", SECRETS)
def test_evidence_shows_four_characters_and_no_more(kind: str) -> None:
    secret = SECRETS[kind].rpartition("=" if "KEY=" in SECRETS[kind] else " ")[2]
    (finding,) = SecretScanner().scan(SECRETS[kind])
    assert secret[4:12] not in finding.evidence
    assert kind in finding.evidence or "private key" in finding.evidence


def made_own() -> str:
    """What has the form of a credential of the relay."""
    return f"gp_live_{made(16, BASE_32)}_{made(52, BASE_32)}"


OWN = made_own()


def test_our_own_credentials_are_asked_for() -> None:
    scanner = SecretScanner.of(b"key", is_own=lambda token: token == OWN)
    assert [f.kind for f in scanner.scan(f"log in with {OWN}.")] == ["own_credential"]
    assert scanner.scan(f"log in with {made_own()}") == ()


def test_own_credentials_have_the_form_that_is_looked_for() -> None:
    made_here = generate(Vault(b"0" * 32), CHANCE.randbytes).key
    assert SecretScanner.of(b"key", is_own=lambda token: token == made_here).scan(made_here)


@pytest.mark.parametrize(
    "form",
    [
        "https://evil.example/{}.png",
        "https://{}.evil.example/",
        "_{}_",
        "key.{}-dummy",
        "token%3D{}%0A",
        "example-{}0",
        "x" * 5000 + "{}" + "y" * 5000,
        "gp_live_{}",
        "the line\\n{}\\n",
    ],
)
@pytest.mark.parametrize("is_seen", [True, False])
def test_our_own_credential_is_found_whatever_it_is_glued_to(form: str, is_seen: bool) -> None:
    scanner, text = SecretScanner.of(b"key", is_own=lambda token: token == OWN), form.format(OWN)
    assert [f.kind for f in (scanner.scan(text) if is_seen else scanner.scan("", [text]))] == ["own_credential"]


def test_chosen_secrets_are_known_by_their_hash_alone() -> None:
    chosen = "Correct-Horse-Battery-9"
    scanner = SecretScanner.of(b"key", chosen=[chosen])
    assert chosen not in repr(scanner)
    assert [f.kind for f in scanner.scan(f"password={chosen}, ok?")] == ["chosen_secret"]
    assert scanner.scan("password=Correct-Horse-Battery-8") == ()


@pytest.mark.parametrize(
    "chosen",
    ["sales-password-1234567890", "S3cret!with#odd$signs&more", "your_example_password", "S3cret!with#a!call!!"],
)
def test_a_chosen_secret_is_found_whatever_it_looks_like(chosen: str) -> None:
    scanner = SecretScanner.of(b"key", chosen=[chosen])
    for form in (*FORMS, "pass:{}", "pass={},", "<{}!>", "+{}"):
        assert [f.kind for f in scanner.scan(form.format(chosen))] == ["chosen_secret"], form


@pytest.mark.parametrize("kind", ["aws_access_key", "stripe_key", "github_token", "jwt", "sendgrid_key", "twilio_key"])
def test_a_word_beside_a_key_makes_it_no_placeholder(kind: str) -> None:
    for form in ("{}-dummy", "{}.example", "{}/placeholder", "{}=your_key", "example/{}"):
        assert [finding.kind for finding in SecretScanner().scan(form.format(SECRETS[kind]))] == [kind], form


def test_a_short_chosen_secret_is_refused() -> None:
    with pytest.raises(ValueError, match=str(SHORTEST_CHOSEN)):
        SecretScanner.of(b"key", chosen=["secret"])


def test_a_canary_is_found_in_any_case_and_marked_as_one() -> None:
    (finding,) = SecretScanner.of(b"key", canaries=["MLT-7f3a99"]).scan("as noted, mlt-7F3A99 applies")
    assert finding.is_canary
    assert "7f3a99" not in finding.evidence


def test_a_zero_width_character_hides_nothing() -> None:
    key = SECRETS["github_token"]
    split = f"{key[:12]}\u200b{key[12:]}"
    assert SecretScanner().scan(split)
    assert SecretScanner().scan("", [split])


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE is the key of the manual",
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_exampleexampleexampleexampleexample12",
        "the commit 3fe92ac0d1b2c3d4e5f60718293a4b5c6d7e8f90 broke it",
        "order 123e4567-e89b-12d3-a456-426614174000 has shipped",
        "https://shop.example.com/track/5f2b8a9c3d7e1f4a6b8c0d2e4f6a8b0c?utm_source=mail",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa",
        "-----BEGIN PRIVATE KEY----- is how such a file begins",
        "sk-learn, key-value, re_read, SG.1 and eyJ are no keys",
        "Donaudampfschifffahrtsgesellschaftskapitän",
    ],
)
def test_ordinary_long_words_are_no_secrets(text: str) -> None:
    assert SecretScanner().scan(text) == ()


@pytest.mark.parametrize("kind", SECRETS)
def test_what_no_reader_sees_is_looked_through_too(kind: str) -> None:
    (finding,) = SecretScanner().scan("Your receipt", ["X-Note: none", f'<img title="{SECRETS[kind]}">'])
    assert finding.kind == kind


def test_a_secret_both_shown_and_unseen_is_found_once() -> None:
    key = SECRETS["github_token"]
    assert len(SecretScanner().scan(f"token {key}", [f"<b>{key}</b>", f"token {key}"])) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"Message-ID: <{made(36)}@mail.sender.example>",
        f'Content-Type: multipart/mixed; boundary="----=_Part_{made(20)}_{made(12)}.{made(13)}"',
        f"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; bh={made(43)}=;\r\n\tb={made(70)}\r\n\t{made(70)}==",
        f'<img src="https://t.sender.example/o/{made(200)}?u={made(60, HEX)}">',
        f'<img src="https://img.sender.example/a.png?jwt={SECRETS["jwt"]}">',
        f'<img src="https://b.s3.amazonaws.com/a.png?x=1&amp;X-Amz-Credential={SECRETS["aws_access_key"]}%2F2026">',
        f'<img src="https://maps.googleapis.com/staticmap?x=1&amp;key={SECRETS["gcp_api_key"]}">',
    ],
)
def test_what_is_ordinary_in_header_and_markup_is_no_secret(text: str) -> None:
    assert SecretScanner().scan("Your receipt", [text]) == ()


def test_a_key_in_the_link_of_somebody_else_is_a_secret() -> None:
    key = SECRETS["aws_access_key"]
    assert SecretScanner().scan("", [f'<img src="https://evil.example/?X-Amz-Credential={key}">'])


class Unhurried(SecretScanner):
    """Looks closely at every word."""

    def _suspects(self, tokens: Sequence[str]) -> Collection[str]:
        return tokens


CHOSEN = (
    "Correct-Horse-Battery-9",
    "S3cret!with#odd$signs&more",
    "=begins.and.ends/with-signs:",
    "x/y=z:w.a-b_c~d+e/f=gg",
)
KEYS = (
    *CHOSEN,
    *SECRETS.values(),
    f"auth token {made(32, HEX)}",
    f"mailgun {made(32, HEX)}-{made(8, HEX)}-{made(8, HEX)}",
    OWN,
)
SIGNS = ("", "", *"=:/.,;-_+~\"'`()<>[]{}!? \n&%\u200b\u3000é")
AROUND = st.sampled_from(SIGNS) | st.text("aZ9-/=_ ", max_size=20)
WRITTEN = st.tuples(AROUND, st.sampled_from(KEYS), AROUND).map("".join)


@given(st.lists(WRITTEN, min_size=1, max_size=3).map("".join), st.booleans())
def test_nothing_is_passed_over_that_a_close_look_would_find(text: str, is_seen: bool) -> None:
    hurried, unhurried = (kind.of(b"key", chosen=CHOSEN, is_own=OWN.__eq__) for kind in (SecretScanner, Unhurried))
    seen, unseen = (text, []) if is_seen else ("", [text])
    assert hurried.scan(seen, unseen) == unhurried.scan(seen, unseen)


def test_a_key_is_judged_by_what_stands_beside_it_not_beside_a_longer_word_that_contains_it() -> None:
    key = made(32, HEX)
    found = SecretScanner().scan(f"Run id{key} is done. {'word ' * 20} auth token {key}")
    assert [finding.kind for finding in found] == ["twilio_auth_token"]


@pytest.mark.parametrize("place", [262_100, 262_144, 262_150, 1_000_000])
def test_a_secret_is_found_wherever_in_a_long_text_it_stands(place: int) -> None:
    long = ("word " * place)[:place]
    scanner = SecretScanner.of(b"key", canaries=["the blue vault"])
    found = scanner.scan(f"{long} {SECRETS['github_token']} the blue vault {long}")
    assert {finding.kind for finding in found} == {"github_token", "canary"}


def test_findings_are_bounded() -> None:
    assert len(SecretScanner().scan(" ".join("sk-proj-" + made(40 + length) for length in range(100)))) == 20


@pytest.mark.parametrize(
    "unit",
    [
        "a" * 40,
        "AKIA" + "a" * 20,
        "eyJ" * 20,
        "eyJaaaaaaaaaaaa.",
        "-----BEGIN ",
        "sk-" + "a" * 39 + " ",
        "=:/",
        "deadbeef" * 4 + " secret ",
        "gp_live_" + "a" * 16 + "_",
    ],
)
def test_cost_is_linear_in_the_text(unit: str) -> None:
    size = 8_000_000  # a second or two; were the cost a square of the size, the test's timeout would end it
    SecretScanner().scan(unit * (size // len(unit)))
    SecretScanner().scan("", [unit * (size // len(unit))])


@pytest.mark.parametrize(
    "words",
    [
        "grep -l -- '-----BEGIN OPENSSH PRIVATE KEY-----' /home/deploy/backup/*",
        'Remove the line `-----BEGIN PRIVATE KEY-----`, "PKCS8EncodedKeySpec" takes the rest.',
        "| -----BEGIN PRIVATE KEY----- | OneAsymmetricKey |",
    ],
)
def test_a_manual_that_names_the_opening_of_a_key_is_no_leak(words: str) -> None:
    assert list(private_keys(words)) == []


@pytest.mark.parametrize("gap", ["\n     2\t", "\n2:", "\n// ", "%0A", "&#10;", "\\n", '",\n  "'])
def test_a_key_is_seen_as_the_tools_of_agents_show_it(gap: str) -> None:
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    assert [kind for _, kind in private_keys(f"-----BEGIN PRIVATE KEY-----{gap}{key}")] == ["private key"]
