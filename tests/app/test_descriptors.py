"""Where the system allows few open files, connections are refused before the store is out of them."""

import resource
from contextlib import ExitStack

from tests.support.server import MakeServer
from tests.support.smtp import Client
from tests.support.waiting import until


def test_S19_with_few_open_files_connections_beyond_a_quarter_of_them_are_told_421(make_server: MakeServer, provider):
    server = make_server(providers=[provider.settings()])

    def refused() -> int:
        with ExitStack() as clients:
            crowd = [clients.enter_context(Client(server.smtp)) for _ in range(160)]
            return [one.reply().code for one in crowd].count(421)

    assert refused() == 0
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (400, 400))
    server.reload()
    until(lambda: refused() == 60, 30)
