"""A decision as a checklist: what needs a look stands alone, what passed for many takes one line."""

from relay.http.console.checks import items, lines

PEOPLE = ("ann@example.com", "bob@example.com", "eve@example.com")


def passed(rule: str, *recipients: str) -> list[dict[str, object]]:
    return [{"rule": rule, "status": "passed", "recipient": one} for one in recipients]


def told(checks: list[dict[str, object]]) -> list[tuple[str, list[str]]]:
    return [(line[0].rule, [item.recipient for item in line]) for line in lines(checks)]


def test_what_a_rule_let_pass_for_several_recipients_is_one_line():
    checks = [
        {"rule": "tenant_active", "status": "passed"},
        *passed("recipient_valid", *PEOPLE),
        *passed("cooldown", *PEOPLE),
    ]
    assert told(checks) == [("tenant_active", [""]), ("recipient_valid", [*PEOPLE]), ("cooldown", [*PEOPLE])]


def test_each_that_needs_a_look_has_a_line_of_its_own_and_stands_first():
    failed = [{"rule": "suppression_check", "status": "failed", "recipient": one} for one in PEOPLE[:2]]
    checks = [*passed("recipient_valid", *PEOPLE), *failed, *passed("suppression_check", PEOPLE[2])]
    assert told(checks) == [
        ("suppression_check", [PEOPLE[0]]),
        ("suppression_check", [PEOPLE[1]]),
        ("recipient_valid", [*PEOPLE]),
        ("suppression_check", [PEOPLE[2]]),
    ]


def test_what_failed_stands_before_what_only_watches():
    shadowed: dict[str, object] = {"rule": "loop_detection", "status": "shadowed"}
    failed: dict[str, object] = {"rule": "autonomy_level", "status": "failed"}
    assert [rule for rule, _ in told([shadowed, *passed("cooldown", PEOPLE[0]), failed])] == [
        "autonomy_level",
        "loop_detection",
        "cooldown",
    ]


def test_who_is_refused_is_one_step_from_what_refuses_them():
    checks = [{"rule": "suppression_check", "status": "failed", "reason": "suppressed", "recipient": "a+b@example.com"}]
    assert [item.place for item in items(checks)] == ["/suppressions?q=a%2Bb%40example.com"]


def test_a_single_recipient_is_named_nowhere_and_rules_stay_apart():
    assert told(passed("recipient_valid", PEOPLE[0]) + passed("cooldown", PEOPLE[0])) == [
        ("recipient_valid", [""]),
        ("cooldown", [""]),
    ]
