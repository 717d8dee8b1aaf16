"""Settings of a mail client; the console shows the same ones."""

from relay.submission.snippets import Login, best_listener, snippet

__all__ = ["Login", "best_listener", "snippet"]
