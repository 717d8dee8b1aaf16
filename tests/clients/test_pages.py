"""docs/clients.md: what holds of the page as a whole."""

import ast
import re
from typing import get_args

from policy.decision import Next
from relay.submission.snippets import Login, snippet
from tests.clients.pages import ROOT, blocks

PAGE = "docs/clients.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
WORDS = "smtplib aiosmtplib Django nodemailer swaks agents LangChain CrewAI OpenAI HTTP MCP"


def test_every_python_block_compiles() -> None:
    for block in blocks(PAGE):
        if block.language == "python":
            ast.parse(block.text)


def test_every_heading_with_code_is_run_by_a_test() -> None:
    """Whoever adds a section adds its test, and its name here."""
    for block in blocks(PAGE):
        if block.language and block.headings != ("Clients",):
            assert any(word in block.headings[-1] for word in WORDS.split()), block.headings


def test_the_environment_is_the_one_the_program_prints() -> None:
    (shown,) = [b.text for b in blocks(PAGE) if b.headings == ("Clients",) and b.language == "sh"]
    names = re.findall(r"(?m)^(\w+)=", shown)
    printed = snippet("env", Login("127.0.0.1", 2525, "none", "sales-agent", "s", "sales@yourcompany.com"), "cred_1")
    assert names
    assert set(names) <= set(re.findall(r"(?m)^(\w+)=", printed))
    used = {name for b in blocks(PAGE) for name in re.findall(r"\bSMTP_[A-Z]+\b", b.text)}
    assert used == set(names)


def test_the_page_explains_every_next_step() -> None:
    explained = set(re.findall(r"(?m)^\| `(\w+)` \| (?!the same message|a person)", TEXT))
    assert set(get_args(Next)) <= explained
