"""Mailboxes: a card for each with its limits, score and switch; inside, credentials, snippets and the policy in effect.

A secret is shown once, on the page that answers its creation; it is never part of an address or a redirect.
"""

from collections.abc import Mapping
from typing import Any, get_args

from starlette.responses import Response

from relay.http import keys, reputation
from relay.http import mailboxes as api
from relay.http.console import cascade
from relay.http.console.forms import cause_of, filled, turn
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.mailbox_shapes import NewMailbox
from relay.http.pages import listing, page_of
from relay.http.problems import Problem
from relay.store import credentials, listings
from relay.submission.snippets import Login, entrance, snippet

FORMS = (("smtplib", "Python smtplib"), ("django", "Django"), ("nodemailer", "nodemailer"), ("env", "Environment"))
SECRET = "THE-SECRET"  # noqa: S105 - shown in snippets once the secret is no longer known


async def listed(visit: Visit) -> Response:
    """A card for each mailbox, by name; limited to those whose name or address contains the search text."""
    q, asked = visit.asked("q").strip(), turn(visit, 24)

    def question(connection: Any) -> Any:
        page = page_of(listings.mailboxes_by_name(connection, q), asked, lambda row: str(row.id))
        ids = tuple(row.id for row in page.rows)
        return page, listings.listed(connection, "mailboxes", {"id": ids}, limit=len(ids)).rows

    page, rows = await visit.house.look(question)
    told = await api.all_told(visit.house, rows)
    shown = listing(visit.house, asked, page, lambda row: told[row.id])
    scopes = {row.id: f"mailbox:{row.id}" for row in page.rows}
    found = await reputation.standings(visit.house, await reputation.rules_of(visit.house, scopes.values()))
    scores = {name: found[scope] for name, scope in scopes.items()}
    return visit.page("mailboxes.html", mailboxes=shown["data"], scores=scores, next=shown["nextCursor"], q=q)


async def show(visit: Visit) -> Response:
    """One mailbox."""
    return await _page(visit, visit.named("id"))


async def _page(visit: Visit, reference: str, fresh: Mapping[str, Any] | None = None) -> Response:
    house = visit.house
    box = await api.show_mailbox(reference, house, visit.who, Response())
    own = await house.look(lambda c: credentials.listed(c, box["id"]))
    account = await house.accounts.get(box["id"])
    key = str(fresh["key"]) if fresh else SECRET
    return visit.page(
        "mailbox.html",
        box=box,
        credentials=[
            keys.told(row) | {"username": row.username, "kind": row.kind, "managed": row.managed} for row in own
        ],
        fresh=fresh,
        connects=connects(visit, box, key, str(fresh["id"]) if fresh else ""),
        standing=await reputation.standing(house, f"mailbox:{box['id']}"),
        rules=cascade.rules(house.settings(), box["policy"], account, box["name"], box["tenant"]),
    )


def connects(visit: Visit, box: Mapping[str, Any], key: str, credential_id: str) -> list[tuple[str, str]]:
    """Snippets for connecting to this server, one for each kind of client."""
    settings = visit.house.settings()
    if not settings.smtp.listeners:
        return []
    login = Login(*entrance(settings), box["name"], key, box["fromAddress"])
    return [(label, snippet(form, login, credential_id)) for form, label in FORMS]


async def make(visit: Visit) -> Response:
    """Add a mailbox; its first secret is shown with it."""
    wanted = filled(NewMailbox, visit.typed("name", "fromAddress", "fromName", "autonomyLevel"))
    made = await api.make_mailbox(wanted, visit.house, visit.who)
    fresh = {"key": made["smtp"]["password"], "id": "", "label": made["name"]}
    return await _page(visit, made["id"], fresh)


async def make_credential(visit: Visit) -> Response:
    """Add a credential to a mailbox; its secret is shown once."""
    box = await api.show_mailbox(visit.named("id"), visit.house, visit.who, Response())
    permissions = [name for name in get_args(credentials.Permission) if visit.form.get(name)]
    if not permissions:
        raise Problem("invalid_request", "permissions: at least one is needed")
    wanted = visit.typed("label") | {"scope": f"agent:{box['fromAddress']}", "permissions": permissions}
    fresh = await keys.make_key(filled(keys.NewKey, wanted), visit.house, visit.who)
    return await _page(visit, box["id"], fresh)


async def revoke(visit: Visit) -> Response:
    """Revoke a credential for good."""
    await keys.revoke_key(visit.named("key"), visit.house, visit.who)
    return visit.go(f"/mailboxes/{visit.named('id')}", "Revoked. Anything it submits from now on is refused.")


async def pause(visit: Visit) -> Response:
    """Pause it: nothing is accepted and nothing leaves."""
    cause = cause_of(visit)
    told = await api.pause_mailbox(visit.named("id"), visit.house, visit.who, cause)
    return visit.back(f"/mailboxes/{told['id']}", "Paused. It sends nothing until somebody resumes it.")


async def resume(visit: Visit) -> Response:
    """Let it send again."""
    told = await api.resume_mailbox(visit.named("id"), visit.house, visit.who)
    return visit.back(f"/mailboxes/{told['id']}", "Resumed. It sends again.")


ENTRIES: tuple[Entry, ...] = (
    get("/mailboxes", listed),
    post("/mailboxes", make),
    get("/mailboxes/{id}", show),
    post("/mailboxes/{id}/pause", pause),
    post("/mailboxes/{id}/resume", resume),
    post("/mailboxes/{id}/credentials", make_credential),
    post("/mailboxes/{id}/credentials/{key}/revoke", revoke),
)
