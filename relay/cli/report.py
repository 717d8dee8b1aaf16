"""`gatepost report`: how recipients react to senders, and what their mail brought and cost."""

from typing import Annotated, Any

import typer

from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, OfTenant, OnlyTenant, group
from relay.cli.output import Column, console, details, listing, print_json, table
from relay.cli.values import one_of

app = group("Report reputation and outcomes.")

GROUPS = ("mailbox", "campaign", "provider")
MODELS = ("last_touch", "first_touch", "linear", "time_decay")


@app.command()
def reputation(
    mailbox: Annotated[str, typer.Option(metavar="NAME", help="Only this mailbox, with every term of its score")] = "",
    domain: Annotated[str, typer.Option(metavar="DOMAIN", help="A sending domain instead")] = "",
    tenant: OnlyTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show rates, trend and score of every mailbox, or of one. Rates are in percent, with what they call for."""
    from relay.cli.reporting import standings

    with opened(config) as here:
        found = standings(here, mailbox=mailbox, domain=domain, tenant=tenant)
    if (mailbox or domain) and not as_json:
        details(_one(found[0]))
        return
    if mailbox or domain:
        print_json(found[0])
        return
    columns = (
        Column("Mailbox", "name", "bold"),
        Column("Status", "status"),
        Column("Score", "reputationScore", right=True),
        Column("Bounces %", "bounceRate", right=True),
        Column("Complaints %", "complaintRate", right=True),
        Column("Sent 30d", lambda row: f"{row['windows'][-1]['sent']:,}", right=True),
        Column("Volume", "volumeTrend"),
        Column("Why", lambda row: row["cause"] or "; ".join(row["warnings"])),
    )
    listing(
        found,
        columns,
        as_json=as_json,
        empty="No mailboxes yet. Create one: gatepost mailbox add NAME --address agent@yourcompany.com",
    )


@app.command()
def outcomes(
    period: Annotated[str, typer.Option(metavar="SPAN", help="How far back: 30d; or a month: 2026-11")] = "30d",
    group_by: Annotated[str, typer.Option(help="mailbox, campaign or provider")] = "",
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}. Default: attribution.model")] = "",
    tenant: OfTenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what people did after mail reached them. Also what that brought, and what each outcome cost."""
    from relay.cli.reporting import outcomes as found

    if group_by:
        one_of(group_by, GROUPS, "--group-by")
    if model:
        one_of(model, MODELS, "--model")
    with opened(config) as here:
        told = found(here, tenant, period, group_by or None, model or None)
    if as_json:
        print_json(told)
    else:
        _print(told)


def _one(told: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [
        ("name", told["name"]),
        ("status", told["status"]),
        ("cause", told["cause"]),
        ("warnings", "\n".join(told["warnings"])),
        ("score", told["reputationScore"]),
    ]
    pairs += [(f"  {t['name']}", f"-{t['points']:g} (at {t['value']:g})") for t in told["terms"] if t["points"]]
    pairs.append(("volume", told["volumeTrend"]))
    for window in told["windows"]:
        words = (
            f"{window['sent']:,} sent, {window['bounced']:,} bounced ({window['bounceRate']:g} %), "
            f"{window['complained']:,} complained ({window['complaintRate']:g} %)"
        )
        pairs.append((window["window"], words))
    return pairs


def _print(told: dict[str, Any]) -> None:
    details(
        [
            ("period", told["period"]),
            ("model", told["model"]),
            *_figures(told),
            ("cost", f"{told['cost']:,.2f}"),
            ("currency", told["currency"] or "not set"),
        ]
    )
    groups = told.get("groups")
    if groups:
        by = next(name for name in GROUPS if name in groups[0])
        columns = (
            Column(by.title(), lambda row: row[by] or "none", "bold"),
            Column("Sent", lambda row: f"{row['totalEmails']:,}", right=True),
            Column("Outcomes", lambda row: _counts(row["outcomes"])),
            Column("Revenue", lambda row: f"{row['outcomes']['revenue_attributed']:,.2f}", right=True),
            Column("Cost", lambda row: f"{row['cost']:,.2f}", right=True),
            Column("Cost per outcome", lambda row: _counts(row["costPerOutcome"])),
        )
        console().print(table(groups, columns))


def _figures(told: dict[str, Any]) -> list[tuple[str, Any]]:
    counted = dict(told["outcomes"])
    revenue = counted.pop("revenue_attributed")
    each = {f"cost per {name.replace('_', ' ')}": value for name, value in told["costPerOutcome"].items()}
    sent = f"{told['totalEmails']:,}"
    return [
        ("emails", sent),
        *((n.replace("_", " "), v) for n, v in counted.items()),
        ("not attributed", _counts(told["unattributed"])),
        ("revenue", f"{revenue:,.2f}"),
        *each.items(),
    ]


def _counts(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{value} {name.replace('_', ' ')}" for name, value in values.items() if name != "revenue_attributed"
    )
