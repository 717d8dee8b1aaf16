"""What sessions count and whether there is room stands in the metrics of the process."""

from tests.support.inside import Inside
from tests.support.settings import USER


def test_the_metrics_tell_what_the_sessions_counted(inside: Inside) -> None:
    with inside.connect(login=False) as client:
        assert client.login(USER, "a-wrong-password-0123456789").code == 535
    with inside.connect(), inside.api() as api:
        shown = api.get("/metrics").text
    assert "gatepost_smtp_logins 1.0" in shown
    assert "gatepost_smtp_logins_wrong 1.0" in shown
    assert "gatepost_room 1.0" in shown
