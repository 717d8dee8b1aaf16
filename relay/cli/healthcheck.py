"""`gatepost healthcheck`: for Docker and the like. Loads as little of the product as possible."""

from typing import TYPE_CHECKING

from relay.cli.errors import Refused
from relay.cli.options import ConfigFile
from relay.cli.output import say
from relay.cli.values import settings_of

if TYPE_CHECKING:
    import http.client


def healthcheck(config: ConfigFile = None) -> int:
    """Exit 0 if the server is ready, else 1."""
    import http.client

    _, settings = settings_of(config)
    connection = _connection(*settings.http.own_address, tls=settings.http.tls is not None)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        status, body = answer.status, answer.read(65_536)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        raise Refused(f"nothing answers at {settings.http.bind}: {why}; is gatepost serve running?") from None
    finally:
        connection.close()
    if status != 200:
        raise Refused(f"not ready: {body.decode('utf-8', 'replace')[:300]}")
    say("ready")
    return 0


def _connection(host: str, port: int, *, tls: bool) -> "http.client.HTTPConnection":
    """Without verification: the certificate is for the public name, and we only ask about ourselves."""
    import http.client
    import ssl

    if not tls:
        return http.client.HTTPConnection(host, port, timeout=4)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=4, context=context)
