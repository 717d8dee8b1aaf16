"""Generated MIME messages: structures, charsets and transfer encodings a valid message may have."""

import base64
import quopri

from hypothesis import strategies as st

CHARSETS = ["us-ascii", "utf-8", "iso-8859-1", "windows-1252", "iso-8859-15", "koi8-r", "shift_jis", "iso-2022-jp",
            "gb2312", "euc-kr", "big5", ""]  # fmt: skip
LINES = [
    "Hello Bob",
    "",
    "price: 5 €",
    "Grüße",
    "こんにちは",
    "a = b = c.",
    ".",
    "> quoted",
    "x" * 200,
    "trailing ",
    "<b>",
    "Привет",
]
MARKUP = [
    "<html><body><p>{}</p></body></html>",
    "<p>{}",
    "{}",
    "<div>{}<table><tr><td>x",
    "<body>{}<!-- end",
    "<html><head><style>p{{margin:0}}</style></head><body>{}<div style='display:none'>x</body></html>",
]


@st.composite
def leaf(draw, kind: str) -> bytes:
    label = draw(st.sampled_from(CHARSETS))
    eol = "\r\n"
    text = eol.join(draw(st.lists(st.sampled_from(LINES), max_size=5)))
    if kind == "html":
        text = draw(st.sampled_from(MARKUP)).format(text.replace("<b>", "&lt;b&gt;"))
    octets = text.encode(label or "ascii", "replace")
    encoding = draw(st.sampled_from(["7bit" if octets.isascii() else "8bit", "quoted-printable", "base64"]))
    fields = [f"Content-Type: text/{kind}" + (f"; charset={label}" if label else "")]
    if kind == "plain" and draw(st.booleans()):
        fields[0] += "; format=flowed"
    if encoding != "7bit" or draw(st.booleans()):
        fields.append(f"Content-Transfer-Encoding: {encoding}")
    draw(st.randoms(use_true_random=False)).shuffle(fields)
    return (eol.join(fields) + eol + eol).encode() + encoded(octets, encoding, draw(st.sampled_from([76, 75, 33, 4])))


def encoded(octets: bytes, encoding: str, width: int) -> bytes:
    if encoding == "base64":
        text = base64.b64encode(octets)
        return b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    if encoding == "quoted-printable":
        return quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return octets


ATTACHMENTS = st.sampled_from(
    [
        b"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(bytes(range(256))).replace(b"\n", b"\r\n"),
        b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nnotes\r\n",
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR",
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: text/plain\r\n\r\ninner text",
        b"Content-Type: image/png\r\nContent-ID: <i>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
    ]
)


@st.composite
def multipart(draw, kind: str, children: list[bytes], number: int) -> bytes:
    boundary = f"=_{kind}_{number:03d}".encode()
    if draw(st.booleans()):
        head = b"Content-Type: multipart/" + kind.encode() + b';\r\n boundary="' + boundary + b'"\r\n\r\n'
    else:
        head = (
            b"MIME-Version: 1.0\r\nContent-type: Multipart/" + kind.encode() + b'; boundary="' + boundary + b'"\r\n\r\n'
        )
    preamble = draw(st.sampled_from([b"", b"This is a MIME message.\r\n"]))
    body = b"".join(b"--" + boundary + b"\r\n" + child + b"\r\n" for child in children)
    return head + preamble + body + b"--" + boundary + draw(st.sampled_from([b"--\r\n", b"--", b"--\r\nepilogue\r\n"]))


@st.composite
def entity(draw, depth: int = 0) -> bytes:
    kinds = ["plain", "html"] if depth > 2 else ["plain", "html", "alternative", "mixed", "related"]
    kind = draw(st.sampled_from(kinds))
    number = depth * 100 + draw(st.integers(0, 99))  # no multipart has the boundary of one around it
    if kind in ("plain", "html"):
        return draw(leaf(kind))
    if kind == "alternative":
        children = [draw(leaf("plain")), draw(entity(depth + 1))]
        if draw(st.booleans()):
            children.append(b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR")
        return draw(multipart(kind, children, number))
    if kind == "related":
        return draw(
            multipart(kind, [draw(leaf("html")), b"Content-Type: image/png\r\nContent-ID: <x>\r\n\r\nx"], number)
        )
    children = draw(st.lists(st.one_of(entity(depth + 1), ATTACHMENTS), min_size=1, max_size=3))
    return draw(multipart(kind, children, number))


@st.composite
def messages(draw) -> bytes:
    head = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    return head + draw(entity())
