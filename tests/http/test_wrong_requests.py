"""Requests that are wrong name what is wrong; what is not given may be null."""

import pytest


@pytest.mark.parametrize("path", ["/v1/send/request", "/v1/send/simulate"])
@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"to": None}, "to", "at least one recipient is needed"),
        ({"text": None}, "body", "give body, text or html"),
        ({"headers": {"Reply-To": "x@example.com"}}, "headers.Reply-To", "cannot be set here; give replyTo"),
        ({"headers": {"Received": "x"}}, "headers.Received", "cannot be set here"),
        ({"attachments": [{"content": "%"}]}, "attachments[0].content", "is not base64"),
    ],
)
async def test_what_is_wrong_names_its_field(office, path, changes, field, message):
    body = {"mailboxId": "agent", "to": "bob@example.com", "subject": "s", "text": "t"}
    refused = await office.post(path, body | changes)
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": field, "message": message}])


async def test_null_for_what_may_be_left_out_is_leaving_it_out(office):
    nothing = dict.fromkeys(("cc", "bcc", "replyTo", "html", "attachments", "headers", "campaign", "metadata", "class"))
    assert (await office.send(**nothing))["status"] == "queued"
