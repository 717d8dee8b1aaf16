"""Client settings ready to paste, including the TLS setting of the listener they point to.

The API, the console and the command line all show the same settings.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from config.settings import Settings
from config.smtp import Listener, TlsMode

_ANY = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
_PREFERRED: Mapping[TlsMode, int] = {"implicit": 0, "starttls": 1, "none": 2}


class Login(Struct, frozen=True):
    """Where to log in and as whom, and the address that login may send from."""

    host: str
    port: int
    tls: TlsMode
    username: str
    password: str
    address: str


class Entrance(NamedTuple):
    """Where a client connects."""

    host: str
    port: int
    tls: TlsMode


def entrance(settings: Settings) -> Entrance:
    """The listener a client should use: a public one with TLS is preferred to one on loopback; port 0 if
    there is none.
    """
    usable = [x for x in settings.smtp.listeners if x.tls != "none" or x.offers_plaintext_auth]
    listeners = sorted(usable or settings.smtp.listeners, key=_rank)
    if not listeners:
        return Entrance(settings.server.hostname, 0, "none")
    return Entrance(_host(listeners[0], settings.server.hostname), listeners[0].port, listeners[0].tls)


def _rank(listener: Listener) -> tuple[bool, int]:
    # On loopback the certificate does not match the address one connects to, so usual clients refuse TLS there.
    rank = _PREFERRED[listener.tls]
    return listener.is_loopback, -rank if listener.is_loopback else rank


def snippet(form: str, login: Login, credential_id: str) -> str:
    """The settings in one format."""
    return _FORMS[form](login, credential_id)


def _host(listener: Listener, hostname: str) -> str:
    """The host a client connects to: for a listener bound to loopback, the address itself."""
    if listener.is_loopback:
        return listener.host
    # A certificate covers the host name, so clients with TLS must use the name, not the address.
    return hostname if listener.host in _ANY or listener.tls != "none" else listener.host


def _env(login: Login, _id: str) -> str:
    values = {
        "SMTP_HOST": login.host,
        "SMTP_PORT": str(login.port),
        "SMTP_USER": login.username,
        "SMTP_USERNAME": login.username,
        "SMTP_PASSWORD": login.password,
        "SMTP_SECURE": _yes(login.tls == "implicit"),
        "SMTP_USE_SSL": _yes(login.tls == "implicit"),
        "SMTP_USE_TLS": _yes(login.tls == "starttls"),
    }
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in values.items())


def _json(login: Login, credential_id: str) -> str:
    data = {
        "id": credential_id,
        "host": login.host,
        "port": login.port,
        "tls": login.tls,
        "username": login.username,
        "password": login.password,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _smtplib(login: Login, _id: str) -> str:
    kind = "SMTP_SSL" if login.tls == "implicit" else "SMTP"
    starttls = "    smtp.starttls(context=ssl.create_default_context())\n" if login.tls == "starttls" else ""
    context = ", context=ssl.create_default_context()" if login.tls == "implicit" else ""
    imports = "import smtplib\n" if login.tls == "none" else "import smtplib\nimport ssl\n"
    return (
        f"{imports}from email.message import EmailMessage\n\n"
        "message = EmailMessage()\n"
        f'message["From"] = message["To"] = {login.address!r}\n'
        'message["Subject"] = "A first message"\n'
        'message.set_content("It works.")\n\n'
        f"with smtplib.{kind}({login.host!r}, {login.port}{context}) as smtp:\n"
        f"{starttls}"
        f"    smtp.login({login.username!r}, {login.password!r})\n"
        f"    smtp.send_message(message)"
    )


def _django(login: Login, _id: str) -> str:
    values = {
        "host": login.host,
        "port": login.port,
        "username": login.username,
        "password": login.password,
        "use_tls": login.tls == "starttls",
        "use_ssl": login.tls == "implicit",
    }
    options = "\n".join(f'                "{name}": {value!r},' for name, value in values.items())
    before = "\n".join(f"    {_DJANGO_BEFORE[name]} = {value!r}" for name, value in values.items())
    return (
        "import django\n\n"
        "if django.VERSION >= (6, 1):  # which warns of the settings below\n"
        "    MAILERS = {\n"
        '        "default": {\n'
        '            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",\n'
        f'            "OPTIONS": {{\n{options}\n            }},\n'
        "        }\n"
        "    }\n"
        f"else:\n{before}"
    )


_DJANGO_BEFORE = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "username": "EMAIL_HOST_USER",
    "password": "EMAIL_HOST_PASSWORD",
    "use_tls": "EMAIL_USE_TLS",
    "use_ssl": "EMAIL_USE_SSL",
}


def _nodemailer(login: Login, _id: str) -> str:
    options = [
        f"  host: {json.dumps(login.host)},",
        f"  port: {login.port},",
        f"  secure: {_yes(login.tls == 'implicit')},",
    ]
    # nodemailer upgrades whenever STARTTLS is offered; told what to expect it neither fails nor falls back.
    if login.tls == "starttls":
        options.append("  requireTLS: true,")
    elif login.tls == "none":
        options.append("  ignoreTLS: true,")
    options.append(f"  auth: {{ user: {json.dumps(login.username)}, pass: {json.dumps(login.password)} }},")
    to, lines = json.dumps(login.address), "\n".join(options)
    return (
        'import nodemailer from "nodemailer";\n\n'
        f"const transport = nodemailer.createTransport({{\n{lines}\n}});\n"
        f'await transport.sendMail({{ from: {to}, to: {to}, subject: "A first message", text: "It works." }});'
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"


_FORMS: Mapping[str, Callable[[Login, str], str]] = {
    "env": _env,
    "json": _json,
    "smtplib": _smtplib,
    "django": _django,
    "nodemailer": _nodemailer,
}
