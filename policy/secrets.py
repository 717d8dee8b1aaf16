"""Finds credentials that are about to leave in a message, without revealing them.

One pass splits the text into candidate tokens (runs of 16 or more letters, digits
and the other characters keys consist of). Ordinary words are shorter, so few
candidates remain; each is compared with the keys that services issue (`key_shapes`).
Anything shaped like one of the relay's own credentials is checked by the relay,
wherever it occurs. Tokens of no known shape are looked up, by a keyed hash, among
the secrets the operator chose (20 characters or more). Canaries are looked for
everywhere. The whole text is read, in linear time, and a long one in windows.

In what no reader sees (`unseen`: header fields, markup, attached texts) only words
not read before are looked at; signed links are ordinary there, and the keys in them
are not findings.

A finding names the kind and shows the first four characters and the length.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, compress

from msgspec import Struct

from policy import key_shapes
from policy.private_keys import private_keys
from policy.tokens import NO_BLANK, flat, without_invisible

SHORTEST = 16
SHORTEST_CHOSEN = 20
_LONGEST = 4096  # a longer run is data, not a token
_MOST = 20  # findings reported; one is enough to refuse

_CANDIDATE = re.compile(r"[A-Za-z0-9_\-./+=:~]{16,}")
_OWN_BEGINNING = "gp_live_"
_OWN = re.compile(_OWN_BEGINNING + "[a-z2-7]{16}_[a-z2-7]{52}")
_EDGES = ".,:;=/-+~"
# What grep and diff put before a line: file name and line number; a plus or minus sign.
_LISTED = re.compile(r"\A(?:[+-]|(?:[^:]{1,255}?[:-])??\d{1,6}[:-])")
_AROUND = "\"'`()<>[]{}.,:;!?"
_OWN_SIGNS = 3  # how many such signs a chosen secret may itself end in
_CUT = 16  # most pieces of one token
_LONG = NO_BLANK * SHORTEST
_STRETCH = 256  # characters
_WINDOW, _OVERLAP = 256 * 1024, 8 * 1024  # of a long text; the overlap keeps every token and canary whole in one window


class SecretFinding(Struct, frozen=True):
    """A secret that was found; `evidence` is redacted."""

    kind: str
    evidence: str
    is_canary: bool = False


_CHOSEN = "chosen_secret"


def keyed_hash(key: bytes, token: str) -> bytes:
    """A hash that identifies a secret without storing it; only the holder of `key` can compute it."""
    return blake2b(token.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=16).digest()


def redacted(token: str, kind: str) -> str:
    """The first four characters, the length, the kind."""
    return f"{token[:4]}… ({len(token)} characters, {kind})"


def is_recognisable(secret: str) -> bool:
    """Whether a chosen secret is long enough to be looked for without false alarms, and contains no blank."""
    return len(secret) >= SHORTEST_CHOSEN and secret.split() == [secret]


class SecretScanner(Struct, frozen=True):
    """The known secrets of one installation (or tenant), as hashes, and the scan for them.

    `is_own` is called with anything shaped like a Gatepost credential
    (`gp_live_<id>_<secret>`) and says whether it is one. `chosen` holds keyed
    hashes of the secrets the operator named. `canaries` are in plain text.
    `lengths` are those of all secrets that are not recognised by their beginning.
    """

    key: bytes = b"gatepost"
    chosen: frozenset[bytes] = frozenset()
    canaries: tuple[str, ...] = ()
    is_own: Callable[[str], bool] | None = None
    lengths: frozenset[int] = key_shapes.LENGTHS

    @classmethod
    def of(
        cls,
        key: bytes,
        *,
        chosen: Iterable[str] = (),
        canaries: Iterable[str] = (),
        is_own: Callable[[str], bool] | None = None,
    ) -> "SecretScanner":
        """A scanner for these secrets; raises ValueError if a chosen one has under 20 characters or a blank."""
        secrets = frozenset(chosen)
        if not all(map(is_recognisable, secrets)):
            raise ValueError(f"a secret to look for needs {SHORTEST_CHOSEN} characters or more, and no blank")
        return cls(
            key,
            frozenset([keyed_hash(key, secret) for secret in secrets]),
            tuple(sorted(c.lower() for c in canaries if c)),
            is_own=is_own,
            lengths=key_shapes.LENGTHS.union(map(len, secrets)),
        )

    def scan(self, text: str, unseen: Sequence[str] = ()) -> tuple[SecretFinding, ...]:
        """The secrets in the text, in order, then those found only in `unseen`; each once, at most twenty."""
        found: dict[SecretFinding, None] = {}
        for finding in self._all(text, unseen):
            found[finding] = None
            if len(found) >= _MOST:
                break
        return tuple(found)

    def _all(self, text: str, unseen: Sequence[str]) -> Iterator[SecretFinding]:
        read: dict[str, None] = {}
        for window in _windows(text):
            yield from self._findings(window, read, is_seen=True)
        for other in unseen:
            for window in _windows(other):
                yield from self._findings(window, read, is_seen=False)

    def _findings(self, text: str, read: dict[str, None], *, is_seen: bool) -> Iterator[SecretFinding]:
        if is_seen and not text.isascii():
            text = without_invisible(text)  # for unseen text this is done per chunk, as it would cost too much
        yield from self._canaries(text)
        for opening, kind in private_keys(text):
            yield SecretFinding("private_key", redacted(opening, kind))
        # Ordinary words are shorter than any key, so there is hardly anything to look at.
        if chunks := dict.fromkeys(_long_words(text)):
            yield from self._of_chunks(chunks, text, read, is_seen)
            if is_seen:
                read.update(chunks)

    def _of_chunks(
        self, chunks: dict[str, None], text: str, read: dict[str, None], is_seen: bool
    ) -> Iterator[SecretFinding]:
        written = " ".join(chunks)
        tokens = (written if written.isascii() else without_invisible(written)).split(" ")
        suspects = self._suspects(tokens)
        end = 0
        for chunk, token in zip(chunks, tokens, strict=True) if suspects else ():
            start = text.find(chunk, end)  # chunks are in text order: one pass
            end = start + len(chunk)
            if token in suspects and token not in read:
                yield from self._of_chunk(token, text, start, is_seen)

    def _suspects(self, tokens: Sequence[str]) -> Collection[str]:
        """The tokens worth a closer look: with a known beginning, or with a secret that has none."""
        runs = {*_CANDIDATE.findall(" ".join(tokens))}
        shortest = min(self.lengths)
        words = [token for token in tokens if len(token) >= shortest] if self.chosen else ()
        read = chain(map(_bared, words), map(_pieces, [run for run in runs if len(run) >= shortest]))
        readings = {one for each in read for one in each if len(one) in self.lengths}
        telling = {one for one in readings if self._is_chosen(one) or key_shapes.kinds_if_named(one)}
        suspects = {token for token in tokens if not telling.isdisjoint(_readings(token))} if telling else set()
        if _begins(" ".join(runs)):
            suspects.update(filter(_begins, tokens))
        return suspects

    def _of_chunk(self, chunk: str, text: str, start: int, is_seen: bool) -> Iterator[SecretFinding]:
        yield from self._own(chunk)
        yield from self._chosen_whole(chunk)
        for match in _CANDIDATE.finditer(chunk):
            if match.end() - match.start() <= _LONGEST:
                for finding in self._of_token(match.group(), text, start + match.start()):
                    if is_seen or not _is_of_signed_link(finding.kind, chunk, match.group()):
                        yield finding

    def _canaries(self, text: str) -> Iterator[SecretFinding]:
        if not self.canaries:
            return
        lowered = (text if text.isascii() else without_invisible(text)).lower()
        for canary in self.canaries:
            if canary in lowered:
                yield SecretFinding("canary", redacted(canary, "canary"), is_canary=True)

    def _own(self, chunk: str) -> Iterator[SecretFinding]:
        if self.is_own is not None and _OWN_BEGINNING in chunk:
            for own in filter(self.is_own, _OWN.findall(chunk)):
                yield SecretFinding("own_credential", redacted(own, "own_credential"))

    def _chosen_whole(self, chunk: str) -> Iterator[SecretFinding]:
        """Looks up the whole chunk: a secret chosen by a person may contain characters that no generated key has."""
        if self.chosen and not _CANDIDATE.fullmatch(chunk):
            for word in _bared(chunk):
                if self._is_chosen(word):
                    yield SecretFinding(_CHOSEN, redacted(word, _CHOSEN))
                    return

    def _of_token(self, token: str, text: str, start: int) -> Iterator[SecretFinding]:
        for piece in _pieces(token):
            # A chosen secret counts even if it looks like a placeholder.
            kind = (
                _CHOSEN
                if self._is_chosen(piece)
                else key_shapes.recognised(piece) or key_shapes.named(piece, text, start)
            )
            if kind:
                yield SecretFinding(kind, redacted(piece, kind))
                return

    def _is_chosen(self, piece: str) -> bool:
        # The time of a set look-up reveals nothing, because the hash is keyed.
        return bool(self.chosen) and len(piece) in self.lengths and keyed_hash(self.key, piece) in self.chosen


def _begins(words: str) -> bool:
    """Whether these words contain a beginning of any kind of key, our own included."""
    return _OWN_BEGINNING in words or key_shapes.begins(words)


def _windows(text: str) -> Iterator[str]:
    if len(text) <= _WINDOW:
        yield text
    else:
        for start in range(0, len(text), _WINDOW):
            yield text[start : start + _WINDOW + _OVERLAP]


def _long_words(text: str) -> list[str]:
    """The words that are long enough to contain a key, in order."""
    places = flat(text)
    found: list[str] = []
    start = places.find(_LONG)
    while start >= 0:  # only stretches that contain a long word are split
        end = places.find(b" ", start + _STRETCH)
        end = len(places) if end < 0 else end
        words = text[start:end].split()
        found += compress(words, map(SHORTEST.__le__, map(len, words)))
        start = places.find(_LONG, end)
    return found


def _is_of_signed_link(kind: str, chunk: str, token: str) -> bool:
    """Whether it is the access key that a signed link carries for its own server, as its maker intends."""
    if kind == "jwt":
        return "://" in chunk
    if kind == "aws_access_key":
        return ".amazonaws.com/" in chunk and token.startswith(("X-Amz-Credential=", "AWSAccessKeyId="))
    return kind == "gcp_api_key" and ".googleapis.com/" in chunk and token.startswith("key=")


def _readings(chunk: str) -> Iterator[str]:
    """All parts of a chunk that are to be looked up."""
    return chain(_bared(chunk), *map(_pieces, _CANDIDATE.findall(chunk)))


def _bared(chunk: str) -> list[str]:
    """The chunk, the value it assigns and a URL's password, with and without surrounding signs (up to three kept)."""
    assigned = (chunk.partition(":")[2], chunk.partition("=")[2]) if ":" in chunk or "=" in chunk else ()
    lines = [chunk, *assigned]
    if ("-" in chunk or assigned or chunk[:1] == "+") and (listed := _LISTED.match(chunk)):
        lines.append(chunk[listed.end() :])
    words = lines + [line.lstrip(_AROUND) for line in lines]
    in_url = [chunk.partition("://")[2].rpartition("@")[0].partition(":")[2]] if "@" in chunk else []
    signs = len(chunk) - len(chunk.rstrip(_AROUND))
    cut = [word[:-n] for n in range(max(1, signs - _OWN_SIGNS), signs + 1) for word in words] if signs else []
    return words + in_url + cut


def _pieces(token: str) -> list[str]:
    """The token as is, without surrounding signs, and split at the separators of assignments, paths and URLs."""
    bare = token.strip(_EDGES)
    pieces = [token] if bare == token else [token, token.rstrip(".,:"), bare]
    if listed := _LISTED.match(bare):
        pieces.append(bare[listed.end() :])
    for sign in ":=/":
        if sign in bare:
            pieces.append(token.partition(sign)[2].rstrip(".,:"))
            pieces += [piece for piece in bare.split(sign, _CUT)[:_CUT] if len(piece) >= SHORTEST]
    return pieces
