"""What sessions count and whether there is room stands in the metrics of the process."""

from prometheus_client import generate_latest

from relay.http.metrics import Sum
from tests.support.inside import Inside
from tests.support.settings import USER


def test_the_metrics_tell_what_the_sessions_counted(inside: Inside) -> None:
    with inside.connect(login=False) as client:
        assert client.login(USER, "a-wrong-password-0123456789").code == 535
    with inside.connect(), inside.api() as api:
        shown = api.get("/metrics").text
    assert 'gatepost_smtp_total{what="logins"} 1.0' in shown
    assert 'gatepost_smtp_total{what="logins_wrong"} 1.0' in shown
    assert "gatepost_room 1.0" in shown


def test_whoever_is_asked_adds_up_all_workers() -> None:
    first = (
        "# TYPE gatepost_smtp counter\n"
        'gatepost_smtp_total{what="logins"} 2.0\ngatepost_sessions 3.0\ngatepost_ready 1.0\n'
    )
    second = (
        "# TYPE gatepost_smtp counter\n"
        'gatepost_smtp_total{what="logins"} 5.0\ngatepost_smtp_total{what="tls"} 1.0\n'
        "gatepost_sessions 4.0\ngatepost_ready 0.0\n"
    )
    shown = generate_latest(Sum([first, second])).decode()
    assert 'gatepost_smtp_total{what="logins"} 7.0' in shown
    assert 'gatepost_smtp_total{what="tls"} 1.0' in shown
    assert "gatepost_sessions 7.0" in shown
    assert "gatepost_ready 1.0" in shown
