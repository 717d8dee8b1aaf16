"""Against a running Gatepost: the API's description put to the test."""

from collections.abc import Iterator
from typing import Any

import pytest

from relay.http.api import description
from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY

CHANGES = {
    "domains": [{"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}]
}


def test_the_documentation_and_health_are_served(make_inside: MakeInside, provider: Any):
    inside = make_inside(CHANGES, providers=[provider.settings()])
    with inside.api() as api:
        assert api.get("/readyz").json() == {"status": "ready", "missing": []}
        assert f"curl -X POST {inside.http}/v1/sends" in api.get("/docs").text
        assert api.get("/openapi.json").json() == description()
        assert description()["openapi"].startswith("3.1")
        assert not [name for name in description()["components"]["schemas"] if name.startswith("relay__")]
        assert "server" not in api.get("/healthz").headers


@pytest.fixture
def office(migrated_postgres_url: str, make_inside: MakeInside, provider: Any) -> Inside:
    """One with PostgreSQL: nearly all other tests of the API have SQLite."""
    return make_inside(CHANGES | {"storage": {"url": migrated_postgres_url}}, providers=[provider.settings()])


def cases() -> Iterator[Any]:
    """Six calls of each operation, made up from the description."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=6,
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
        yield from made
        made.clear()


@pytest.mark.needs("postgresql")
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
    tried = set()
    for case in cases():
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        if case.operation.path == "/v1/events":
            headers["Accept"] = "application/json"  # a stream, where it is asked for one, never ends
        case.call_and_validate(base_url=office.http, checks=checks, headers=headers, timeout=60)
        tried.add(case.operation.label)
    assert len(tried) > 60
