from tests.http.office import DOMAIN, OTHER


async def test_a_message_is_queued_and_the_answer_has_the_briefs_fields(office):
    told = await office.send()
    assert told["status"] == "queued"
    assert told["decision"] == "approved"
    assert told["sendId"].startswith("send_")
    assert told["replayed"] is False
    assert {"rate_limit_hourly", "suppression_check", "content_classification"} <= {c["rule"] for c in told["checks"]}
