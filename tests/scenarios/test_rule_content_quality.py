"""content_quality: what is flawed leaves with an alert and a trace; where a policy enforces it, it is refused."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

UNFINISHED = "Dear Bob,\n\nyour order 4711 has shipped.\n\nBest regards,\n[Your Name]\n"


def test_a_flawed_message_leaves_and_an_alert_names_the_flaw_once_an_hour(gate: Gate):
    agent = gate.mailbox()
    first, second = (
        agent.submit(f"q{n}@example.com", agent.letter(f"q{n}@example.com", f"Order {n}", UNFINISHED)) for n in (1, 2)
    )
    for reply in (first, second):
        told = trace(gate, taken(reply))
        flaw = {"kind": "placeholder_left", "shown": "[Your Name]"}
        checked(told, "content_quality", "warned", reason="poor_content", flaws=[flaw])
    alerts = [e["data"] for e in gate.call("GET", f"/v1/events?types=alert.raised&mailboxId={agent.name}")["data"]]
    assert alerts == [{"alert": "content_quality", "cause": "[Your Name] is left in the text"}]


def test_where_it_is_enforced_it_is_refused_with_what_to_do(gate: Gate):
    agent = gate.mailbox({"content_quality": {"mode": "enforce", "ignore": ["false_answer"]}})
    said = refused(agent.submit("q3@example.com", agent.letter("q3@example.com", "Re: Order", UNFINISHED)))
    assert said.verdict == (550, "5.7.1", "poor_content", "never", "change_content")
    assert said.detail == "[Your Name] is left in the text"
    assert events(gate, said.send) == ["send.blocked"]
    whole = UNFINISHED.replace("[Your Name]", "Ada")
    assert agent.submit("q3@example.com", agent.letter("q3@example.com", "Re: Order", whole)).code == 250
