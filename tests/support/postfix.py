"""A private Postfix on loopback, as a provider that really delivers and really bounces.

It has one domain of its own, real.test, whose mailboxes are folders. Like a provider it accepts every recipient
at RCPT, and finds out later that one does not exist. Mail for other domains goes where the test says. Postfix
needs to be started by root.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.needs import program
from tests.support.ports import free_port

DOMAIN = "real.test"
_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Postfix:
    """A running instance."""

    def __init__(self, folder: Path, mailboxes: tuple[str, ...], routes: Mapping[str, int]) -> None:
        self.port = free_port()
        self.folder = folder
        self.mail = folder / "mail"
        self._config = folder / "etc"
        user = pwd.getpwnam("postfix")
        for name in ("etc", "spool", "data", "mail"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        shutil.chown(folder / "data", user="postfix")
        shutil.chown(self.mail, user="postfix")
        self._write(user, mailboxes, routes)
        self._postfix("start")

    def _write(self, user: pwd.struct_passwd, mailboxes: tuple[str, ...], routes: Mapping[str, int]) -> None:
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "spool",
            "data_directory": self.folder / "data",
            "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin",
            "maillog_file": self.folder / "log",
            "maillog_file_prefixes": f"/var, {self.folder}",
            "myhostname": "mx.real.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "local_recipient_maps": "",
            "smtpd_reject_unlisted_recipient": "no",
            "smtpd_tls_security_level": "none",
            "smtp_tls_security_level": "none",
            "smtp_dns_support_level": "disabled",
            "virtual_mailbox_domains": DOMAIN,
            "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": f"texthash:{self._config / 'mailboxes'}",
            "virtual_minimum_uid": "1",
            "virtual_uid_maps": f"static:{user.pw_uid}",
            "virtual_gid_maps": f"static:{user.pw_gid}",
            "transport_maps": f"texthash:{self._config / 'transport'}",
            "minimal_backoff_time": "1s",
            "queue_run_delay": "1s",
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        (self._config / "main.cf").write_text("\n".join(lines) + "\n")
        (self._config / "master.cf").write_text(_SERVICES.format(port=self.port))
        (self._config / "dynamicmaps.cf").touch()
        (self._config / "mailboxes").write_text("".join(f"{name}@{DOMAIN} {name}/\n" for name in mailboxes))
        (self._config / "transport").write_text("".join(f"{d} smtp:[127.0.0.1]:{port}\n" for d, port in routes.items()))

    def _postfix(self, command: str) -> None:
        found = program("postfix")
        assert found is not None
        done = subprocess.run([found, "-c", self._config, command], capture_output=True, text=True, check=False)
        if done.returncode:
            log = (self.folder / "log").read_text("utf-8", "replace") if (self.folder / "log").exists() else ""
            raise RuntimeError(f"postfix {command}: {done.stderr}{log}")

    def got(self, name: str) -> list[bytes]:
        """What was delivered to a mailbox."""
        folder = self.mail / name / "new"
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []

    def stop(self) -> None:
        """Stop it."""
        self._postfix("stop")


def may_run() -> bool:
    """Whether a private instance can run on this machine."""
    return os.geteuid() == 0


@contextmanager
def running(mailboxes: tuple[str, ...], routes: Mapping[str, int]) -> Iterator[Postfix]:
    """An instance for the duration of the block; `routes` are ports of mail hosts by domain."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-postfix-", dir="/tmp"))  # socket paths have to be short
    before = os.umask(0o022)  # Postfix's users have to read what root writes here
    try:
        try:
            server = Postfix(folder, mailboxes, routes)
        finally:
            os.umask(before)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
