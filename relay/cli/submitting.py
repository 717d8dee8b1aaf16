"""Submits through the running server's SMTP port, with a credential that is made for this purpose and revoked
afterwards.

The message passes through everything others pass through: login, policy, intake, delivery.
"""

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from typing import Any

from config.settings import Settings
from config.types import endpoint
from relay.cli.errors import Refused
from relay.cli.installation import Installation
from relay.cli.rows import find_mailbox
from relay.store import credentials
from relay.submission.snippets import Entrance, entrance

PATIENCE = 60  # seconds to wait for each reply


@dataclass(frozen=True, slots=True)
class Login:
    """A mailbox and a secret for logging in as it."""

    name: str
    address: str
    from_name: str
    password: str


@contextmanager
def temporary_login(here: Installation, mailbox: str, tenant: str) -> Iterator[Login]:
    """A credential of the mailbox that is revoked in the end, whatever happens."""
    with here.writing() as connection:
        row = find_mailbox(connection, mailbox, tenant)
        made = credentials.generate(here.vault, os.urandom)
        new = made.of_mailbox(row, "send-test", ("send",))
        credentials.issue(connection, new, by=here.operator, now=here.now())
    try:
        yield Login(row.name, row.address, row.from_name, made.key)
    finally:
        with here.writing() as connection:
            credentials.revoke(connection, made.id, by=here.operator, now=here.now())


def harmless(login: Login, to: str, subject: str) -> bytes:
    """A harmless message; the policy treats it like any other."""
    message = EmailMessage(policy=SMTPUTF8 if _international(login.address, to) else SMTP)
    message["From"] = Address(login.from_name, *login.address.rsplit("@", 1))
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message.set_content(
        f"This is a test of the mailbox {login.name}.\n\nIf you can read this, Gatepost accepted it, approved it and "
        "passed it on.\n"
    )
    return message.as_bytes()


def _international(*addresses: str) -> bool:
    return not "".join(addresses).isascii()


def submit(settings: Settings, login: Login, to: str, message: bytes) -> tuple[int, str]:
    """The server's answer. Raises Refused if nothing listens."""
    at = entrance(settings)
    try:
        with _connected(at, settings.server.hostname) as smtp:
            smtp.login(login.name, login.password)
            return _transaction(smtp, login.address, to, message)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, _text(error.smtp_error)
    except ssl.SSLCertVerificationError as error:
        raise Refused(f"the certificate at {endpoint(at.host, at.port)} is refused: {error.verify_message}") from None
    except OSError as error:
        raise Refused(
            f"nothing answers at {endpoint(at.host, at.port)}: {error.strerror or error}; is gatepost serve running?"
        ) from None


def _connected(at: Entrance, hostname: str) -> smtplib.SMTP:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.hostname = hostname
    if at.tls == "implicit":
        return smtplib.SMTP_SSL(at.host, at.port, timeout=PATIENCE, context=context)
    smtp = smtplib.SMTP(at.host, at.port, timeout=PATIENCE)
    if at.tls == "starttls":
        smtp.starttls(context=context)
    return smtp


class _Context(ssl.SSLContext):
    """Expects the server's host name in its certificate, even if an address was dialled."""

    hostname = ""

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**more, "server_hostname": self.hostname})


def _transaction(smtp: smtplib.SMTP, sender: str, to: str, message: bytes) -> tuple[int, str]:
    """MAIL, RCPT, DATA, step by step: `sendmail` would discard the text of a success."""
    code, said = smtp.mail(sender, ("SMTPUTF8",) if _international(sender, to) else ())
    if code < 400:
        code, said = smtp.rcpt(to)
    if code < 400:
        code, said = smtp.data(message)
    return code, _text(said)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
