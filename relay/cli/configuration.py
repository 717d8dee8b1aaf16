"""`gatepost config`: checks a file, and explains what may be in one."""

from relay.cli.errors import EXIT_USAGE
from relay.cli.options import AsJson, ConfigFile, UnneededConfigFile, group, path_of
from relay.cli.output import note, print_json, say

app = group("Check the configuration, or print its JSON Schema.")


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Check the file; name each wrong line, and what was meant."""
    from config.errors import ConfigError, Problem
    from config.loader import load
    from relay.app.checks import CHECKS

    path = path_of(config)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        warnings = load(path, more=CHECKS).warnings
    except ConfigError as error:
        problems = error.problems
    if as_json:
        kinds = [("error", p) for p in problems] + [("warning", p) for p in warnings]
        print_json(
            [{"kind": k, "source": p.source, "line": p.line, "key": p.key, "message": p.message} for k, p in kinds]
        )
        return EXIT_USAGE if problems else 0
    for problem in problems:
        note(str(problem))
    for problem in warnings:
        note(f"{problem} (warning)")
    if not problems:
        say(f"{path}: valid")
    return EXIT_USAGE if problems else 0


@app.command()
def schema(_config: UnneededConfigFile = None) -> None:
    """Print the JSON Schema of the file, for editors."""
    from config.schema import schema as made

    print_json(made())
