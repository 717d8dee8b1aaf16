"""The whole cascade on one message: the server's own way of reading and judging, without a server.

Nothing is stored, reserved or counted, and the answer is the one `send/simulate` gives.
"""

import asyncio
from typing import Any

from policy.engine import decide
from relay.app.process import App
from relay.cli.house import House
from relay.cli.rows import find_mailbox
from relay.http.answers import simulated
from relay.http.simulate import edits_of
from relay.mail.address import Address, parse_path
from relay.submission.submission import Origin, Principal, Submission


def simulate(house: House, mailbox: str, tenant: str, recipients: tuple[Address, ...], data: bytes) -> dict[str, Any]:
    """What would be answered to this message just now, with every check."""
    with house.reading() as connection:
        row = find_mailbox(connection, mailbox, tenant)
    principal = Principal("", row.tenant_id, row.id, frozenset({"send", "read"}), row.name)
    return asyncio.run(_judged(house, principal, parse_path(row.address), recipients, data))


async def _judged(
    house: House, principal: Principal, sender: Address, recipients: tuple[Address, ...], data: bytes
) -> dict[str, Any]:
    app = App(
        house.settings, database=house.database, vault=house.vault, instance=house.instance.id, admin_key=""
    )  # never started: it is asked, and serves nobody
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
        prepared, state = await app.desk.simulate(submission)
        facts = prepared.facts
        decision = decide(prepared.policy, facts, state, whole=True)
        return simulated(decision, facts.message_class, edits_of(prepared.plan), facts.now)
    finally:
        await app.reader.close()
        app.logins.close()
