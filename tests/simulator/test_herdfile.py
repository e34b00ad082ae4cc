"""The herd file: every number with its source, and a file of one's own laid over it."""

import pytest

from simulator.herdfile import DEFAULT_PATH, SOURCES, HerdError, load_herd, sources


def herd_file(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_every_number_of_the_package_says_where_it_comes_from():
    found = sources()
    assert len(found) > 100
    assert set(found.values()) == set(SOURCES)


def test_a_herd_file_changes_only_what_it_names(tmp_path):
    path = herd_file(tmp_path, '[herd]\nhousing = "pasture"\n[posture]\nlying_median_min = 60\n')
    mine, ours = load_herd(path), load_herd()
    assert mine["herd"]["housing"] == "pasture"
    assert mine["posture"]["lying_median_min"] == 60
    assert mine["posture"] | {"lying_median_min": 0} == ours["posture"] | {"lying_median_min": 0}
    assert mine["housing"] == ours["housing"]
    assert ours["herd"]["housing"] == "freestall"


def test_a_number_of_ones_own_may_say_its_source_too(tmp_path):
    line = 'lying_median_min = { value = 61, source = "measured", from = "my heifers" }'
    assert load_herd(herd_file(tmp_path, f"[posture]\n{line}\n"))["posture"]["lying_median_min"] == 61


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[posture]\nlying_median_min = 6000\n", "posture.lying_median_min=6000: want 5..600"),
        ("[posture]\nlying_median_min = true\n", "posture.lying_median_min=True: want a number"),
        ("[posture]\nlying_median_min = 'long'\n", "posture.lying_median_min='long': want a number"),
        ("[posture]\nsleeps = 1\n", "posture.sleeps is not a field of herd.toml; there are "),
        ("[moon]\nx = 1\n", "moon is not a field of herd.toml"),
        ("posture = 1\n", "posture=1: want a table"),
        ("[herd]\nhousing = 'tent'\n", "herd.housing='tent': want one of freestall, pasture"),
        ("[herd]\nzone = 4\n", "herd.zone=4: want a text"),
        ("[herd]\nzone = 'Mars/Olympus'\n", "herd.zone='Mars/Olympus': want an IANA time zone"),
        ("[herd]\ngroup_cows = 9.5\n", "herd.group_cows=9.5: want a whole number"),
        ("[herd]\nnames = 'Ada'\n", "herd.names='Ada': want a list"),
        ("[next]\nlie = [1.0]\n", "next.lie has 1 entries: want 2"),
        ("[housing.pasture]\nmilking_h = [5, 25]\n", "housing.pasture.milking_h[1]=25: want 0..24"),
        ("[posture]\nlying_median_min = { value = 60, source = 'heard' }\n", "source='heard', want one of"),
        ("[posture]\nlying_median_min = { value = 60, source = 'assumed' }\n", "'from' does not say"),
        ("[posture\n", "mine.toml: "),
    ],
)
def test_bad_input_is_told_with_field_value_and_bound(tmp_path, text, complaint):
    with pytest.raises(HerdError) as told:
        load_herd(herd_file(tmp_path, text))
    assert complaint in str(told.value)
    assert "mine.toml" in str(told.value)


@pytest.mark.parametrize(
    ("old", "new"), [('source = "assumed"', 'source = "guessed"'), ('value = "freestall", ', "")]
)
def test_a_whole_herd_file_without_a_source_is_refused(tmp_path, old, new):
    whole = DEFAULT_PATH.read_text(encoding="utf-8").replace(old, new, 1)
    with pytest.raises(HerdError):
        sources(herd_file(tmp_path, whole))
