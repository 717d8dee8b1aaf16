"""The blocks of docs/clients.md for mail libraries and hand tools, run as they stand."""

import shutil
from pathlib import Path

import pytest

from relay.submission.snippets import Login, snippet
from tests.clients.conftest import SECRET, House
from tests.clients.pages import under
from tests.support.needs import NODE_FOLDER, program

PAGE = "docs/clients.md"
(HAND_SWAKS, HAND_CURL, HAND_MSMTP) = under(PAGE, "By hand: swaks, curl, msmtp", "sh")
DJANGO = "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'shop_settings'\nimport django.core.mail\ndjango.setup()\n"


def test_smtplib_sends(house: House) -> None:
    (block,) = under(PAGE, "Python: smtplib", "python")
    assert house.python(block, after="print(refused)") == "{}\n"
    assert house.arrived().header("Subject") == "Following up on our conversation"


def test_aiosmtplib_sends_and_sees_the_id(house: House) -> None:
    (block,) = under(PAGE, "Python: aiosmtplib", "python")
    assert house.python(block).startswith("2.0.0 Ok: queued as send_")
    assert house.arrived().rcpt_to == ("bob@example.com",)


def test_django_sends(house: House) -> None:
    settings, sending = under(PAGE, "Django", "python")
    (house.folder / "shop_settings.py").write_text(settings, "utf-8")
    house.python(DJANGO + sending)
    assert house.arrived().header("From") == "Sarah Chen <sales@yourcompany.com>"


def test_django_learns_of_a_refusal(house: House) -> None:
    settings, sending = under(PAGE, "Django", "python")
    (house.folder / "shop_settings.py").write_text(settings, "utf-8")
    house.suppress("bob@example.com")
    indented = "".join(f"    {line}\n" for line in sending.splitlines())
    caught = "except smtplib.SMTPRecipientsRefused as error:\n    print(error.recipients)"
    code = f"import smtplib\n{DJANGO}try:\n{indented}{caught}"
    assert "suppressed: bob@example.com" in house.python(code)


def test_what_is_shown_for_smtplib_sends_as_it_is_pasted(house: House) -> None:
    house.python(_shown(house, "smtplib"))
    assert house.arrived().rcpt_to == ("sales@yourcompany.com",)


def test_what_is_shown_for_django_sends_as_it_is_pasted(house: House) -> None:
    (house.folder / "shop_settings.py").write_text(_shown(house, "django"), "utf-8")
    house.python(DJANGO + 'django.core.mail.send_mail("Hi", "Hi.", "sales@yourcompany.com", ["bob@example.com"])\n')
    assert house.arrived().rcpt_to == ("bob@example.com",)


@pytest.mark.needs("node", "nodemailer")
def test_what_is_shown_for_nodemailer_sends_as_it_is_pasted(house: House) -> None:
    _node(house, _shown(house, "nodemailer"))
    assert house.arrived().rcpt_to == ("sales@yourcompany.com",)


def _shown(house: House, form: str) -> str:
    return snippet(form, Login(*house.inside.smtp, "none", "sales-agent", SECRET, "sales@yourcompany.com"), "cred_1")


@pytest.mark.needs("node", "nodemailer")
def test_nodemailer_sends_and_sees_the_id(house: House) -> None:
    assert _nodemailer(house).startswith("250 2.0.0 Ok: queued as send_")
    assert house.arrived().rcpt_to == ("bob@example.com",)


@pytest.mark.needs("node", "nodemailer")
def test_nodemailer_shows_the_refusal(house: House) -> None:
    house.suppress("bob@example.com")
    told = _nodemailer(house)
    assert told.startswith("550 5.7.1 suppressed: bob@example.com ")
    assert "next=drop_recipient" in told


def _nodemailer(house: House) -> str:
    (block,) = under(PAGE, "Node.js: nodemailer", "js")
    return _node(house, block)


def _node(house: House, block: str) -> str:
    (house.folder / "block.mjs").write_text(block, "utf-8")
    modules = house.folder / "node_modules"
    modules.symlink_to(NODE_FOLDER.resolve())  # modules are looked for beside the file, not in NODE_PATH
    node = program("node", "nodejs")
    assert node is not None
    ended = house.run([node, "block.mjs"])
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.needs("swaks")
def test_swaks_sends(house: House) -> None:
    ended = house.shell(HAND_SWAKS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "queued as send_" in ended.stdout
    assert house.arrived().header("Subject") == "Following up on our conversation"


@pytest.mark.needs("swaks")
def test_swaks_shows_the_refusal(house: House) -> None:
    house.suppress("bob@example.com")
    ended = house.shell(HAND_SWAKS)
    assert ended.returncode == 24
    assert "550 5.7.1 suppressed: bob@example.com" in ended.stdout


@pytest.mark.needs("curl")
def test_curl_sends(house: House) -> None:
    ended = house.shell(HAND_CURL)
    assert ended.returncode == 0, ended.stderr
    assert house.arrived().body.startswith(b"Hi Bob!")


@pytest.mark.needs("msmtp")
def test_msmtp_sends(house: House) -> None:
    ended = house.shell(HAND_MSMTP)
    assert ended.returncode == 0, ended.stderr
    assert house.arrived().body.startswith(b"Hi Bob!")


@pytest.mark.needs("curl")
def test_http_answers_with_the_decision(house: House) -> None:
    (block,) = under(PAGE, "HTTP", "sh")
    wanted = {"label": "sales", "scope": "agent:sales@yourcompany.com"}
    key = house.inside.call("POST", "/v1/me/keys", wanted, 201)["key"]
    ended = house.shell(block, GATEPOST_KEY=key)
    assert ended.returncode == 0, ended.stderr
    assert '"status":"queued"' in ended.stdout
    assert house.arrived().rcpt_to == ("bob@example.com",)


def test_nothing_is_left_on_the_machine_but_what_the_blocks_write(house: House, tmp_path: Path) -> None:
    if shutil.which("curl"):
        house.shell(HAND_CURL)
    assert {path.name for path in house.folder.iterdir()} <= {"message.eml"}
