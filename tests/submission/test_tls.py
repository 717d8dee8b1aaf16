"""STARTTLS, implicit TLS and certificates (faults S11 to S16)."""

import smtplib
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from relay.submission.certificate import Certificate, CertificateError
from relay.submission.terms import Timeouts
from tests.submission.house import MESSAGE, Hall, MakeHall
from tests.support import tls
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(*tls.write_certificate(tmp_path))


@pytest.fixture
def starttls(make_hall: MakeHall, certificate: Certificate) -> Hall:
    return make_hall(tls="starttls", plaintext_auth=False, certificate=certificate)


@pytest.fixture
def implicit(make_hall: MakeHall, certificate: Certificate) -> Hall:
    return make_hall(tls="implicit", plaintext_auth=False, certificate=certificate)


def upgraded(hall: Hall) -> Client:
    client = hall.connect()
    assert client.command("STARTTLS").code == 220
    client.start_tls(tls.client_context())
    return client


def test_a_message_goes_in_over_starttls(starttls: Hall) -> None:
    with upgraded(starttls) as client:
        assert "250-STARTTLS" not in str(client.command("EHLO again.test"))
        assert str(client.command(f"MAIL FROM:<{ADDRESS}>")).startswith("530 5.7.0 Authentication required")
        assert client.login(USER, PASSWORD).code == 235
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
        assert client.command("QUIT").code == 221
    assert starttls.desk.taken[0].data == MESSAGE
    assert starttls.desk.taken[0].origin.tls


def shakes_hands_at_once(client: Client) -> bool:
    """STARTTLS by a client whose hello is there with the first octet of the answer."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = tls.client_context().wrap_bio(inward, outward, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        secure.do_handshake()
    client.send(b"STARTTLS\r\n")
    assert client.octets(1) == b"2"
    client.send(outward.read())
    assert client.line().startswith("20 2.0.0")
    for _ in range(10):
        inward.write(client.octets(65536))
        with suppress(ssl.SSLWantReadError):
            secure.do_handshake()
            return True
    return False


def test_a_hello_that_is_there_at_once_is_heard(starttls: Hall) -> None:
    for _ in range(30):
        with starttls.connect() as client:
            client.wait_at_most(5)
            assert shakes_hands_at_once(client)


def test_a_large_message_goes_in_over_tls(implicit: Hall) -> None:
    body = MESSAGE + b"x" * 76 * 30_000
    with Client(implicit.address, context=tls.client_context()) as client:
        client.greet()
        client.login(USER, PASSWORD)
        lines = b"\r\n".join(body[i : i + 900] for i in range(0, len(body), 900)) + b"\r\n"
        assert client.submit(ADDRESS, ["bob@example.net"], lines).code == 250
    assert implicit.desk.taken[0].data == lines


def test_S11_what_follows_starttls_in_the_same_packet_is_never_run(starttls: Hall) -> None:
    with starttls.connect() as client:
        client.send(b"STARTTLS\r\nEHLO evil.test\r\nNOOP\r\n")
        assert client.reply().code == 501
        assert client.is_closed()


def test_S11_what_was_said_in_clear_was_never_said(make_hall: MakeHall, certificate: Certificate) -> None:
    hall = make_hall(tls="starttls", plaintext_auth=True, certificate=certificate)
    with hall.connect(login=True) as client:
        assert client.command(f"MAIL FROM:<{ADDRESS}>").code == 250
        assert client.command("STARTTLS").code == 220
        client.start_tls(tls.client_context())
        assert client.command("RCPT TO:<bob@example.net>").code == 503
        assert client.command(f"MAIL FROM:<{ADDRESS}>").code == 503
        assert client.login(USER, PASSWORD).code == 503
        client.command("EHLO again.test")
        assert client.command(f"MAIL FROM:<{ADDRESS}>").code == 530
        assert client.login(USER, PASSWORD).code == 235


def test_S12_starttls_inside_tls_is_out_of_order(starttls: Hall) -> None:
    with upgraded(starttls) as client:
        client.command("EHLO again.test")
        assert str(client.command("STARTTLS")).startswith("503 5.5.1")


def test_S13_no_login_in_clear_where_it_is_not_allowed(starttls: Hall) -> None:
    with Client(starttls.address) as client:
        offered = client.greet()
        assert not any("AUTH" in line for line in offered.lines)
        assert any("STARTTLS" in line for line in offered.lines)
        assert str(client.login(USER, PASSWORD)).startswith("538 5.7.11")
        assert str(client.command(f"MAIL FROM:<{ADDRESS}>")).startswith("530 5.7.0 Must issue a STARTTLS")
    assert starttls.traffic.counts["auth_in_clear_refused"] == 1
    assert not starttls.desk.asked


def test_S14_login_works_over_implicit_tls(implicit: Hall) -> None:
    with smtplib.SMTP_SSL("localhost", implicit.address[1], context=tls.client_context()) as client:
        client.login(USER, PASSWORD)
        assert client.sendmail(ADDRESS, ["bob@example.net"], MESSAGE) == {}
    assert implicit.desk.taken[0].origin.tls


@pytest.mark.parametrize("octets", [b"", b"EHLO a.test\r\n", b"\x16\x03\x01\x00\x05garbage"])
def test_S15_a_handshake_that_does_not_end_frees_its_slot(
    make_hall: MakeHall, certificate: Certificate, octets: bytes
) -> None:
    hall = make_hall(tls="implicit", certificate=certificate, timeouts=Timeouts(handshake=0.05))
    with Client(hall.address) as client:
        client.send(octets)
        hall.settled(lambda: hall.traffic.counts["tls_handshakes_failed"] == 1 and not hall.traffic.sessions)


def test_S15_a_starttls_without_a_handshake_frees_its_slot(make_hall: MakeHall, certificate: Certificate) -> None:
    hall = make_hall(tls="starttls", certificate=certificate, timeouts=Timeouts(handshake=0.05))
    with hall.connect() as client:
        client.command("STARTTLS")
        hall.settled(lambda: not hall.traffic.sessions)


def handshake(hall: Hall, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(hall.address, 5), server_hostname=name)


def test_S16_tls_1_1_is_refused(implicit: Hall) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.authority().configure_trust(old)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    handshake(implicit, old).close()
    old.set_ciphers("AES128-SHA:@SECLEVEL=0")  # no forward secrecy
    with pytest.raises(ssl.SSLError):
        handshake(implicit, old)
    assert implicit.certificate is not None
    assert implicit.certificate.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_S16_a_name_the_certificate_is_not_for_is_refused(implicit: Hall) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(implicit, tls.client_context(), "somebody-else.test")


def test_S16_a_new_certificate_is_shown_to_new_connections_and_cuts_none(
    implicit: Hall, certificate: Certificate, tmp_path: Path
) -> None:
    with Client(implicit.address, context=tls.client_context()) as client:
        client.greet()
        with handshake(implicit, tls.client_context()) as before:
            old = before.getpeercert(binary_form=True)
        tls.write_certificate(tmp_path)
        certificate.reload()
        with handshake(implicit, tls.client_context()) as after:
            assert after.getpeercert(binary_form=True) != old
        assert client.command("NOOP").code == 250


@pytest.mark.parametrize("damage", ["missing", "garbage", "no key", "foreign key", "locked key"])
def test_S16_a_bad_new_certificate_leaves_the_old_in_place(
    implicit: Hall, certificate: Certificate, tmp_path: Path, damage: str
) -> None:
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    match damage:
        case "missing":
            chain.unlink()
        case "garbage":
            chain.write_text("no certificate")
        case "no key":
            key.write_text("no key")
        case "locked key":
            own = load_pem_private_key(key.read_bytes(), None)
            seal = BestAvailableEncryption(b"secret")
            key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, seal))
        case _:
            (tmp_path / "other").mkdir()
            key.write_bytes(tls.write_certificate(tmp_path / "other")[1].read_bytes())
    with pytest.raises(CertificateError):
        certificate.reload()
    handshake(implicit, tls.client_context()).close()
