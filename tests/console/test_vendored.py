"""What others made and we ship is what the manifest says, to the last octet."""

import json
from hashlib import sha256

from relay.http.console.render import STATIC, TEMPLATES, environment

MANIFEST = json.loads((STATIC / "vendor.json").read_text())["vendored"]


def test_a_vendored_file_is_the_one_of_the_manifest():
    for entry in MANIFEST:
        assert sha256((STATIC / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], entry["file"]
        assert entry["version"]
        assert entry["license"]


def test_everything_minified_is_in_the_manifest():
    assert {p.name for p in STATIC.glob("*.min.*")} == {entry["file"] for entry in MANIFEST}


def test_every_template_compiles():
    for path in TEMPLATES.glob("*.html"):
        environment().get_template(path.name)


def test_our_own_scripts_and_styles_ask_nobody_else():
    for path in [*STATIC.glob("*.js"), *STATIC.glob("*.css")]:
        if ".min." not in path.name:
            text = path.read_text()
            assert "http://" not in text
            assert "https://" not in text
            assert "innerHTML" not in text
            assert "eval(" not in text
