"""What the agent does in the demo, step by step, and the outcome expected of each step.

A step sends, waits for what the store and the providers report, and checks both. Everything shown is read from
there; nothing in the table is invented.
"""

import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP
from typing import Any, TypeVar

from relay.cli.demo import letters
from relay.cli.demo.agent import Answer, letter, submit
from relay.cli.demo.sink import Taken
from relay.cli.demo.stage import COMPLAINED, DOMAIN, Stage
from relay.store import sent
from relay.store.states import FINAL

PATIENCE = 8.0  # seconds after which a step is reported as not done
ADA, BEN, DANA = "ada@customer.example", "ben@customer.example", "dana@prospect.example"
NOBODY = "nobody@customer.example"


@dataclass(slots=True)
class Row:
    """One row of the table: what the agent did, what it was told, what happened, and which expectations failed."""

    did: str
    detail: str
    answers: list[str] = field(default_factory=list)
    happened: list[tuple[str, str]] = field(default_factory=list)  # kind (good, stop, wait, hold, same) and words
    problems: list[str] = field(default_factory=list)

    def told(self, answer: Answer, begins: str) -> Answer:
        """Record what the agent was told; it must begin with these words."""
        self.answers.append(answer.line)
        self.check(answer.line.startswith(begins), f"expected {begins!r}, was told {answer.line!r}")
        return answer

    def check(self, holds: bool, problem: str) -> None:
        """Record the problem unless the expectation holds."""
        if not holds:
            self.problems.append(problem)

    def found(self, kind: str, words: str) -> None:
        """Record something that happened."""
        self.happened.append((kind, words))


Step = Callable[["Play"], Row]
Seen = TypeVar("Seen")


def patiently(look: Callable[[], Seen], is_there: Callable[[Seen], bool]) -> Seen:
    """Look repeatedly until it is there or the time is up; returns what was seen last."""
    deadline = time.monotonic() + PATIENCE
    while not is_there(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return seen


class Play:
    """The script at work on a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.receipt = letter(f"Acme Billing <billing@{DOMAIN}>", [ADA], *letters.RECEIPT)
        self.first_send = ""

    def deliveries(self, send_id: str) -> Sequence[Any]:
        """The deliveries of a send, once all have ended or the time is up."""

        def look() -> Sequence[Any]:
            with self.stage.app.database.asking.begin() as connection:
                return sent.deliveries_of(connection, [send_id])[send_id]

        return patiently(look, lambda rows: bool(rows) and all(r.state in FINAL or r.state == "held" for r in rows))

    def arrived(self, to: str) -> bool:
        """Whether anything was sent to an address, waiting for it until the time is up."""
        return bool(patiently(lambda: self.stage.received.to(to), bool))

    def passed(self, row: Row, answers: Sequence[Answer]) -> None:
        """Check that these were accepted and delivered, so that none is under way when the next step begins."""
        row.check(all(a.code == 250 for a in answers), f"the first ones: {[a.line for a in answers]}")
        states = [d.state for a in answers for d in self.deliveries(a.send_id)]
        row.check(states == ["delivered"] * len(answers), f"expected all delivered, found {states}")

    def attempts(self, send_id: str) -> Sequence[Any]:
        """The attempts at the deliveries of a send."""
        with self.stage.app.database.asking.begin() as connection:
            return sent.attempts_of(connection, send_id)

    def delivered(self, row: Row, answer: Answer, to: str, provider: str = "primary") -> Taken | None:
        """Check that it was delivered once, by this provider, and signed; returns the message as it arrived."""
        states = [d.state for d in self.deliveries(answer.send_id)]
        row.check(states == ["delivered"], f"expected delivered, found {states}")
        arrived = [m for m in self.stage.received.to(to) if m.provider == provider]
        if not arrived:
            row.check(False, f"{provider} never got it")
            return None
        signatures = arrived[-1].data.count(b"DKIM-Signature:")
        row.check(signatures == 2, f"expected two DKIM signatures, found {signatures}")
        return arrived[-1]


def steps() -> list[Step]:
    """The steps, in order."""
    return [
        receipt, repeated, commercial, unsubscribed, partly_refused, held, wrong_sender, leaked,
        looping, over_the_limit, bounced, bounced_again, failed_over,
    ]  # fmt: skip


def receipt(play: Play) -> Row:
    row = Row("billing-agent sends a receipt", f"to {ADA}")
    answer = row.told(submit(play.stage, "billing-agent", play.receipt, [ADA]), "250 2.0.0 Ok: queued as send_")
    play.first_send = answer.send_id
    if play.delivered(row, answer, ADA):
        row.found("good", "delivered by primary")
        row.found("note", "signed with DKIM, RSA and Ed25519")
    return row


def repeated(play: Play) -> Row:
    row = Row("…is not sure, and sends the same message 3 times more", f"to {ADA}")
    for _ in range(3):
        answer = submit(play.stage, "billing-agent", play.receipt, [ADA])
        row.check(answer.send_id == play.first_send, f"expected the first send's id, was told {answer.line!r}")
    row.told(answer, "250 2.0.0 Ok: queued as send_")
    row.check("duplicate" in answer.text, "the answer does not say that it is a duplicate")
    copies = len(play.stage.received.to(ADA))
    row.check(copies == 1, f"{copies} copies arrived")
    row.found("same", f"replayed: same id, {copies} copy in the inbox")
    return row


def commercial(play: Play) -> Row:
    row = Row("growth-agent sends an offer", f"to {ADA}")
    message = letter(f"Maya <growth@{DOMAIN}>", [ADA], *letters.OFFER)
    answer = row.told(submit(play.stage, "growth-agent", message, [ADA]), "250 2.0.0 Ok: queued as send_")
    arrived = play.delivered(row, answer, ADA)
    if arrived is not None:
        body = _text(arrived)
        row.check("1 Main St" in body and "/u/" in body, "the footer is missing")
        row.check(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in arrived.data, "no one-click unsubscribe")
        row.found("good", "classified commercial, delivered")
        row.found("note", "added: postal address, unsubscribe link, one-click header (RFC 8058)")
    return row


def unsubscribed(play: Play) -> Row:
    row = Row("Ada clicks Unsubscribe; growth-agent writes again", f"to {ADA}")
    status = _one_click(play.stage.received.to(ADA)[-1])
    row.check(status == 200, f"unsubscribing was answered with {status}")
    message = letter(f"Maya <growth@{DOMAIN}>", [ADA], *letters.OFFER_AGAIN)
    row.told(submit(play.stage, "growth-agent", message, [ADA]), "550 5.7.1 unsubscribed:")
    row.found("stop", "refused: her choice is kept")
    receipt_too = letter(f"Acme Billing <billing@{DOMAIN}>", [ADA], *letters.SHIPPED)
    answer = submit(play.stage, "billing-agent", receipt_too, [ADA])
    row.check(answer.code == 250, f"a notice of shipment was refused: {answer.line!r}")
    if play.delivered(row, answer, ADA):
        row.found("note", "what she ordered is still told to her")
    return row


def partly_refused(play: Play) -> Row:
    row = Row("billing-agent writes to two customers", f"{BEN}, and {COMPLAINED}, who once complained of spam")
    message = letter(f"Acme Billing <billing@{DOMAIN}>", [BEN, COMPLAINED], *letters.STATEMENT)
    answer = submit(play.stage, "billing-agent", message, [BEN, COMPLAINED])
    refusal = answer.refused.get(COMPLAINED, "")
    row.answers.append(refusal)
    row.check(refusal.startswith("550 5.7.1 suppressed:"), f"Carol was not refused: {refusal!r}")
    row.told(answer, "250 2.0.0 Ok: queued as send_")
    play.delivered(row, answer, BEN)
    row.check(not play.stage.received.to(COMPLAINED), "Carol got mail")
    row.found("good", "Ben: delivered by primary")
    row.found("stop", "Carol: suppressed, told before a byte was sent")
    return row


def held(play: Play) -> Row:
    row = Row("sales-agent writes to a prospect", f"to {DANA}; this mailbox needs a person's approval")
    message = letter(f"Sarah Chen <sales@{DOMAIN}>", [DANA], *letters.PITCH)
    answer = row.told(submit(play.stage, "sales-agent", message, [DANA]), "250 2.0.0 Ok: queued as send_")
    row.check("(held for approval)" in answer.text, "the answer does not say that it is held")
    states = [d.state for d in play.deliveries(answer.send_id)]
    row.check(states == ["held"], f"expected held, found {states}")
    row.check(not play.stage.received.to(DANA), "it left although it was held")
    row.found("hold", "held until a person decides")
    return row


def wrong_sender(play: Play) -> Row:
    row = Row("billing-agent pretends to be the CEO", f"From: ceo@{DOMAIN}")
    message = letter(f"Jane Doe, CEO <ceo@{DOMAIN}>", [BEN], *letters.WIRE)
    answer = submit(play.stage, "billing-agent", message, [BEN], mail_from=f"ceo@{DOMAIN}")
    row.told(answer, "550 5.7.1 sender_not_allowed:")
    row.found("stop", "refused: not an address of this mailbox")
    return row


def leaked(play: Play) -> Row:
    row = Row("billing-agent pastes its own password into a message", f"to {BEN}")
    message = letter(f"Acme Billing <billing@{DOMAIN}>", [BEN], *letters.leak(play.stage.keys["billing-agent"]))
    row.told(submit(play.stage, "billing-agent", message, [BEN]), "550 5.7.1 secret_leak:")
    row.found("stop", "blocked: the secret stays here")
    return row


def looping(play: Play) -> Row:
    row = Row("growth-agent is stuck: the same follow-up, reworded 4 times", f"to {DANA}")
    answers = []
    for written in letters.FOLLOW_UPS:
        message = letter(f"Maya <growth@{DOMAIN}>", [DANA], *written)
        answers.append(submit(play.stage, "growth-agent", message, [DANA]))
    play.passed(row, answers[:3])
    row.told(answers[3], "550 5.7.1 loop_detected:")
    row.found("stop", "the 4th is stopped, and a person is told")
    return row


def over_the_limit(play: Play) -> Row:
    row = Row("digest-agent sends 4 digests; its limit is 3 an hour", "to four teams")
    answers = []
    for team, written in letters.DIGESTS.items():
        message = letter(f"Acme Digest <digest@{DOMAIN}>", [team], *written)
        answers.append(submit(play.stage, "digest-agent", message, [team]))
    play.passed(row, answers[:3])
    row.told(answers[3], "451 4.7.0 rate_limited:")
    row.found("wait", "exactly 3 pass; the answer says when to try again")
    return row


def bounced(play: Play) -> Row:
    row = Row("billing-agent writes to somebody who does not exist", f"to {NOBODY}")
    message = letter(f"Acme Billing <billing@{DOMAIN}>", [NOBODY], *letters.REMINDER)
    answer = row.told(submit(play.stage, "billing-agent", message, [NOBODY]), "250 2.0.0 Ok: queued as send_")
    states = [d.state for d in play.deliveries(answer.send_id)]
    tried = [a.provider for a in play.attempts(answer.send_id)]
    row.check(states == ["bounced"], f"expected bounced, found {states}")
    row.check(tried == ["primary"], f"asked {tried}; a dead address must not be tried elsewhere")
    row.found("stop", "bounced (550 5.1.1) and suppressed at once")
    row.check(play.arrived(f"billing@{DOMAIN}"), "its sender was not told by mail")
    row.found("note", "its sender is told by mail (RFC 3464)")
    return row


def bounced_again(play: Play) -> Row:
    row = Row("…and tries again, as agents do", f"to {NOBODY}")
    message = letter(f"Acme Billing <billing@{DOMAIN}>", [NOBODY], *letters.REMINDER_AGAIN)
    row.told(submit(play.stage, "billing-agent", message, [NOBODY]), "550 5.7.1 suppressed:")
    row.found("stop", "refused here: the provider is not bothered, the reputation is kept")
    return row


def failed_over(play: Play) -> Row:
    row = Row("primary throttles; billing-agent sends an invoice", f"to {BEN}")
    play.stage.primary.behaviour = "throttles"
    message = letter(f"Acme Billing <billing@{DOMAIN}>", [BEN], *letters.INVOICE)
    answer = row.told(submit(play.stage, "billing-agent", message, [BEN]), "250 2.0.0 Ok: queued as send_")
    play.delivered(row, answer, BEN, "secondary")
    play.stage.primary.behaviour = "behaves"
    tried = [(a.provider, a.code) for a in play.attempts(answer.send_id)]
    row.check(tried == [("primary", 451), ("secondary", 250)], f"tried {tried}")
    row.found("good", "failed over: primary said 451, secondary delivered")
    row.found("note", "within the same attempt")
    return row


def _text(taken: Taken) -> str:
    part = message_from_bytes(taken.data, policy=SMTP).get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def _one_click(taken: Taken) -> int:
    """Unsubscribe as a mail reader does when somebody clicks its button (RFC 8058 §3.2)."""
    field_ = str(message_from_bytes(taken.data, policy=SMTP)["List-Unsubscribe"] or "")
    links = [part.strip(" <>") for part in field_.split(",")]
    url = next((link for link in links if link.startswith("http://127.0.0.1:")), "")
    if not url:
        return 0
    request = urllib.request.Request(url, b"List-Unsubscribe=One-Click")  # noqa: S310 - our own link, on loopback
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        return int(answer.status)
