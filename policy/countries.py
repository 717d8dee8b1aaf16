"""The words for where a recipient lives: the country codes of ISO 3166-1, and the few others people write.

Any other word names no place, so that the law protecting the recipient would be unknown. It is
refused as input; if already stored, it counts as unknown.
"""

# ISO 3166-1 alpha-2, lower case.
COUNTRIES = frozenset(
    """
    ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca
    cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo fr ga
    gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp
    ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms
    mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs
    ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw
    tz ua ug um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
    """.split()  # noqa: SIM905 - a table, not two hundred lines
)
# Anywhere in the European Union or the European Economic Area.
EUROPE = ("eu", "eea")
_SAME = {"uk": "gb"}


def code_of(place: str) -> str:
    """The code of a place in lower case; "" for a word that names no place."""
    word = place.strip().lower()
    code = _SAME.get(word, word)
    return code if code in COUNTRIES or code in EUROPE else ""


def check_place(place: str) -> str:
    """Returns the word unchanged, even if empty; raises ValueError for one that names no place."""
    if place and not code_of(place):
        raise ValueError(f"is not a country: {place[:40]!r}; write its two letters (ISO 3166) as DE, or EU, EEA, UK")
    return place
