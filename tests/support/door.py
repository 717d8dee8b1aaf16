"""How a test talks to a running Gatepost, whether it is a process of its own or in this one."""

from collections.abc import Sequence

import httpx2

from tests.support import smtp
from tests.support.settings import ADDRESS, ADMIN_KEY, PASSWORD, USER, Tree, endpoint


class Door:
    """Its SMTP and HTTP addresses, and the shortest ways to use them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.smtp = endpoint(tree["smtp"]["listeners"][0]["bind"])
        self.http = f"http://{tree['http']['bind']}"

    def api(self, key: str = ADMIN_KEY) -> httpx2.Client:
        """A client of the HTTP API with that key, to be used in a `with`."""
        return httpx2.Client(base_url=self.http, headers={"Authorization": f"Bearer {key}"}, timeout=20)

    def connect(self, *, login: bool = True) -> smtp.Client:
        """A raw SMTP connection, greeted, and logged in as the mailbox of the settings."""
        client = smtp.Client(self.smtp)
        client.greet()
        if login:
            assert client.login(USER, PASSWORD).code == 235
        return client

    def submit(self, to: Sequence[str], message: bytes, mail_from: str = ADDRESS) -> smtp.Reply:
        """One message over a connection of its own; the reply to its dot, or what stopped it."""
        with self.connect() as client:
            return client.submit(mail_from, list(to), message)
