"""Data subjects: what is stored about an address, an export of it, and erasing the person.

Erasing cannot be undone, so the page says beforehand what would be erased, and the address has to be typed a
second time. What was erased is shown once, as a receipt.
"""

from typing import Any

import orjson
from starlette.responses import Response

from relay.http import people as api
from relay.http.console.forms import filled
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.problems import Problem, invalid
from relay.mail.address import key_of
from relay.store import listings

HERE = "/suppressions/people"


async def show(visit: Visit) -> Response:
    """Ask for an address, then show what is stored about it."""
    return await _page(visit)


async def _page(visit: Visit, receipt: dict[str, Any] | None = None) -> Response:
    names = await visit.house.look(listings.tenant_names)
    told: dict[str, Any] = {"q": visit.asked("q").strip(), "tenant": visit.asked("tenant"), "problem": ""}
    told |= {"tenants": sorted(names.values()), "receipt": receipt, "found": None}
    if told["q"] and receipt is None:
        try:
            told["found"] = await api.export_data_subject(visit.house, visit.who, told["q"], told["tenant"])
        except Problem as problem:
            told["problem"] = problem.detail
    return visit.page("people.html", **told)


async def export(visit: Visit) -> Response:
    """All of it, as a file."""
    found = await api.export_data_subject(visit.house, visit.who, visit.asked("q").strip(), visit.asked("tenant"))
    headers = {"content-disposition": 'attachment; filename="data-subject.json"'}
    return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)


async def erase(visit: Visit) -> Response:
    """Erase the person if the address was typed the same twice."""
    wanted = filled(api.Erasure, visit.typed("email", "tenant") | {"refuse": "refuse" in visit.form})
    if key_of(visit.form.get("again", "").strip()) != key_of(wanted.email):
        raise invalid("again", "is not the address above: nothing was erased")
    return await _page(visit, await api.erase_data_subject(wanted, visit.house, visit.who))


ENTRIES: tuple[Entry, ...] = (get(HERE, show), post(HERE, erase), get(f"{HERE}/export", export))
