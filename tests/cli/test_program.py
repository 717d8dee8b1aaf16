"""The program itself: help, exit codes, errors of one line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from config.senders import Autonomy, Role
from policy.attribution import MODELS
from policy.outcomes import GROUPS
from relay.cli import domain, mailbox, program, queue, report
from relay.cli.errors import one_line
from relay.http.domains import Method
from relay.store.states import OPEN
from tests.support.server import PROGRAM
from tests.support.settings import DOMAIN

CONTRACT = (
    *("init", "serve", "demo", "trace", "send-test", "doctor", "healthcheck"),
    *("config check", "config schema", "db upgrade", "db current"),
    *("tenant list", "tenant add", "tenant pause", "tenant resume"),
    *("mailbox list", "mailbox add", "mailbox show", "mailbox pause", "mailbox resume"),
    *("credential list", "credential create", "credential rotate", "credential revoke"),
    *("domain list", "domain add", "domain show", "domain verify", "domain rotate"),
    *("suppression list", "suppression add", "suppression remove", "suppression check"),
    *("suppression import", "suppression export"),
    *("consent list", "consent grant", "consent revoke", "consent import"),
    *("hold list", "hold show", "hold approve", "hold reject"),
    *("queue list", "queue show", "queue retry", "queue cancel", "queue flush"),
    *("provider list", "provider test", "provider pause", "provider resume"),
    *("policy test", "policy replay", "feedback parse", "audit verify", "audit export"),
    *("report reputation", "report outcomes"),
)
WITHOUT_CONFIGURATION = ("init", "demo", "config schema", "feedback parse")
HEAVY = ("rich", "sqlalchemy", "pydantic", "fastapi", "dns", "cryptography", "yaml", "aiosmtplib", "uvloop", "asyncio")
OF_A_SERVER = ("sqlalchemy.orm", "aiosqlite", "structlog", "fastapi", "aiosmtplib", "uvloop")


def test_every_command_of_the_contract_has_help_and_takes_config(cli):
    for command in CONTRACT:
        said = cli.bare(*command.split(), "--help")
        assert said.code == 0, command
        assert ("--config" in said.out) == (command not in WITHOUT_CONFIGURATION), command
        assert not [line for line in said.out.split("\n") if "[[" in line or line.count("efault:") > 1], command


@pytest.mark.parametrize("before", [("-c", "FILE"), ("--config", "FILE"), ("--config=FILE",)])
def test_the_configuration_may_be_named_before_the_command(cli, before):
    named = [word.replace("FILE", str(cli.config)) for word in before]
    assert cli.bare(*named, "mailbox", "list", "--json").json[0]["name"] == "agent"


def test_a_command_that_needs_no_configuration_takes_one_all_the_same(cli):
    assert cli.does("config", "schema").json["title"] == "gatepost.yaml"


def test_every_listing_takes_json_and_an_empty_one_is_a_list(cli):
    for command in (c for c in CONTRACT if c.endswith(" list")):
        assert isinstance(cli.does(*command.split(), "--json").json, list), command


def test_a_list_of_commands_says_of_each_a_whole_sentence_at_80_columns(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for group in sorted({command.rpartition(" ")[0] for command in CONTRACT}):
        _, _, listed = cli.bare(*group.split(), "--help").out.partition("Commands:\n")
        assert listed, group
        assert [line for line in listed.splitlines() if not line.endswith(".") or line.endswith("...")] == [], group


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (mailbox.AUTONOMY, get_args(Autonomy)),
        (mailbox.ROLES, get_args(Role)),
        (domain.METHODS, get_args(Method)),
        (queue.STATES, OPEN),
        (report.GROUPS, GROUPS),
        (report.MODELS, MODELS),
    ],
)
def test_the_words_an_option_takes_are_those_of_the_rest(offered, known):
    assert set(offered) == set(known)  # written again there, since reading them takes longer than --help may


def test_help_loads_nothing_heavy_and_a_listing_nothing_that_only_a_server_needs(cli):
    script = f"""if True:
        import sys; from relay.cli.program import run; run(["--help"])
        loaded = [name for name in {HEAVY!r} if name in sys.modules]
        run(["mailbox", "list", "--config", {str(cli.config)!r}])
        sys.stderr.write(repr(loaded + [name for name in {OF_A_SERVER!r} if name in sys.modules]))"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (f"agent@{DOMAIN}" in ran.stdout, ran.stderr) == (True, "[]")


def test_an_unknown_command_is_bad_usage_in_one_line(cli):
    said = cli.bare("mailbx")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("gatepost: ")
    assert said.err.count("\n") == 1


def test_a_missing_argument_is_bad_usage(cli):
    assert cli("credential", "create").code == 2


def test_no_command_shows_help_as_bad_usage(cli):
    said = cli.bare()
    assert said.code == 2
    assert "Commands:" in said.err


def test_a_missing_configuration_is_bad_configuration(cli, tmp_path):
    said = cli("mailbox", "list", config=tmp_path / "nowhere.yaml")
    assert said.code == 2
    assert "no such file; gatepost init writes one" in said.err
    assert said.err.count("\n") == 1


def test_a_wrong_configuration_is_one_line_with_place_and_key(cli):
    cli.config.write_text(cli.config.read_text() + "\nsmpt: {}\nserverr: {}\n")
    said = cli("mailbox", "list")
    assert said.code == 2
    assert "smpt: unknown key; did you mean smtp?" in said.err
    assert "1 more" in said.err
    assert said.err.count("\n") == 1


def test_the_configuration_is_named_by_the_environment(cli, monkeypatch):
    monkeypatch.setenv("GATEPOST_CONFIG", str(cli.config))
    assert cli.bare("mailbox", "list", "--json").json[0]["name"] == "agent"


def test_the_configuration_is_gatepost_yaml_here(cli, monkeypatch):
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)
    monkeypatch.chdir(cli.config.parent)
    assert cli.bare("mailbox", "list", "--json").json[0]["name"] == "agent"


def test_a_bug_is_one_line_without_a_traceback(cli, monkeypatch):
    def broken(_path):
        raise KeyError("a bug")

    monkeypatch.setattr("relay.cli.db.settings_of", broken)
    said = cli("db", "current")
    assert said.code == 1
    assert "Traceback" not in said.err
    assert said.err.count("\n") == 1


def test_what_others_said_cannot_steer_the_terminal():
    assert one_line("a\x1b[31mb\r\nc\x9b") == "a?[31mb; c?"


@pytest.mark.parametrize(
    ("command", "code"),
    [("domain add x.example", 0), ("domain list", 0), ("suppression export", 0), ("suppression check a@b.example", 1)],
)
def test_a_command_ends_as_it_would_have_when_its_reader_goes_away(cli, command, code):
    cli.does("suppression", "add", "a@b.example")
    asked = [str(PROGRAM), *command.split(), "-c", str(cli.config)]
    running = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    assert running.stdout is not None
    running.stdout.close()
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (code, b"")


@pytest.mark.parametrize("whereto", ["", ">&-"], ids=["a locale without the sign", "no output at all"])
def test_a_command_does_its_work_whatever_its_output_can_show(cli, whereto):
    spoken = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    asked = f'"{PROGRAM}" policy test - --mailbox agent --to bob@example.com -c "{cli.config}" {whereto}'
    letter = f"From: agent@{DOMAIN}\nSubject: Your order 1\n\nIt has shipped.\n"
    done = subprocess.run(["sh", "-c", asked], input=letter.encode(), capture_output=True, env=spoken, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("place", ["keys", "new"], ids=["for the keys", "for itself"])
def test_a_file_in_the_way_of_a_folder_is_named(cli, tmp_path, place):
    folder = tmp_path / "new"
    in_the_way = folder if place == "new" else folder / place
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.touch()
    said = cli.bare("init", str(folder))
    assert said.code == 1
    assert said.err.startswith(f"gatepost: {folder / 'keys'}: a file is where a folder is needed")


def test_a_command_there_is_not_says_where_those_that_are_stand(cli):
    assert cli.bare("queue", "purge").err == "gatepost: No such command 'purge' (see gatepost queue --help)\n"


def test_the_version_is_that_of_the_distribution(cli):
    assert cli.bare("--version").out.startswith("gatepost ")


def test_every_module_of_the_command_line_is_reached():
    own = {path.stem for path in Path(program.__file__).parent.glob("*.py")}
    assert {"installation", "output", "values"} <= own
