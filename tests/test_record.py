"""What tclean says itself: where the peak residual rises in a minor cycle, CLEAN is going wrong."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import write_cube
from checks import confetti_check
from skies import Products

from confetti_task import rising_channels
from confetti_task.private.core.minor_cycles import rises

FALLING = {"startPeakRes": [5.0, 1.2, 0.4], "peakRes": [1.0, 0.3, 0.1], "cycleThresh": [1.0, 0.3, 0.1]}
RISING = {"startPeakRes": [5.0, 1.2, 0.9], "peakRes": [1.0, 2.4, 0.1], "cycleThresh": [1.0, 0.3, 0.1]}
# The clean mask grows, and takes in what had been outside.
GROWING = {"startPeakRes": [5.0, 4.0, 3.0], "peakRes": [1.0, 2.4, 0.1], "cycleThresh": [1.0, 2.4, 0.1]}


def record(*channels, full=True, number=np.array):
    """What tclean returns, with some minor cycles of each channel."""
    names = ("startPeakRes", "peakRes", "cycleThresh") if full else ("peakRes", "cycleThresh")
    cycles = [{name: number(channel[name]) for name in names} for channel in channels]
    return {"stopcode": 2, "summaryminor": {0: {n: {0: each} for n, each in enumerate(cycles)}}}


def old_record(*channels):
    """The same as CASA returned it before 6.5.3: a column for each minor cycle of each channel."""
    columns = [
        [10, channel["peakRes"][cycle], 0, channel["cycleThresh"][cycle], 0, number]
        for cycle in range(3)
        for number, channel in enumerate(channels)
    ]
    return {"summaryminor": np.array(columns, dtype=float).T}


@pytest.mark.parametrize("full", [True, False])
def test_a_channel_in_which_the_peak_residual_rises_in_a_minor_cycle_is_named(full):
    assert rising_channels(record(FALLING, RISING, GROWING, full=full)) == [1]


def test_the_record_of_an_older_casa_says_the_same():
    assert rising_channels(old_record(FALLING, RISING, GROWING)) == [1]


def test_a_residual_that_ran_away_has_risen():
    runaway = dict(FALLING, peakRes=[1.0, np.nan, np.inf])
    assert rises(record(FALLING, runaway))[1] == np.inf


def test_of_several_polarizations_the_largest_rise_counts():
    two = record(FALLING)
    two["summaryminor"][0][0][1] = {name: np.array(values) for name, values in RISING.items()}
    assert rises(two)[0] == pytest.approx(2.0)


def test_where_nothing_was_cleaned_nothing_rose():
    assert rising_channels({"summaryminor": {0: {}}}) == []
    assert rising_channels({"summaryminor": np.zeros((6, 0))}) == []


@pytest.mark.parametrize("wrong", [{}, {"stopcode": 2}, None, "text"])
def test_what_is_no_record_is_refused(wrong):
    with pytest.raises(ValueError, match="record should be what tclean returned"):
        rising_channels(wrong)


def check(given, **parameters):
    """The result of a check of seven channels with nothing wrong in them, and the column of the rises."""
    if not os.path.exists("line.model"):
        write_cube("line", Products())
    result = confetti_check(imagename="line", record=given, **parameters)
    return result, QTable.read(result["channeltable"])["rise"]


def test_such_a_channel_is_suspicious_whatever_the_images_look_like():
    result, rise = check(record(*[FALLING] * 4, RISING, *[FALLING] * 2))
    assert (result["verdict"], result["suspects"]) == ("suspicious", [4])
    assert rise[4] == pytest.approx(2.0)


def test_without_a_record_nothing_is_known():
    result, rise = check("")
    assert result["verdict"] == "clean"
    assert np.isnan(rise).all()


def test_a_record_may_be_in_a_file():
    given = record(*[FALLING] * 6, RISING)
    np.save("record.npy", given)
    assert check("record.npy")[0]["suspects"] == [6]
    with open("record.json", "w", encoding="utf-8") as file:
        json.dump(record(*[FALLING] * 6, RISING, number=list), file)
    result, _ = check("record.json", overwrite=True)
    assert result["suspects"] == [6]
    assert "record='record.json'" in QTable.read(result["table"]).meta["call"]


def test_those_of_pieces_follow_each_other_and_those_of_runs_are_of_the_same_channels():
    pieces = [record(FALLING, RISING, FALLING), record(*[FALLING] * 3, RISING)]
    assert check(pieces)[0]["suspects"] == [1, 6]
    runs = [record(*[FALLING] * 7), record(*[FALLING] * 2, RISING, *[FALLING] * 4)]
    assert check(runs, overwrite=True)[0]["suspects"] == [2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.json", "record='missing.json' is no file"),
        ("line.model", "record='line.model' is no file"),
        ({}, r"record\[0\] should be what tclean returned"),
        ({"imagename": "line"}, r"record\[0\] should be what tclean returned"),
        (record(*[FALLING] * 8), "record is of a cube with 8 channels, but line has 7"),
    ],
)
def test_a_record_that_cannot_be_read_or_is_of_another_cube_is_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        check(given)


@pytest.mark.tclean
@pytest.mark.long
def test_what_tclean_names_itself_is_wrong_and_a_guarded_clean_is_not(observation):
    """Of one careless clean in two forms, and of one that goes back where a channel goes wrong."""
    import inspect

    from casatasks import tclean
    from guarded_clean import guarded_clean

    from scripts.simulate.simulation import CARELESS, read_images, settings, true_images
    from scripts.simulate.truth import judge

    if not {"nmajor", "fullsummary"} <= set(inspect.signature(type(tclean).__call__).parameters):
        pytest.skip("this tclean has no nmajor or no fullsummary")
    first, number = 14, 4
    truth = true_images(observation.vis, "noise", observation.sky)
    cubes = {
        name: getattr(truth, name)[first : first + number] for name in ("model", "restored", "noise", "sigma", "inside")
    }
    truth = truth._replace(**cubes)

    def errors(name):
        return np.abs(judge(*read_images(name), truth).strict * truth.inside).max(axis=(1, 2))

    careless = dict(settings(observation.size), **CARELESS[0])
    careless.update(start=first, nchan=number, nmajor=4)
    given = tclean(vis=observation.vis, imagename="careless", fullsummary=True, **careless)
    rising = rising_channels(given)
    assert rising
    assert errors("careless")[rising].min() > 10
    for cycles in (cycles for channel in given["summaryminor"][0].values() for cycles in channel.values()):
        del cycles["startPeakRes"]
    short = rising_channels(given)
    assert short
    assert errors("careless")[short].min() > 10
    gain = careless.pop("gain")
    assert guarded_clean(observation.vis, "guarded", careless, gain) < gain
    assert errors("guarded").max() < 0.3 * errors("careless").max()


def test_a_reclean_in_which_the_residual_rises_ends_and_begins_more_gently(monkeypatch):
    """Where it rises in a channel that is cleaned again; nothing is cleaned in the others."""
    from confetti_task.private import task_confetti_reclean as task
    from confetti_task.private.reclean.verify import UnstableError, check_stable

    plan = SimpleNamespace(to_clean=lambda run: [11, 13])
    check_stable(plan, (10, 14), record(FALLING, FALLING, RISING))
    check_stable(plan, (10, 14), None)  # not what tclean returns: nothing is known
    with pytest.raises(UnstableError, match="of channels 11"):
        check_stable(plan, (10, 14), record(FALLING, RISING, RISING))

    attempts = []

    def run(plan, cube, tables, stop_if_unstable):
        if stop_if_unstable:
            raise UnstableError([11])
        return []

    monkeypatch.setattr(task, "_prepare", lambda job, todo: attempts.append((job.gain, job.depth)))
    monkeypatch.setattr(task, "_run", run)
    monkeypatch.setattr("confetti_task.private.reclean.attempts.usual_noise", lambda *_: 2.0)
    monkeypatch.setattr(task, "prove", lambda *_: None)
    monkeypatch.setattr(task, "before_new_images", lambda *_: None)
    monkeypatch.setattr(task, "_finish", lambda *_: {"warnings": []})
    monkeypatch.setattr(task, "after_new_images", lambda *_: None)
    job = task.Job(**dict.fromkeys(task.Job._fields))._replace(gain=0.1, depth=0.0, tables=(None, None))
    todo = task.Todo([11], [], [], "subcubes", 3, False, True)
    (warning,) = task._mend(job, todo, [])["warnings"]
    assert "rose by half in a minor cycle of channels 11" in warning
    assert attempts == [(0.1, 0.0), (0.05, 6.0)]
