"""The tool of docs/clients.md that agents send with: by itself, and inside the frameworks that are installed."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import House
from tests.clients.pages import under

PAGE = "docs/clients.md"
(TOOL,) = under(PAGE, "Tools for agents", "python")
SEND = """
    from agent_mail import send_email
    print(send_email({to!r}, {subject!r}, "Hi Bob, thank you for your time."))
"""


def send(house: House, to: str = "bob@example.com", subject: str = "Following up") -> str:
    save(house.folder)
    return house.python("", after=SEND.format(to=to, subject=subject)).strip()


def save(folder: Path) -> None:
    (folder / "agent_mail.py").write_text(TOOL, "utf-8")


def test_the_tool_answers_with_the_reply(house: House) -> None:
    assert send(house).startswith("250 2.0.0 Ok: queued as send_")
    assert house.arrived().header("Subject") == "Following up"


def test_the_tool_tells_a_repeat(house: House) -> None:
    first, second = send(house), send(house)
    assert second == f"{first} (duplicate of an earlier send)"


def test_the_tool_answers_with_a_refusal(house: House) -> None:
    house.suppress("bob@example.com")
    told = send(house)
    assert told.startswith("550 5.7.1 suppressed: bob@example.com ")
    assert "retry=never next=drop_recipient send=send_" in told


@pytest.mark.parametrize("to", ["bob", "bob@example.com\r\nRCPT TO:<eve@example.com>", "jürgen@example.com", ""])
def test_the_tool_answers_whatever_the_address(house: House, to: str) -> None:
    told = send(house, to)
    assert told.startswith(("5", "Not sent"))
    assert "retry=never" in told
    assert not house.provider.ledger.taken


def test_the_tool_answers_to_a_subject_of_several_lines(house: House) -> None:
    told = send(house, subject="Hello\r\nBcc: eve@example.com")
    assert told.startswith("Not sent")
    assert "next=change_content" in told


def test_the_tool_answers_to_a_wrong_password(house: House) -> None:
    house.environment["SMTP_PASSWORD"] = "wrong"
    assert send(house).startswith("535 5.7.8")


def test_the_tool_answers_while_nobody_listens(house: House) -> None:
    house.environment["SMTP_PORT"] = "1"
    assert send(house).endswith("retry=60 next=wait")


# -- frameworks: inside them where they are installed, else with a stand-in for their one name -------------------------

AGENTS_CALL = """
import asyncio, json
from agents.tool_context import ToolContext
given = json.dumps(ARGS)
context = ToolContext(context=None, tool_name="send_email", tool_call_id="1", tool_arguments=given)
print(email_tool.name)
print(asyncio.run(email_tool.on_invoke_tool(context, given)))
"""
FRAMEWORKS = {
    "LangChain": ("langchain", "print(email_tool.name)\nprint(email_tool.invoke(ARGS))"),
    "CrewAI": ("crewai", "print(email_tool.name)\nprint(email_tool.run(**ARGS))"),
    "OpenAI Agents SDK": ("agents", AGENTS_CALL),
}
ARGS = {"to": "bob@example.com", "subject": "Following up", "body": "Hi Bob, thank you for your time."}
# What the page takes from a framework, as plain Python: a tool is its function.
STAND_IN = """
import sys, types

class Agent:
    def __init__(self, **given):
        assert [tool.__name__ for tool in given["tools"]] == ["send_email"]

def named(name):
    return lambda function: function

def plain(function):
    return function

def make(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)

make("langchain"); make("langchain.tools", tool=plain)
make("langchain.agents", create_agent=lambda model, tools, system_prompt: Agent(tools=tools))
make("crewai", Agent=Agent); make("crewai.tools", tool=named)
make("agents", Agent=Agent, function_tool=plain)
"""
PLAIN = "print(email_tool.__name__); print(email_tool(**ARGS)); globals().get('make_agent', lambda: None)()"


@pytest.mark.parametrize("heading", FRAMEWORKS)
def test_the_tool_works_inside(house: House, heading: str) -> None:
    (block,) = under(PAGE, heading, "python")
    package, call = FRAMEWORKS[heading]
    save(house.folder)
    start, end = ("", call) if importlib.util.find_spec(package) else (STAND_IN, PLAIN)
    name, told = house.python(f"{start}\nARGS = {json.dumps(ARGS)}\n{block}\n{end}").splitlines()
    assert name == "send_email"
    assert told.startswith("250 2.0.0 Ok: queued as send_")
    assert house.arrived().rcpt_to == ("bob@example.com",)


def test_the_tool_needs_nothing_but_python() -> None:
    lines = [line.split() for line in TOOL.splitlines() if line.startswith(("import ", "from "))]
    imported = {words[1].partition(".")[0] for words in lines}
    assert imported <= sys.stdlib_module_names
