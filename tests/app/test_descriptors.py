"""Where the system allows few open files, connections are refused before the store is out of them."""

import resource
from contextlib import ExitStack

from tests.support.server import MakeServer
from tests.support.settings import ADDRESS
from tests.support.smtp import Client
from tests.support.waiting import until

MESSAGE = b"From: agent@sender.test\r\nTo: bob@example.net\r\nSubject: hello\r\n\r\nhello\r\n"


def test_S19_with_few_open_files_a_crowd_of_connections_is_told_421_and_mail_goes_on(make_server: MakeServer, provider):
    server = make_server(providers=[provider.settings()])
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (160, 160))
    server.rewrite({"smtp": {"max_errors": 7}})
    server.reload()
    until(lambda: "smtp.maxErrors: changed" in server.logs(), 30)
    with ExitStack() as clients:
        client = clients.enter_context(server.connect())
        crowd = [clients.enter_context(Client(server.smtp)) for _ in range(160)]
        codes = [one.reply().code for one in crowd]
        assert (codes.count(220), codes.count(421)) == (39, 121)
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
        assert server.is_ready()
