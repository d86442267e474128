"""Two real observations of calibrators, imaged with the real tclean: what is wrong there is said, and mended."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import copy_here, read_image, working_in
from checks import confetti_check
from conftest import REAL

from confetti_task import confetti_reclean
from scripts.evaluation.run_real_observations import ATCA, SNAPSHOT, SNAPSHOT_BEAM, VLA, WHOLE, calibrate
from scripts.simulate.simulation import clean

pytestmark = [
    pytest.mark.tclean,
    pytest.mark.long,
    pytest.mark.skipif(
        not (REAL / VLA).exists() or not (REAL / ATCA).exists(),
        reason="the real observations are not in $REAL_OBSERVATIONS",
    ),
]

FEW = dict(WHOLE, imsize=128, nchan=16, start=16)
CAREFUL = {"gain": 0.1, "cyclefactor": 2.0, "threshold": "60mJy", "niter": 20000}
CARELESS = {"gain": 0.7, "cyclefactor": 0.4, "threshold": "1mJy", "niter": 3000}


@pytest.fixture(scope="module")
def vla(tmp_path_factory):
    """A folder with the calibrated VLA data."""
    with working_in(tmp_path_factory.mktemp("vla")) as folder:
        calibrate(REAL / VLA, "cal.ms", 1.0, "4", gains=True)
    return folder


@pytest.fixture(scope="module")
def atca(tmp_path_factory):
    """A folder with the calibrated ATCA data."""
    with working_in(tmp_path_factory.mktemp("atca")) as folder:
        calibrate(REAL / ATCA, "cal.ms", 10.0, "1", gains=False)
    return folder


def test_all_channels_that_are_wrong_by_30_sigma_are_named_and_mended(vla):
    copy_here(vla, "cal.ms")
    clean("cal.ms", "careful", [CAREFUL], FEW)
    clean("cal.ms", "careless", [CARELESS], FEW)
    assert confetti_check(imagename="careful")["verdict"] == "clean"
    result = confetti_check(imagename="careless")
    wrong = differences("careless")
    assert np.count_nonzero(wrong >= 30) >= 5
    assert set(np.flatnonzero(wrong >= 30)) <= set(result["diverged"])
    assert (wrong[result["channels"]] > 3).all()
    mended = confetti_reclean(imagename="careless")
    assert mended["after"]["diverged"] == []
    assert (differences(mended["imagename"])[mended["channels"]] < 5).all()


def differences(root):
    """Largest difference from the careful image in each channel, in units of its scatter."""
    expected = read_image("careful.image")
    sigma = 1.4826 * np.median(np.abs(expected), axis=(1, 2))
    return np.abs(read_image(root + ".image") - expected).max(axis=(1, 2)) / sigma


def test_an_edge_channel_with_hardly_any_data_is_named_and_not_called_good(vla):
    copy_here(vla, "cal.ms")
    clean("cal.ms", "edge", [CAREFUL], dict(FEW, nchan=5, start=0))
    result = confetti_check(imagename="edge")
    assert any("the data of channels 0 do not say where a source is" in warning for warning in result["warnings"])
    assert result["nsources"] == 0
    first, *others = QTable.read(result["channeltable"])["verdict"]
    assert first in ("unchecked", "diverged")  # a clean to one sigma of the other channels is a deep one of channel 0
    assert others == ["good"] * 4


def test_a_snapshot_that_tclean_gives_no_beam_is_refused_with_the_way_out(atca):
    copy_here(atca, "cal.ms")
    clean("cal.ms", "snapshot", [dict(CAREFUL, threshold="0.1Jy")], dict(SNAPSHOT, nchan=3))
    with pytest.raises(ValueError, match="if the PSF has stripes, as in a snapshot"):
        confetti_check(imagename="snapshot")


def test_of_a_snapshot_it_is_said_that_the_data_do_not_say_where_a_source_is(atca):
    copy_here(atca, "cal.ms")
    settings = dict(SNAPSHOT, nchan=5, restoringbeam=SNAPSHOT_BEAM)
    clean("cal.ms", "snapshot", [dict(CAREFUL, threshold="0.1Jy")], settings)
    result = confetti_check(imagename="snapshot")
    assert result["verdict"] == "not applicable"
    assert any(warning.startswith("the data do not say where a source is") for warning in result["warnings"])
