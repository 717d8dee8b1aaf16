"""Where the shared corpora lie; a test that finds them missing is skipped and says so."""

from pathlib import Path

import pytest

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora folder is missing: {CORPORA.name}")
