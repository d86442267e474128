"""Channel selections as CASA writes them."""

import pytest

from confetti_task.private.images.channels import format_channels, parse_channels


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


def test_channels_are_written_as_they_are_read():
    assert format_channels([20, 17, 18]) == "17~18;20"
    assert format_channels([]) == ""
    assert parse_channels(format_channels([0, 2, 3, 5]), 6) == [0, 2, 3, 5]
