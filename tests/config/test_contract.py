"""The brief's blocks and the documented example are valid as they stand."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from config.loader import load_text
from tests.brief import CONFIGURATION, blocks, needs_brief

SHARED = Path(__file__).resolve().parents[3] / "shared"
CONTRACT = SHARED / "contract.md"
needs_contract = pytest.mark.skipif(not CONTRACT.is_file(), reason=f"the contract is missing: {CONTRACT.name}")


def configuration() -> dict[str, str]:
    """The source of the brief's JSON blocks that are configuration, by their key."""
    return {key: source for key, source in blocks().items() if key in CONFIGURATION}


@needs_brief
def test_each_block_of_the_brief_is_valid_as_it_stands():
    assert sorted(configuration()) == sorted(CONFIGURATION)
    for source in configuration().values():
        load_text("{version: 1, " + source[1:])


@needs_brief
def test_all_blocks_of_the_brief_together_mean_what_it_says():
    settings = load_text(
        "{version: 1, " + ", ".join(source[1:-1] for source in configuration().values()) + "}"
    ).settings
    policy = settings.policy()
    limits = [rule.limit for rule in (policy.rate_limit_hourly, policy.rate_limit_daily, policy.rate_limit_monthly)]
    assert limits == [100, 500, 3000]
    shares = [(provider.name, provider.weight, provider.failover) for provider in settings.providers]
    assert shares == [("primary", 80, False), ("secondary", 20, False), ("backup", 0, True)]
    assert {provider.status for provider in settings.providers} == {"unconfigured"}
    assert settings.bounce_handling.soft_bounces.backoff_minutes == (15, 60, 240)
    assert settings.attribution_windows["churn_prevented"] == timedelta(days=90)


@needs_brief
def test_providers_without_credentials_are_unconfigured_and_warn():
    loaded = load_text("{version: 1, " + configuration()["deliveryConfig"][1:])
    told = [warning.message for warning in loaded.warnings]
    assert "primary is unconfigured and will be skipped: username and password are missing" in told
    assert "secondary is unconfigured and will be skipped: password is missing" in told
    assert "backup is unconfigured and will be skipped: region is missing" in told


@needs_contract
def test_the_documented_example_is_valid():
    found = re.search(r"```yaml\n(version: 1.*?)```", CONTRACT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    env = dict.fromkeys(re.findall(r"env:([A-Z_]+)", found[1]), "a-secret-of-thirty-two-characters!")
    loaded = load_text(found[1], env=env)
    settings = loaded.settings
    assert settings.mailboxes[0].autonomy_level == "human_approved"
    assert settings.policy_for(settings.mailboxes[0]).loop_detection.mode == "shadow"
    assert [provider.is_ready for provider in settings.providers] == [True] * 4
    assert all("no such file" in warning.message for warning in loaded.warnings)
