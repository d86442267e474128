"""Channel selections as CASA writes them."""

import numpy as np
import pytest

from confetti_task.private.images.channels import format_channels, parse_channels, selection


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("2", [2]),
        ("1~3", [1, 2, 3]),
        ("4;1~2", [1, 2, 4]),
        ("0, 5", [0, 5]),
        ("<2", [0, 1]),
        (" > 3 ", [4, 5]),
    ],
)
def test_selections_are_read(text, channels):
    assert parse_channels(text, 6) == channels


@pytest.mark.parametrize("text", ["a", "3~", "4~2", "6", "<0", ">5", "1;;2", "1km/s"])
def test_what_is_no_selection_is_an_error_that_shows_it(text):
    with pytest.raises(ValueError, match="chans="):
        parse_channels(text, 6)


def test_a_range_that_runs_backwards_is_shown_the_right_way_round():
    with pytest.raises(ValueError, match="chans='1;9~3': '9~3' ends before it begins; write '3~9'"):
        parse_channels("1;9~3", 20)


@pytest.mark.parametrize(
    ("chans", "text"),
    [("3~5; 9", "3~5; 9"), (6, "6"), (0, "0"), ([9, 4, 3], "3~4;9"), (np.arange(3), "0~2"), (6.0, "6")],
)
def test_channels_may_be_numbers(chans, text):
    assert selection(chans) == text


@pytest.mark.parametrize("chans", [[], True, 6.5, np.inf, ["3"], {}, [3, "4"]])
def test_what_are_no_channels_is_refused_with_the_right_form(chans):
    with pytest.raises(ValueError, match="chans=.* should be text like '3~20;25', a channel, or a list of channels"):
        selection(chans)


def test_channels_are_written_as_they_are_read():
    assert format_channels([20, 17, 18]) == "17~18;20"
    assert format_channels([]) == ""
    assert parse_channels(format_channels([0, 2, 3, 5]), 6) == [0, 2, 3, 5]
