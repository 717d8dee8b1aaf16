"""The whole cascade on one message, read and judged as the server does it, but without a server.

Nothing is stored, reserved or counted, and the answer is the same as that of `send/simulate`.
"""

import asyncio
from typing import Any

from relay.app.process import App
from relay.cli.installation import Installation
from relay.cli.rows import find_mailbox
from relay.http.simulate import judged
from relay.mail.address import Address, parse_path
from relay.submission.submission import Origin, Principal, Submission


def simulate(
    here: Installation, mailbox: str, tenant: str, recipients: tuple[Address, ...], data: bytes
) -> dict[str, Any]:
    """What this message would be answered now, with every check."""
    with here.reading() as connection:
        row = find_mailbox(connection, mailbox, tenant)
    principal = Principal("", row.tenant_id, row.id, frozenset({"send", "read"}), row.name)
    return asyncio.run(_judged(here, principal, parse_path(row.address), recipients, data))


async def _judged(
    here: Installation, principal: Principal, sender: Address, recipients: tuple[Address, ...], data: bytes
) -> dict[str, Any]:
    # Never started: it only answers this question and does not register this machine.
    app = App(here.settings, database=here.database, vault=here.vault, instance="", admin_key="")
    try:
        submission = Submission(
            send_id=app.desk.new_send_id(),
            principal=principal,
            origin=Origin("smtp"),
            mail_from=sender,
            rcpt_to=recipients,
            data=data,
            received_at=app.clock(),
        )
        return await judged(app.desk, submission)
    finally:
        await app.reader.close()
        app.logins.close()
