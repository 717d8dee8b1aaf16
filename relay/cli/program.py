"""The program: its commands, each a thin layer over the functions that the server itself uses.

Exit codes: 0 done, 1 refused or not found, 2 bad usage or bad configuration. An error is one line on standard
error. Nothing heavy is imported before a command needs it.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any

import typer
from typer import TyperException
from typer.core import TyperGroup

from relay.cli import (
    audit,
    configuration,
    consent,
    credential,
    db,
    demo,
    doctor,
    domain,
    feedback,
    healthcheck,
    hold,
    init,
    mailbox,
    mcp,
    policy,
    provider,
    queue,
    report,
    send_test,
    serve,
    suppression,
    tenant,
    trace,
)
from relay.cli.errors import EXIT_REFUSED, EXIT_USAGE, exit_code, one_line, words
from relay.cli.options import group
from relay.cli.output import mute, note

ABOUT = "Gatepost stands between AI agents and mail providers and decides, provably, what may be sent."


class _InOrder(TyperGroup):
    """Lists commands in the order in which one needs them, not commands first and groups after."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the name and the context are the base class's
        """The names."""
        return list(_COMMANDS)


app = group(ABOUT, cls=_InOrder)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"gatepost {version('gatepost')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version")
    ] = False,
) -> None:
    if context.invoked_subcommand != "serve":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


# In the order in which one needs them.
_COMMANDS: dict[str, Callable[..., Any] | typer.Typer] = {
    "init": init.init,
    "serve": serve.serve,
    "demo": demo.demo,
    "config": configuration.app,
    "db": db.app,
    "tenant": tenant.app,
    "mailbox": mailbox.app,
    "credential": credential.app,
    "domain": domain.app,
    "suppression": suppression.app,
    "consent": consent.app,
    "hold": hold.app,
    "queue": queue.app,
    "provider": provider.app,
    "trace": trace.trace,
    "policy": policy.app,
    "feedback": feedback.app,
    "audit": audit.app,
    "report": report.app,
    "send-test": send_test.send_test,
    "doctor": doctor.doctor,
    "healthcheck": healthcheck.healthcheck,
    "mcp": mcp.mcp,
}
for _name, _command in _COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)

program = cache(partial(typer.main.get_command, app))  # built once, with the arguments of every command


def ready_to_speak() -> None:
    """Write UTF-8 whatever the locale, so that exports are complete and no character ends a command; discard output
    if nobody reads it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # otherwise the log would go into whatever is opened next
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the parent process
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    try:
        code = program().main(_config_last(arguments), prog_name="gatepost", standalone_mode=False)
    except TyperException as error:
        return _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        return _failed("interrupted", EXIT_REFUSED)
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        mute(sys.stdout)  # typer's way out of a broken pipe: the reader of an export has read enough
        return 0
    except Exception as error:
        known = exit_code(error)
        if os.environ.get("GATEPOST_DEBUG"):
            raise
        if known is not None:
            return _failed(words(error), known)
        # A bug: still one line, as scripts expect, with the way to more details.
        name = type(error).__name__
        return _failed(f"unexpected {name}: {words(error)} (GATEPOST_DEBUG=1 shows where)", EXIT_REFUSED)
    return code if isinstance(code, int) else 0


def _config_last(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a --config given before the command moved to the end, where commands accept it."""
    first = arguments[0] if arguments else ""
    length = 2 if first in ("-c", "--config") else int(first.startswith("--config="))
    return [*arguments[length:], *arguments[:length]]


def _usage(error: TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        note(error.format_message())
        return EXIT_USAGE
    context = getattr(error, "ctx", None)
    help_ = f" (see {context.command_path} --help)" if context is not None else ""
    return _failed(f"{error.format_message().removesuffix('.')}{help_}", EXIT_USAGE)


def _failed(text: str, code: int) -> int:
    note(f"gatepost: {one_line(text)}")
    return code
