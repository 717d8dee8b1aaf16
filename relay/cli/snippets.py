"""Settings of a mail client; the console shows the same ones."""

from relay.submission.snippets import Entrance, Login, entrance, snippet

__all__ = ["Entrance", "Login", "entrance", "snippet"]
