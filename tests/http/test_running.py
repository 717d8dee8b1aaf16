"""Against a running Gatepost: the API's description put to the test."""

from typing import Any

import pytest

from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY


@pytest.fixture
def office(make_inside: MakeInside, provider: Any, storage_url: str) -> Inside:
    """One on each kind of store."""
    domain = {"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}
    changes = {"domains": [domain], "storage": {"url": storage_url}}
    return make_inside(changes, providers=[provider.settings()])


def test_the_documentation_and_health_are_served(office):
    with office.api() as api:
        assert api.get("/readyz").json() == {"status": "ready", "missing": []}
        assert api.get("/docs").status_code == 200
        assert api.get("/openapi.json").json()["openapi"].startswith("3.1")
        assert "server" not in api.get("/healthz").headers


@pytest.mark.timeout(300)
def test_the_description_holds_for_whatever_is_sent(office):
    """No 5xx, no answer the description does not name."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    with office.api() as api:
        schema = schemathesis.openapi.from_dict(api.get("/openapi.json", timeout=60).json())
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        if operation.path == "/v1/events":
            headers["Accept"] = "application/json"  # a stream, where it is asked for one, never ends

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def probe(case: Any) -> None:
            case.call_and_validate(base_url=office.http, checks=checks, headers=headers, timeout=60)  # noqa: B023 - called before the next round

        from hypothesis import given

        given(case=operation.as_strategy())(probe)()
        tried += 1
    assert tried > 60
