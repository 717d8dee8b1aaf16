"""Files and secrets of a configuration that cannot be used: `config check` and a start find each, at its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from config.errors import ConfigError
from config.loader import load
from relay.app.checks import CHECKS, OF_A_RELOAD
from relay.cli.program import run
from tests.support import tls
from tests.support.settings import DOMAIN, HOST, settings, write

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def pem(private: Any, password: str = "") -> bytes:
    seal = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, seal))


def wrong(path: Path, *, reload: bool = False) -> list[tuple[str, str]]:
    """What is wrong with this file: keys and words."""
    try:
        load(path, {}, more=OF_A_RELOAD if reload else CHECKS)
    except ConfigError as error:
        return [(problem.key, problem.message) for problem in error.problems]
    return []


def with_dkim(folder: Path, **dkim: str) -> Path:
    domain = {"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St", "dkim": dkim}
    return write(folder, settings(folder, {"domains": [domain]}))


def with_tls(folder: Path, mode: str = "starttls") -> Path:
    """A listener with this certificate; both files as `tls.write_certificate` writes them."""
    files = {"certificate": f"file:{folder / 'cert.pem'}", "key": f"file:{folder / 'key.pem'}"}
    return write(folder, settings(folder, {"smtp": {"listeners": [{"bind": f"{HOST}:0", "tls": mode}], "tls": files}}))


@pytest.mark.parametrize(
    ("slot", "key", "said"),
    [
        ("key", pem(ED25519), "is an Ed25519 key, and an RSA key belongs here"),
        ("ed25519_key", pem(RSA), "is an RSA key, and an Ed25519 key belongs here"),
        ("key", pem(ec.generate_private_key(ec.SECP256R1())), "is neither an RSA nor an Ed25519 key"),
        ("key", pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "is an RSA key of 1024 bits"),
        ("key", pem(RSA, "secret"), "needs a password; openssl pkey"),
        ("ed25519_key", b"junk", "is not a private key in PEM"),
        ("key", b"", "is not a private key in PEM"),
    ],
)
def test_a_dkim_key_that_cannot_sign_from_its_place_is_named_there(
    tmp_path: Path, slot: str, key: bytes, said: str
) -> None:
    file = tmp_path / "brought.pem"
    file.write_bytes(key)
    for reload in (False, True):
        ((place, message),) = wrong(with_dkim(tmp_path, **{slot: str(file)}), reload=reload)
        assert place == f"domains[0].dkim.{slot}"
        assert message.startswith(f"{file} {said}")


def test_dkim_keys_of_the_right_kinds_are_taken(tmp_path: Path) -> None:
    (tmp_path / "rsa.pem").write_bytes(pem(RSA))
    (tmp_path / "ed.pem").write_bytes(pem(ED25519))
    assert wrong(with_dkim(tmp_path, key=f"{tmp_path}/rsa.pem", ed25519_key=f"{tmp_path}/ed.pem")) == []


def junk(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text("junk")


def foreign(folder: Path) -> None:
    trustme.CA().issue_cert("other.test").private_key_pem.write_to_path(folder / "key.pem")


def of_another_kind(folder: Path) -> None:
    (folder / "key.pem").write_bytes(pem(RSA))


def locked(folder: Path) -> None:
    own = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    (folder / "key.pem").write_bytes(pem(own, "secret"))


DAMAGES = [
    (junk("cert.pem"), "certificate", "cert.pem does not contain a PEM certificate"),
    (junk("key.pem"), "key", "key.pem is not a private key in PEM"),
    (foreign, "key", "key.pem is not the key of the first certificate in"),
    (of_another_kind, "key", "key.pem is not the key of the first certificate in"),
    (locked, "key", "key.pem needs a password; openssl pkey"),
]


@pytest.mark.parametrize(("damage", "part", "said"), DAMAGES)
def test_a_pair_that_cannot_be_shown_is_named_and_nobody_is_asked_for_a_password(
    tmp_path: Path, damage: Callable[[Path], object], part: str, said: str
) -> None:
    tls.write_certificate(tmp_path)
    assert wrong(with_tls(tmp_path)) == []
    damage(tmp_path)
    ((place, message),) = wrong(with_tls(tmp_path))
    assert place == f"smtp.tls.{part}"
    assert f"/{said}" in message


def test_the_certificate_of_http_is_tried_too(tmp_path: Path) -> None:
    chain, key = tls.write_certificate(tmp_path)
    config = write(tmp_path, settings(tmp_path, {"http": {"tls": {"certificate": str(chain), "key": str(key)}}}))
    assert wrong(config) == []
    locked(tmp_path)
    assert [place for place, _ in wrong(config)] == ["http.tls.key"]


def test_half_a_pair_keeps_no_reload_back(tmp_path: Path) -> None:
    tls.write_certificate(tmp_path)
    foreign(tmp_path)
    assert wrong(with_tls(tmp_path), reload=True) == []


def test_a_certificate_no_listener_shows_only_warns(tmp_path: Path) -> None:
    tls.write_certificate(tmp_path)
    foreign(tmp_path)
    assert "smtp.tls.key" in [problem.key for problem in load(with_tls(tmp_path, "none"), {}, more=CHECKS).warnings]


def test_a_certificate_no_listener_shows_keeps_nobody_from_starting(make_inside: Any) -> None:
    absent = {"certificate": "file:/nowhere/cert.pem", "key": "file:/nowhere/key.pem"}
    assert make_inside({"smtp": {"tls": absent}}).app.ready


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("junk")
    provider = {"name": "lab", "provider": "smtp", "host": HOST, "port": 26, "tls": "starttls", "tls_ca": str(file)}
    config = write(tmp_path, settings(tmp_path, providers=[provider]))
    for reload in (False, True):
        assert wrong(config, reload=reload) == [
            ("deliveryConfig.providers[0].tls_ca", f"{file} does not contain a PEM certificate")
        ]
    tls.authority().cert_pem.write_to_path(file)
    assert wrong(config) == []


@pytest.mark.parametrize(
    ("preset", "secret", "said"),
    [
        ("resend", "whsec_", "the webhook secret is empty"),
        ("resend", "re_an_api_key", "the webhook secret is not base64"),
        ("sendgrid", "SG.an-api-key", "the webhook secret is not SendGrid's public key"),
        ("smtp", "whsec_", "the webhook secret is empty"),
    ],
)
def test_h3_a_webhook_secret_that_can_prove_nothing_keeps_the_server_from_starting(
    tmp_path: Path, preset: str, secret: str, said: str
) -> None:
    provider = {"name": "lab", "provider": preset, "host": HOST, "password": "x", "webhook_secret": secret}
    config = write(tmp_path, settings(tmp_path, providers=[provider]))
    for reload in (False, True):
        assert wrong(config, reload=reload) == [("deliveryConfig.providers[0].webhook_secret", said)]


@pytest.mark.parametrize("secret", ["user:password", "a-bearer-token", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="])
def test_h3_a_webhook_secret_of_each_form_is_taken(tmp_path: Path, secret: str) -> None:
    provider = {"name": "lab", "provider": "smtp", "host": HOST, "webhook_secret": secret}
    assert wrong(write(tmp_path, settings(tmp_path, providers=[provider]))) == []


@pytest.mark.parametrize("command", [("config", "check"), ("serve",)])
def test_check_and_start_refuse_what_cannot_be_used_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    (tmp_path / "ed.pem").write_bytes(pem(ED25519))
    config = with_dkim(tmp_path, key=f"{tmp_path}/ed.pem")
    assert run([*command, "--config", str(config)]) == 2
    line = next(n for n, words in enumerate(config.read_text().splitlines(), 1) if "ed.pem" in words)
    assert f"gatepost.yaml:{line}: domains[0].dkim.key: " in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
