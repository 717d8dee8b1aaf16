"""What counts as a flaw, with the words that show it; and what looks like one and is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.content import Content
from policy.flaws import CLIPPED, KINDS, flaws, told

GREETING = "Hello Bob,\n\nyour order has shipped.\n"


def found(subject: str = "Your order 4711", text: str = GREETING, **more) -> list[tuple[str, str]]:
    return [(flaw.kind, flaw.shown) for flaw in flaws(Content(subject, text, **more))]


@pytest.mark.parametrize(
    "left",
    [
        "[Your Name]",
        "[recipient's first name]",
        "[Company Name]",
        "[Name]",
        "[Insert meeting link here]",
        "[your phone number]",
        "[Ihr Name]",
        "[Votre nom]",
        "<insert date>",
        "<your name>",
        "{{ first_name }}",
        "{{contact.firstname | default: 'there'}}",
        "{% if user %}",
        "*|FNAME|*",
        "%FIRST_NAME%",
        "{firstname}",
        "{Company Name}",
    ],
)
def test_what_was_to_be_filled_in_is_a_flaw_wherever_it_is_left(left):
    assert found(text=f"Dear Bob,\nwe spoke last week.\nBest regards,\n{left}\n") == [("placeholder_left", left)]
    assert found(subject=f"Hello {left}") == [("placeholder_left", left)]


@pytest.mark.parametrize("greeting", ["Dear undefined,", "Hi null,", "Hello [object Object]!", "Liebe NaN,"])
def test_so_is_a_greeting_of_nobody(greeting):
    assert found(text=f"{greeting}\n\nyour order has shipped.\n") == [("placeholder_left", greeting.rstrip(",!"))]


@pytest.mark.parametrize(
    "text",
    [
        "[Order 4711] your order has shipped",
        "See [1] and [your account](https://shop.test/account).",
        'The call answers {"name": "bob", "first": [1, 2]}',
        "Set %APPDATA% and ${HOME}, then run a <b> c.",
        "You save 50% on the first 10% of your orders",
        "Dear Nullmann,\nyour order has shipped.",
        "Your name is shown in brackets [like this]",
        "{name: bob} is YAML",
    ],
)
def test_brackets_and_braces_of_other_kinds_are_none(text):
    assert found(text=text) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("As an AI language model, I cannot know your order.", "As an AI language model"),
        ("I can't assist with that request.", "I can't assist with that request"),
        ("Here is a polished follow-up email:\n\nDear Bob,", "Here is a polished follow-up email:"),
        ("Sure! Here's the message for Bob:\n\nDear Bob,", "Sure! Here's the message for Bob:"),
        ("Subject: Following up\n\nDear Bob,", "Subject: Following up"),
        ("**Subject:** Following up\n\nDear Bob,", "**Subject:** Following up"),
    ],
)
def test_the_models_own_words_are_a_flaw(text, shown):
    assert found(text=text) == [("model_speaks", shown)]


@pytest.mark.parametrize(
    "text",
    [
        "Hello Bob, I am Ada, the AI assistant of Acme. Your order has shipped.",
        "Here is the draft of the contract you asked for: see the file.",
        "Here is your invoice.",
        "We cannot fulfill your order before Monday.",
        "The subject: what we talked about yesterday",
    ],
)
def test_an_agent_may_say_what_it_is_and_hand_over_a_draft(text):
    assert found(text=text) == []


@pytest.mark.parametrize(
    ("subject", "flaw"),
    [
        ("", ("subject_empty", "")),
        ("  ", ("subject_empty", "")),
        ("Re: our talk", ("false_answer", "Re:")),
        ("AW[2]: Ihre Frage", ("false_answer", "AW[2]:")),
        ("YOUR ORDER IS WAITING", ("subject_shouts", "")),
        ("Last chance!!!", ("subject_marks", "!!!")),
        ("Earn $$$ today", ("subject_marks", "$$$")),
    ],
)
def test_a_subject_that_is_empty_pretends_or_shouts_is_a_flaw(subject, flaw):
    assert found(subject) == [flaw]


def test_an_answer_to_a_message_and_a_message_passed_on_are_none():
    assert found("Re: our talk", is_reply=True) == []
    assert found("Fwd: our talk") == []
    assert found("Reservation: 4711") == []
    assert found("UPS 1Z999AA10123456784") == []
    assert found("注文番号4711のお知らせ") == []


def test_links_that_hide_where_they_lead_are_flaws():
    assert found(links=("https://www.Bit.ly/3xY", "mailto:a@b.test")) == [("shortened_link", "bit.ly")]
    assert found(links=("http://user@8.8.8.8:8080/login",)) == [("link_to_address", "8.8.8.8")]
    assert found(links=("http://[2001:4860:4860::8888]/",)) == [("link_to_address", "[2001:4860:4860::8888]")]
    assert found(links=("http://10.0.0.5/build/7", "https://habit.ly/", "https://1.example.com/bit.ly")) == []


def test_a_file_that_providers_refuse_a_page_they_cut_off_and_text_they_hide_are_flaws():
    assert found(attachments=("report.pdf", "Setup.EXE")) == [("file_refused", "Setup.EXE")]
    assert found(page=CLIPPED) == []
    assert found(page=CLIPPED + 40_000) == [("page_clipped", "141")]
    assert found(hidden="x" * 5_000) == [("text_hidden", "")]
    assert found(hidden="x" * 900) == []


def test_each_kind_has_words_of_its_own():
    assert told("page_clipped", "141") == "the page has 141 KB, and Gmail shows 102"
    assert len({told(kind, "x") for kind in KINDS}) == len(KINDS)


_HARD = st.lists(
    st.sampled_from(["{{", "}}", "{%", "[", "]", "<", "your ", "insert ", "%first_", "*|", "hi ", "\n", "A"])
)


@given(subject=st.text(max_size=80), text=st.one_of(st.text(), _HARD.map("".join)), link=st.text(max_size=80))
def test_any_text_can_be_looked_through(subject, text, link):
    for flaw in flaws(Content(subject, text, links=(link, f"http://{link}"), attachments=(subject,))):
        assert told(flaw.kind, flaw.shown)
