"""What the workers of one machine write down together."""

from relay.submission.slate import PLACES, Slate


def test_what_one_worker_writes_the_other_reads() -> None:
    descriptor = Slate.make()
    one, other = Slate(descriptor), Slate(descriptor)
    one.write("failed 192.0.2.7", 1 << 60)
    other.write("failed \udc80", 7)
    assert (other.read("failed 192.0.2.7"), one.read("failed \udc80"), one.read("failed 192.0.2.8")) == (1 << 60, 7, 0)


def test_however_many_names_there_are_the_latest_are_known() -> None:
    slate = Slate.alone()
    for number in range(1, 3 * PLACES):
        slate.write(f"name {number}", number)
    known = [number for number in range(1, 3 * PLACES) if slate.read(f"name {number}")]
    assert len(known) <= PLACES
    assert set(range(3 * PLACES - PLACES // 32, 3 * PLACES)) <= set(known)
    assert all(slate.read(f"name {number}") == number for number in known)
