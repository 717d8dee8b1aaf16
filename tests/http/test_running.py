"""Against a running Gatepost: the API's description put to the test."""

from functools import cache
from typing import Any

import pytest

from relay.http.api import description
from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY


@pytest.fixture
def office(make_inside: MakeInside, provider: Any, migrated_url: str) -> Inside:
    """One on each kind of store."""
    domain = {"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}
    changes = {"domains": [domain], "storage": {"url": migrated_url}}
    return make_inside(changes, providers=[provider.settings()])


def test_the_documentation_and_health_are_served(office):
    with office.api() as api:
        assert api.get("/readyz").json() == {"status": "ready", "missing": []}
        assert api.get("/docs").status_code == 200
        assert api.get("/openapi.json").json() == description()
        assert description()["openapi"].startswith("3.1")
        assert not [name for name in description()["components"]["schemas"] if name.startswith("relay__")]
        assert "server" not in api.get("/healthz").headers


@cache
def cases() -> tuple[Any, ...]:
    """Eight calls of each operation, made up from the description once a process: that takes longer than calling."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keep(case: Any) -> None:
        made.append(case)

    made: list[Any] = []
    for result in schemathesis.openapi.from_dict(description()).get_all_operations():
        given(case=result.ok().as_strategy())(keep)()
    return tuple(made)


@pytest.mark.timeout(300)
def test_the_description_holds_for_whatever_is_sent(office):
    """No 5xx, no answer the description does not name."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    for case in cases():
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        if case.operation.path == "/v1/events":
            headers["Accept"] = "application/json"  # a stream, where it is asked for one, never ends
        case.call_and_validate(base_url=office.http, checks=checks, headers=headers, timeout=60)
    assert len({case.operation.label for case in cases()}) > 60
