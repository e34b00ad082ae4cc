"""What is committed is what `make train` makes of the packs, to the byte: recordings, chip, fits."""

from __future__ import annotations

import pytest

from relay.training import collar_tables
from relay.training.__main__ import MODEL, TABLES, fitted, recorded, text_of


def test_the_committed_model_and_tables_are_what_the_packs_give(data_folder, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: only training needs it")
    extract = recorded(data_folder, tmp_path)
    assert text_of(fitted(extract)) == MODEL.read_text(encoding="utf-8"), "make train, and look at the change"
    tables = tmp_path / "tables.py"
    collar_tables.write(extract, tables)
    assert tables.read_text() == TABLES.read_text(), "make train, and look at the change"
