"""What a provider that misbehaves leads to: at every phase, in every way, and where it matters without PIPELINING.

Each case: the scope and phase that are recorded, the state with this provider alone, and the
state when another one follows. Copies are counted at the providers (faults R30 to R48).
"""

from typing import NamedTuple

import pytest

from tests.delivery.house import BOB, MESSAGE, House, until
from tests.support.script import FAULTS, Drip, Drop, HalfClose, Hang, Raw, Script, Taken, fault


class Case(NamedTuple):
    scope: str
    phase: str
    alone: str  # the state with this provider alone
    followed: str = "delivered"  # and with a good one behind it
    copies: int = 0  # that the misbehaving provider has kept


CASES = {
    "greeting_421": Case("provider", "CONNECT", "deferred"),
    "greeting_554": Case("provider", "CONNECT", "deferred"),
    "greeting_garbage": Case("connection", "CONNECT", "deferred"),
    "greeting_silence": Case("connection", "CONNECT", "deferred"),
    "greeting_drop": Case("connection", "CONNECT", "deferred"),
    "greeting_cut": Case("connection", "CONNECT", "deferred"),
    "greeting_half_close": Case("connection", "CONNECT", "deferred"),
    "greeting_slow": Case("connection", "CONNECT", "deferred"),
    "ehlo_502": Case("provider", "EHLO", "deferred"),
    "ehlo_421": Case("provider", "EHLO", "deferred"),
    "ehlo_drop": Case("connection", "EHLO", "deferred"),
    "ehlo_451": Case("provider", "EHLO", "deferred"),
    "ehlo_garbage": Case("connection", "EHLO", "deferred"),
    "ehlo_hang": Case("connection", "EHLO", "deferred"),
    "ehlo_cut": Case("connection", "EHLO", "deferred"),
    "ehlo_half_close": Case("connection", "EHLO", "deferred"),
    "ehlo_slow": Case("connection", "EHLO", "deferred"),
    "auth_535": Case("provider", "AUTH", "deferred"),
    "auth_530": Case("provider", "AUTH", "deferred"),
    "auth_454": Case("provider", "AUTH", "deferred"),
    "auth_drop": Case("connection", "AUTH", "deferred"),
    "auth_421": Case("provider", "AUTH", "deferred"),
    "auth_garbage": Case("connection", "AUTH", "deferred"),
    "auth_hang": Case("connection", "AUTH", "deferred"),
    "auth_cut": Case("connection", "AUTH", "deferred"),
    "auth_half_close": Case("connection", "AUTH", "deferred"),
    "mail_421": Case("provider", "MAIL", "deferred"),
    "mail_450": Case("provider", "MAIL", "deferred"),
    "mail_451": Case("provider", "MAIL", "deferred"),
    "mail_452": Case("provider", "MAIL", "deferred"),
    "mail_454": Case("provider", "MAIL", "deferred"),
    "mail_550": Case("provider", "MAIL", "bounced"),
    "mail_suspended": Case("provider", "MAIL", "deferred"),
    "mail_hang": Case("connection", "MAIL", "deferred"),
    "mail_drop": Case("connection", "MAIL", "deferred"),
    "mail_cut": Case("connection", "MAIL", "deferred"),
    "mail_half_close": Case("connection", "MAIL", "deferred"),
    "mail_garbage": Case("connection", "MAIL", "deferred"),
    "mail_slow": Case("connection", "MAIL", "deferred"),
    "rcpt_421": Case("provider", "RCPT", "deferred"),
    "rcpt_450": Case("recipient", "RCPT", "deferred", followed="deferred"),
    "rcpt_451": Case("provider", "RCPT", "deferred"),
    "rcpt_452": Case("provider", "RCPT", "deferred"),
    "rcpt_550": Case("recipient", "RCPT", "bounced", followed="bounced"),
    "rcpt_550_policy": Case("recipient", "RCPT", "bounced", followed="bounced"),
    "rcpt_hang": Case("connection", "RCPT", "deferred"),
    "rcpt_drop": Case("connection", "RCPT", "deferred"),
    "rcpt_cut": Case("connection", "RCPT", "deferred"),
    "rcpt_half_close": Case("connection", "RCPT", "deferred"),
    "rcpt_garbage": Case("connection", "RCPT", "deferred"),
    "rcpt_slow": Case("connection", "RCPT", "deferred"),
    "data_451": Case("provider", "DATA", "deferred"),
    "data_421": Case("provider", "DATA", "deferred"),
    "data_554": Case("provider", "DATA", "deferred"),
    "data_hang": Case("connection", "DATA", "deferred"),
    "data_drop": Case("connection", "DATA", "deferred"),
    "data_cut": Case("connection", "DATA", "deferred"),
    "data_half_close": Case("connection", "DATA", "deferred"),
    "data_garbage": Case("connection", "DATA", "deferred"),
    "data_slow": Case("connection", "DATA", "deferred"),
    "dot_421": Case("provider", "FINAL", "deferred"),
    "dot_451": Case("provider", "FINAL", "deferred"),
    "dot_452": Case("provider", "FINAL", "deferred"),
    "dot_552": Case("message", "FINAL", "bounced"),
    "dot_554": Case("message", "FINAL", "bounced", followed="bounced"),
    "dot_drop": Case("connection", "FINAL", "uncertain", followed="uncertain"),
    "dot_hang": Case("connection", "FINAL", "uncertain", followed="uncertain"),
    "dot_half_close": Case("connection", "FINAL", "uncertain", followed="uncertain"),
    "dot_cut": Case("connection", "FINAL", "uncertain", followed="uncertain"),
    "dot_garbage": Case("connection", "FINAL", "uncertain", followed="uncertain"),
    "dot_taken_drop": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "dot_taken_hang": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "dot_taken_cut": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "dot_taken_half_close": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "dot_taken_garbage": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "dot_taken_slow": Case("connection", "FINAL", "uncertain", followed="uncertain", copies=1),
    "multiline_greeting_554": Case("provider", "CONNECT", "deferred"),
    "multiline_mail_451": Case("provider", "MAIL", "deferred"),
    "multiline_rcpt_550": Case("recipient", "RCPT", "bounced", followed="bounced"),
    "multiline_data_451": Case("provider", "DATA", "deferred"),
    "multiline_dot_451": Case("provider", "FINAL", "deferred"),
    "multiline_dot_554": Case("message", "FINAL", "bounced", followed="bounced"),
    "reply_199": Case("provider", "MAIL", "deferred"),
    "reply_bare_lf": Case("provider", "RCPT", "deferred"),
    "reply_mixed_codes": Case("provider", "MAIL", "bounced"),
    "reply_not_ascii": Case("provider", "MAIL", "deferred"),
    "reply_oversize": Case("connection", "MAIL", "deferred"),
    "reply_endless": Case("connection", "MAIL", "deferred"),
}
STARTTLS = {
    "starttls_454": "provider",
    "starttls_502": "provider",
    "starttls_garbage": "connection",
    "starttls_hang": "connection",
    "starttls_drop": "connection",
    "starttls_half_close": "connection",
}
BODY = {
    "body_drop": "BODY",
    "body_half_close": "BODY",
    "body_421": "FINAL",
    "body_552": "FINAL",
}  # and the phase it counts as, while a message is on its way that fills the buffers of both sides
NUMBERS = (  # of the catalogue of faults; the first that fits a case
    ("mail_550", "R36"),
    ("mail_suspended", "R37"),
    ("rcpt_550_policy", "R40"),
    ("rcpt_550", "R39"),
    ("rcpt_452", "R46"),
    ("dot_55", "R42"),
    ("dot_4", "R43"),
    ("dot_", "R45"),
    ("hang", "R44"),
    ("slow", "R44"),
    ("silence", "R44"),
    ("reply_", "R48"),
    ("garbage", "R48"),
    ("greeting", "R32"),
    ("ehlo", "R33"),
    ("auth", "R34"),
    ("mail", "R35"),
    ("rcpt", "R38"),
    ("data", "R41"),
)
PIPELINING = {"pipelined": True, "in step": False}
IN_STEP = [name for name, case in CASES.items() if case.phase in ("MAIL", "RCPT", "DATA")]  # where commands go together


def test_every_fault_of_the_vocabulary_has_its_case():
    assert CASES.keys() | STARTTLS.keys() | set(BODY) == FAULTS.keys()


def numbered(name: str) -> str:
    """A case by the number of its fault: `-k R43` runs what the catalogue lists there."""
    return f"{next(number for part, number in NUMBERS if part in name)}-{name}"


LONG = MESSAGE + b"a line of a message that fills the buffers of both sides\r\n" * 100_000


def without_pipelining(script: Script) -> Script:
    left = tuple(line for line in script.extensions if line != "PIPELINING")
    return Script(steps=script.steps, extensions=left, starttls=script.starttls)


async def check(house: House, case: Case, state: str, given) -> None:
    first = house.attempts(given)[0]
    assert (first.scope, first.phase) == (case.scope, case.phase), first
    assert house.delivery(given).state == state


@pytest.mark.parametrize("name", CASES, ids=numbered)
async def test_a_provider_that_misbehaves_alone(make_house, make_provider, name):
    await misbehave(make_house, make_provider(fault(name)), CASES[name])


@pytest.mark.parametrize("name", IN_STEP, ids=numbered)
async def test_a_provider_without_pipelining_that_misbehaves(make_house, make_provider, name):
    await misbehave(make_house, make_provider(without_pipelining(fault(name))), CASES[name])


async def misbehave(make_house, provider, case: Case) -> None:
    house = await make_house(provider.settings(username="user", password="a-providers-password"))
    given = await house.deliver()
    await check(house, case, case.alone, given)
    assert provider.ledger.copies_for(BOB) == case.copies
    assert (len(house.attempts(given)), house.delivery(given).lease_node) == (1, "")
    assert not provider.ledger.violations
    await house.means.pool.close()
    await until(lambda: not provider._conversations)  # no connection is left behind


@pytest.mark.parametrize("name", CASES, ids=numbered)
async def test_a_provider_that_misbehaves_with_a_good_one_behind_it(pair, name):
    case = CASES[name]
    house, bad, good = await pair(fault(name))
    given = await house.deliver()
    await check(house, case, case.followed, given)
    failed_over = case.followed == "delivered"
    assert good.ledger.copies_for(BOB) == failed_over
    assert bad.ledger.copies_for(BOB) == case.copies
    assert len(house.attempts(given)) == 1 + failed_over
    if failed_over:
        assert house.delivery(given).provider == "second"
        assert house.attempts(given)[0].result == "failed_over"
    else:
        assert good.ledger.connections == 0  # it was never asked


@pytest.mark.parametrize("kind", ["other-name", "unknown-authority", "expired"])
async def test_R31_a_certificate_that_does_not_verify_fails_over_and_is_never_downgraded(pair, kind):
    house, bad, good = await pair(Script(starttls=True, certificate=kind))
    given = await house.deliver()
    await check(house, Case("connection", "STARTTLS", ""), "delivered", given)
    assert "AUTH" not in "".join(line for _, line in bad.ledger.commands)
    assert not any(line.startswith("MAIL") for _, line in bad.ledger.commands)
    assert good.ledger.copies_for(BOB) == 1


@pytest.mark.parametrize("name", STARTTLS)
async def test_starttls_that_fails_fails_over(pair, name):
    house, bad, good = await pair(Script(starttls=True, steps=fault(name).steps))
    given = await house.deliver()
    await check(house, Case(STARTTLS[name], "STARTTLS", ""), "delivered", given)
    assert (good.ledger.copies_for(BOB), bad.ledger.copies_for(BOB)) == (1, 0)
    assert not any(line.startswith(("AUTH", "MAIL")) for _, line in bad.ledger.commands)


async def test_R33_no_credential_goes_out_where_STARTTLS_was_stripped(make_house, make_provider):
    stripped = make_provider(Script())
    house = await make_house(stripped.settings(tls="starttls", host="localhost", username="u", password="p" * 20))
    given = await house.deliver()
    assert house.delivery(given).state == "deferred"
    assert not any(line.startswith(("AUTH", "MAIL")) for _, line in stripped.ledger.commands)


async def test_R33_a_provider_that_hides_AUTH_is_left_for_the_next_one(pair):
    house, bad, _good = await pair(Script(auth=()))
    given = await house.deliver()
    await check(house, Case("connection", "AUTH", ""), "delivered", given)
    assert not any(line.startswith("MAIL") for _, line in bad.ledger.commands)


async def test_R30_a_host_without_an_address_is_a_matter_of_the_provider(make_house):
    provider = {"name": "lost", "provider": "smtp", "host": "nowhere.invalid", "port": 25, "tls": "none"}
    house = await make_house(provider)
    given = await house.deliver()
    assert (house.delivery(given).state, house.attempts(given)[0].scope) == ("deferred", "connection")
    assert "no address" in house.delivery(given).reply


async def test_R31_a_refused_connection_fails_over_in_the_same_round(pair):
    house, first, _second = await pair()
    first.refuse()
    given = await house.deliver()
    assert house.delivery(given).state == "delivered"
    assert [a.provider for a in house.attempts(given)] == ["first", "second"]


@pytest.mark.parametrize(("name", "phase"), BODY.items())
async def test_a_provider_that_breaks_off_in_mid_message_cannot_have_taken_it(make_house, make_provider, name, phase):
    bad, good = make_provider(fault(name)), make_provider()
    house = await make_house(bad.settings("bad"), good.settings("good", weight=0, failover=True))
    given = await house.deliver(data=LONG)
    assert (house.delivery(given).state, house.attempts(given)[0].phase) == ("delivered", phase)
    assert (good.ledger.copies_for(BOB), bad.ledger.copies_for(BOB)) == (1, 0)


async def test_a_provider_that_refuses_the_content_in_mid_message_and_hangs_up_has_answered(make_house, make_provider):
    bad, good = make_provider(Script().on(body=HalfClose("554 5.7.1 no"))), make_provider()
    house = await make_house(bad.settings("bad"), good.settings("good", weight=0, failover=True))
    given = await house.deliver(data=LONG)
    assert (house.delivery(given).state, good.ledger.copies_for(BOB)) == ("bounced", 0)
    assert house.delivery(given).reply == "554 5.7.1 no"


async def test_R44_a_reply_that_drips_is_waited_for(make_house, make_provider):
    house = await make_house(make_provider(Script().on(mail=Drip("250 2.1.0 ok", 0.005))).settings())
    assert house.delivery(await house.deliver()).state == "delivered"


async def test_a_multi_line_reply_is_read_whole(make_house, make_provider):
    provider = make_provider(Script().on(rcpt="550 5.1.1 no such user\n5.1.1 see https://example.net\n5.1.1 bye"))
    house = await make_house(provider.settings())
    given = await house.deliver()
    assert house.delivery(given).reply.startswith("550 5.1.1 no such user")
    assert house.settled[0].hard


@pytest.mark.parametrize("pipelining", PIPELINING.values(), ids=PIPELINING)
async def test_R38_each_recipient_of_a_transaction_has_an_outcome_of_its_own(make_house, make_provider, pipelining):
    script = Script() if pipelining else without_pipelining(Script())
    refused = {"gone@example.net": "550 5.1.1 no such user", "full@example.net": "452 4.2.2 mailbox full"}
    provider = make_provider(script.for_recipient(**refused))
    house = await make_house(provider.settings())
    given = await house.deliver("gone@example.net", "a@example.net", "full@example.net", "b@example.org")
    assert house.states(given) == ["bounced", "delivered", "deferred", "delivered"]
    (taken,) = provider.ledger.taken  # one, whatever their domains
    assert taken.rcpt_to == ("a@example.net", "b@example.org")


@pytest.mark.parametrize("pipelining", PIPELINING.values(), ids=PIPELINING)
async def test_R46_the_others_of_a_crowded_transaction_go_in_another(make_house, make_provider, pipelining):
    provider = make_provider(_crowded(Script() if pipelining else without_pipelining(Script()), at_once=2))
    house = await make_house(provider.settings())
    to = [f"r{n}@example.net" for n in range(5)]
    given = await house.deliver(*to)
    assert house.states(given) == ["delivered"] * 5
    assert [len(t.rcpt_to) for t in provider.ledger.taken] == [2, 2, 1]
    assert house.means.healths.state("lab") == "closed"


def _crowded(script: Script, at_once: int) -> Script:
    count = 0

    def mail(_asked):
        nonlocal count
        count = 0

    def rcpt(_asked):
        nonlocal count
        count += 1
        return "452 4.5.3 too many recipients" if count > at_once else None

    return script.on(mail=mail, rcpt=rcpt)


async def test_a_recipient_refused_leaves_the_connection_for_the_next_message(make_house, make_provider):
    provider = make_provider(Script().for_recipient(**{"gone@example.net": "550 5.1.1 no such user"}))
    house = await make_house(provider.settings())
    await house.deliver("gone@example.net")
    given = await house.deliver()
    assert house.delivery(given).state == "delivered"
    assert provider.ledger.connections == 1


async def test_a_refused_RSET_ends_the_connection_and_nothing_else(make_house, make_provider):
    script = Script().for_recipient(**{"gone@example.net": "550 5.1.1 no such user"}).on(rset="500 5.5.2 what")
    provider = make_provider(script)
    house = await make_house(provider.settings())
    refused, given = await house.deliver("gone@example.net"), await house.deliver()
    assert (house.delivery(refused).state, house.delivery(given).state) == ("bounced", "delivered")
    assert provider.ledger.connections == 2


async def test_a_connection_lost_while_it_is_reset_takes_no_outcome_back(make_house, make_provider):
    script = Script().for_recipient(**{"gone@example.net": "550 5.1.1 no such user"}).on(rset=Drop())
    house = await make_house(make_provider(script).settings())
    assert house.delivery(await house.deliver("gone@example.net")).state == "bounced"


async def test_what_was_said_unasked_is_never_taken_for_an_answer(make_house, make_provider):
    said = Taken(Raw(b"250 2.0.0 taken\r\n421 4.4.2 idle for too long\r\n"))
    provider = make_provider(Script().on(dot=said))
    house = await make_house(provider.settings())
    first, second = await house.deliver(), await house.deliver()
    assert (house.delivery(first).state, house.delivery(second).state) == ("delivered", "delivered")
    assert (provider.ledger.connections, provider.ledger.copies_for(BOB)) == (2, 2)


async def test_a_kept_connection_that_is_over_is_replaced_without_a_failure(make_house, make_provider):
    provider = make_provider()
    house = await make_house(provider.settings())
    await house.deliver()
    provider.hang_up()
    given = await house.deliver()
    assert house.delivery(given).state == "delivered"
    assert [a.result for a in house.attempts(given)] == ["delivered"]
    assert house.means.healths.of("lab").failures == 0


@pytest.mark.parametrize(("phase", "said"), [("rcpt", "354 what"), ("data", "250 ok"), ("data", "354 go\r\n250 taken")])
async def test_an_answer_that_is_none_is_no_verdict_on_anybody(make_house, make_provider, phase, said):
    provider = make_provider(Script().on(**{phase: Raw(f"{said}\r\n".encode())}))
    house = await make_house(provider.settings())
    given = await house.deliver()
    assert (house.delivery(given).state, house.attempts(given)[0].scope) == ("deferred", "connection")


async def test_a_354_although_nobody_was_accepted_gets_an_empty_message(make_house, make_provider):
    provider = make_provider(Script().on(rcpt=Raw(b"550 5.1.1 no such user\r\n354 go ahead\r\n")))
    house = await make_house(provider.settings())
    assert house.delivery(await house.deliver()).state == "bounced"
    provider.ledger.wait(lambda seen: [line for _, line in seen.commands][-2:] == ["DATA", "."])


async def test_garbage_after_the_dot_is_uncertain(make_house, make_provider):
    provider = make_provider(Script().on(dot=Taken(Raw(b"OK, thanks\r\n"))))
    house = await make_house(provider.settings())
    assert house.delivery(await house.deliver()).state == "uncertain"


async def test_R44_silence_ends_with_the_timeout_of_its_phase(make_house, make_provider):
    provider = make_provider(Script().on(rcpt=Hang()))
    house = await make_house(provider.settings())
    given = await house.deliver()
    assert house.delivery(given).reply == "no answer to RCPT in time"
