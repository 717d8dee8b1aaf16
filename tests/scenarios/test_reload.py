"""SIGHUP with a file that cannot be: every worker says why, and all goes on as before."""

from tests.support.server import MakeServer
from tests.support.settings import DOMAIN, mailbox
from tests.support.waiting import until

MESSAGE = b"From: agent@sender.test\r\nTo: bob@example.net\r\nSubject: hello\r\n\r\nhello\r\n"


def test_a_file_that_takes_the_name_of_a_mailbox_made_beside_it_is_not_read_in(make_server: MakeServer, provider):
    server = make_server({"server": {"workers": 2}}, providers=[provider.settings()])
    made = server.cli("mailbox", "add", "sales", "--address", f"made@{DOMAIN}")
    assert made.returncode == 0, made.stderr
    server.rewrite({"mailboxes": [mailbox(), mailbox("sales")]})
    server.reload()
    until(lambda: server.logs().count("the configuration was not reloaded") == 2, 60)
    assert f"the mailbox made@{DOMAIN} of the API has the name sales: choose another in the file" in server.logs()
    assert server.submit(["bob@example.net"], MESSAGE).code == 250
    assert server.terminate() == 0
    refused = server.cli("serve")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(f"gatepost: the mailbox made@{DOMAIN} of the API has the name")
