"""The keys that services issue, and how they are recognised: by their beginning, or by a word that names them.

A known beginning is confirmed by the shape of that kind of key. A key without a typical beginning has a length and a
shape, and counts only next to a word that names it. Well-known examples from documentation and obvious placeholders
are no keys, whatever stands next to them. Patterns are bounded, so that matching takes linear time.
"""

import re
from itertools import groupby

from msgspec import Struct


class _Shape(Struct, frozen=True):
    """One kind of key that is recognised by its first characters."""

    kind: str
    pattern: re.Pattern[str]


def _shapes(*rows: tuple[str, str, str]) -> dict[str, tuple[_Shape, ...]]:
    table: dict[str, tuple[_Shape, ...]] = {}
    for kind, beginnings, rest in rows:
        for beginning in beginnings.split():
            shape = _Shape(kind, re.compile(re.escape(beginning) + rest))
            table[beginning] = (*table.get(beginning, ()), shape)
    return table


# Kind, beginnings, and what must follow; each pattern is matched at the start of a candidate and is bounded.
_BY_BEGINNING = _shapes(
    ("aws_access_key", "AKIA ASIA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("gcp_api_key", "AIza", r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("gcp_oauth_secret", "GOCSPX-", r"[A-Za-z0-9_-]{28}"),
    ("google_oauth_token", "ya29.", r"[A-Za-z0-9_-]{40}"),
    ("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36}"),
    ("github_token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("gitlab_token", "glpat- gldt- glrt- glptt- glcbt-", r"[A-Za-z0-9_.-]{20}"),
    ("slack_token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-", r"[A-Za-z0-9-]{20}"),
    ("stripe_key", "sk_live_ rk_live_", r"[A-Za-z0-9]{20}"),
    ("webhook_secret", "whsec_", r"[A-Za-z0-9+/=]{24}"),
    ("anthropic_key", "sk-ant-", r"[a-z0-9]{3,8}-[A-Za-z0-9_-]{40}"),
    ("openai_key", "sk-proj- sk-svcacct- sk-admin-", r"[A-Za-z0-9_-]{40}"),
    ("openai_key", "sk-", r"[A-Za-z0-9]{40}"),
    ("openrouter_key", "sk-or-v1-", r"[0-9a-f]{64}"),
    ("sendgrid_key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("mailgun_key", "key-", r"[0-9a-f]{32}(?![0-9a-f])"),
    ("mailersend_key", "mlsn.", r"[0-9a-f]{60}"),
    ("brevo_key", "xkeysib- xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("resend_key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20}"),
    ("twilio_key", "SK", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("npm_token", "npm_", r"[A-Za-z0-9]{36}"),
    ("pypi_token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", r"[A-Za-z0-9_-]{40}"),
    ("docker_token", "dckr_pat_", r"[A-Za-z0-9_-]{24}"),
    ("huggingface_token", "hf_", r"[A-Za-z]{34}"),
    ("shopify_token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-f]{32}"),
    ("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
    ("square_token", "sq0atp- sq0csp-", r"[A-Za-z0-9_-]{22}"),
    ("databricks_token", "dapi", r"[0-9a-f]{32}"),
    # Includes the first digit, because «bottom» occurs in every style sheet.
    ("telegram_token", "bot0 bot1 bot2 bot3 bot4 bot5 bot6 bot7 bot8 bot9", r"\d{7,9}:AA[A-Za-z0-9_-]{33}"),
    ("linear_key", "lin_api_", r"[A-Za-z0-9]{40}"),
    ("notion_token", "ntn_ secret_", r"[A-Za-z0-9]{43}"),
    ("jwt", "eyJ", r"[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16}"),
    ("age_key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    ("vault_token", "hvs. hvb.", r"[A-Za-z0-9_-]{24}"),
)
_BEGINNINGS = sorted({len(beginning) for beginning in _BY_BEGINNING})
_FIRST_TWO = frozenset(beginning[:2] for beginning in _BY_BEGINNING)


def _any_beginning() -> re.Pattern[str]:
    """Matches any beginning, grouped by first letter, at a word boundary: only there can a piece of a token begin."""
    rests = {
        first: "|".join([re.escape(beginning[1:]) for beginning in beginnings])
        for first, beginnings in groupby(sorted(_BY_BEGINNING), key=lambda beginning: beginning[0])
    }
    return re.compile(rf"\b(?:{'|'.join([f'{first}(?:{rest})' for first, rest in rests.items()])})", re.ASCII)


_BEGINS = _any_beginning()

# Keys without a typical beginning, found only next to a word that names them. Kind, such words, lengths, shape.
_NAMED_KINDS = (
    (
        "aws_secret_key",
        ("aws_secret", "secret access key", "secretaccesskey", "secret_access_key"),
        (40,),
        r"[A-Za-z0-9/+]{40}",
    ),
    ("azure_storage_key", ("accountkey", "azure"), (88,), r"[A-Za-z0-9/+]{86}=="),
    (
        "azure_client_secret",
        ("client secret", "client_secret", "clientsecret"),
        range(37, 41),
        r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
    ),
    (
        "postmark_token",
        ("postmark", "server token", "server-token", "server api token"),
        (36,),
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    ("twilio_auth_token", ("auth token", "auth_token", "authtoken"), (32,), r"[0-9a-f]{32}"),
    ("mailgun_key", ("mailgun",), (50,), r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"),
)
_NAMED: dict[int, list[tuple[str, tuple[str, ...], re.Pattern[str]]]] = {}  # by length
for _kind, _names, _lengths, _shape in _NAMED_KINDS:
    for _length in _lengths:
        _NAMED.setdefault(_length, []).append((_kind, _names, re.compile(_shape)))
_NEAR = 60  # characters on either side in which that word may stand
LENGTHS = frozenset(_NAMED)  # of keys without a typical beginning
_PLACEHOLDER = re.compile(r"(?i)example|xxxx|\*{4}|0{8}|1234567890|abcdef1234|your[_-]|placeholder|redacted|dummy")


def begins(words: str) -> bool:
    """Whether these words contain a known beginning."""
    return _BEGINS.search(words) is not None


def recognised(token: str) -> str:
    """The kind of key that this token is by its beginning and shape, or ""."""
    if token[:2] not in _FIRST_TWO:
        return ""
    for length in _BEGINNINGS:
        for shape in _BY_BEGINNING.get(token[:length], ()):
            if (match := shape.pattern.match(token)) and _is_real(match[0]):
                return shape.kind
    return ""


def named(token: str, text: str, start: int) -> str:
    """The kind of key without a typical beginning that this token is by the words around it in the text, or ""."""
    shaped = kinds_if_named(token)
    around = text[max(0, start - _NEAR) : start + _NEAR].lower() if shaped else ""
    return next((kind for kind, names in shaped if any(name in around for name in names)), "")


def kinds_if_named(token: str) -> list[tuple[str, tuple[str, ...]]]:
    """The kinds of key without a typical beginning that this looks like, with the words that name them."""
    rows = () if token.isalpha() else _NAMED.get(len(token), ())
    return [(kind, names) for kind, names, shape in rows if shape.fullmatch(token) and _is_real(token)]


def _is_real(key: str) -> bool:
    """Whether it is neither an example from documentation nor a placeholder."""
    return not _PLACEHOLDER.search(key)
