"""Connects to a provider: TCP, TLS as configured, EHLO and login; from the greeting on with aiosmtplib.

There is never a fallback from configured TLS, and no password is sent in clear unless the
operator set `tls: none`. Each step has its own timeout. A failure says at which step it happened,
with the reply, if any; a login that fails because of its token is tried once more with a new one.
"""

import asyncio
import socket
import ssl
from typing import Any

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from config.providers import ProviderSettings
from relay.delivery.connection import Connection, take_over
from relay.delivery.oauth import NoToken, TokenSource
from relay.delivery.outcome import NO_HOST, Phase, Transcript
from relay.mail.reply import Reply
from relay.reach import reach


class Unreachable(Exception):
    """No connection ready for mail: `phase` says how far it got; `reply` is the provider's, if any."""

    def __init__(self, phase: Phase, detail: str, reply: Reply | None = None, broke: str = "lost") -> None:
        super().__init__(detail)
        self.phase = phase
        self.detail = detail
        self.reply = reply
        self.broke = broke

    @property
    def transcript(self) -> Transcript:
        """The failure as a transcript: a refusal counts like one of MAIL, and nothing was sent."""
        return Transcript(self.phase, mail=self.reply, broke=self.broke, detail=self.detail)


async def connect(
    provider: ProviderSettings,
    hostname: str,
    context: ssl.SSLContext | None,
    tokens: TokenSource | None = None,
) -> Connection:
    """A connection that is greeted, encrypted as configured, and logged in; raises Unreachable."""
    client = aiosmtplib.SMTP(
        hostname=provider.host,
        local_hostname=provider.declared.ehlo_name or hostname,
        timeout=provider.timeouts.command.total_seconds(),
        use_tls=provider.tls == "implicit",
        start_tls=False,
        tls_context=context,
        validate_certs=context is None,
    )
    step = _Step()
    try:
        async with asyncio.timeout(provider.timeouts.connect.total_seconds()):
            client.sock = await reach(provider.host, provider.port)
        await _greeted(client, provider, context, step)
        await _login(client, provider, tokens)
        return _taken_over(client, provider)
    except (SMTPException, OSError, TimeoutError, ValueError, EOFError, NoToken) as error:
        client.close()
        raise unreachable(step.phase, error) from error
    except asyncio.CancelledError:
        client.close()
        raise


class _Step:
    """How far the connection has got."""

    phase = Phase.CONNECT


async def _greeted(
    client: aiosmtplib.SMTP, provider: ProviderSettings, context: ssl.SSLContext | None, step: _Step
) -> None:
    await client.connect(timeout=provider.timeouts.connect.total_seconds())
    step.phase = Phase.EHLO
    await client.ehlo()
    if provider.tls == "starttls":
        step.phase = Phase.STARTTLS
        await client.starttls(tls_context=context)
        await client.ehlo()
    step.phase = Phase.AUTH


async def _login(client: aiosmtplib.SMTP, provider: ProviderSettings, tokens: TokenSource | None) -> None:
    if provider.username is None or (provider.password is None and provider.oauth is None):
        return None
    announced = client.server_auth_methods
    username = provider.username.reveal()
    for method in provider.auth_methods:
        if method not in announced:
            continue
        if method == "xoauth2" and tokens is not None:
            return await _present_token(client, username, tokens)
        if method != "xoauth2" and provider.password is not None:
            await getattr(client, f"auth_{method}")(username, provider.password.reveal())
            return None
    raise SMTPException("the provider does not announce AUTH as configured")


async def _present_token(client: aiosmtplib.SMTP, username: str, tokens: TokenSource) -> None:
    """Log in with an access token; if a cached token is refused, try once more with a new one."""
    token, is_fresh = await tokens.token()
    try:
        await client.auth_xoauth2(username, token)
    except SMTPAuthenticationError as error:
        if is_fresh or not 500 <= error.code < 600:
            raise
        tokens.forget(token)
        await client.auth_xoauth2(username, (await tokens.token())[0])


def _taken_over(client: aiosmtplib.SMTP, provider: ProviderSettings) -> Connection:
    transport: Any = client.transport
    if transport is None or transport.is_closing():
        raise SMTPServerDisconnected("the provider closed the connection")
    return take_over(provider, client.esmtp_extensions, transport)


def unreachable(phase: Phase, error: Exception) -> Unreachable:
    """The exception for a failure to connect; the provider's reply is kept."""
    if isinstance(error, SMTPResponseException):
        if error.code > 0:
            return Unreachable(phase, error.message, Reply.received(error.code, error.message))
        return Unreachable(phase, "the answer is not an SMTP reply", broke="garbage")
    if isinstance(error, NoToken):
        return Unreachable(Phase.AUTH, str(error), Reply.received(535, f"5.7.0 {error}"))
    if cause := _found(error, ssl.SSLError):
        return Unreachable(phase, f"TLS failed: {_words(cause)}", broke="tls")
    if cause := _found(error, socket.gaierror):
        broke = NO_HOST if cause.errno == socket.EAI_NONAME else "dns"
        return Unreachable(phase, f"the host has no address: {cause.strerror}", broke=broke)
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return Unreachable(phase, f"no answer at {phase} in time", broke="timeout")
    return Unreachable(phase, str(error) or type(error).__name__)


def _found(error: BaseException, kind: type[OSError]) -> OSError | None:
    """The first of the error and its causes that is of this kind, or None."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return seen
        seen = seen.__cause__
    return None


def _words(error: OSError) -> str:
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "")
    return str(reason or type(error).__name__)
