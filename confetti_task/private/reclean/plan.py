"""The plan of confetti_reclean: tclean's runs, and the script that does them."""

import json
import os
from collections import namedtuple
from dataclasses import asdict, dataclass, field, replace
from typing import Dict, Tuple

from ...version import __version__
from ..core.deconvolution import GAIN
from ..images.channels import format_channels
from ..images.coordinates import read_frequencies
from ..images.headers import read_common_beam
from ..images.history import record_of
from .remedy import choose_ranges, for_sub_cube, reason, remedied, with_share

_SCRIPT_WITHOUT_DATA = """\
# Deconvolves channels {chans} of {root!r} again from their own images, without visibilities.
# Written by confetti_task {version}: {call}
# If that was interrupted, this continues it: casa -c {name!r}
# It needs the folder {work!r}.

from confetti_task import finish_reclean

print(finish_reclean({outname!r}))
"""

_SCRIPT = """\
# Cleans channels {chans} of {root!r} again. Run it with CASA: casa -c {name!r}
# Written by confetti_task {version}: {call}
# It needs the folder {work!r}.

from casatasks import tclean

from confetti_task import finish_reclean

# Comments give the recorded value of each parameter that is changed here, and the reason.
{calls}

# Put the new images in place, and check them.
print(finish_reclean({outname!r}))
"""


# What does not depend on the channels and the method: the old cube and the tables of its check, the names, tclean's
# recorded parameters, how deep it went with them (None if niter is not to be shared), the maximum loop gain, the
# minimum threshold in Jy/beam, the start model of the bad channels, the clean mask of the check ('' for none), the call
# of the task, whether it may overwrite, and which channels an earlier attempt has done and what it has settled, as in
# the plan.
Job = namedtuple(
    "Job", "cube outname confetti tables recorded reached gain depth start clean_mask call overwrite done settled"
)


@dataclass(frozen=True)
class Plan:
    """
    The tclean runs, and their parameters. All names are absolute.

    Attributes
    ----------
    root, outname, confetti : str
        Root names of the old images, of the new ones, and of the products of confetti_check.
    method : {'subcubes', 'cube', 'image'}
        What is imaged; 'image' if nothing is, and channels are deconvolved again from their own images.
    channels : tuple of int
        Channels to clean again.
    runs : tuple of tuple of int
        First and last channel of each tclean run, both inclusive, as in the names of its images; those of the cube
        if tclean does not run.
    recorded : dict
        Parameters with which tclean made the old images; empty if tclean does not run.
    parameters : tuple of dict
        Parameters of each tclean run, or of the deconvolution.
    call : str
        The call of confetti_reclean.
    overwrite : bool
        Whether new images of an earlier run may be replaced.
    suspects : tuple of int
        The suspicious ones among them, which keep their old planes unless a fake source is proved.
    leftover : tuple of int
        Suspicious channels beyond the budget.
    done : tuple of int
        Channels whose model an earlier attempt has made; it is their start model.
    settled : dict
        Proof of channels that were cleaned again in an earlier attempt and keep their old planes, from
        `reclean.proof.to_json`.
    """

    root: str
    outname: str
    confetti: str
    method: str
    channels: Tuple[int, ...]
    runs: Tuple[Tuple[int, int], ...]
    recorded: Dict
    parameters: Tuple[Dict, ...]
    call: str
    overwrite: bool
    suspects: Tuple[int, ...] = ()
    leftover: Tuple[int, ...] = ()
    done: Tuple[int, ...] = ()
    settled: Dict = field(default_factory=lambda: {"finds": [], "outcomes": [], "earlier": []})

    @property
    def work(self):
        """Folder of the start models, the clean masks, and the images that tclean makes with them."""
        return self.outname + ".work"

    @property
    def script_path(self):
        """Name of the script."""
        return self.outname + ".reclean.py"

    @property
    def old(self):
        """Root name of the images of an earlier run while the new ones are put in place."""
        return os.path.join(self.work, "old")

    def name(self, run):
        """Root name of the images of a tclean run."""
        return os.path.join(self.work, "{}-{}".format(*run))

    def only(self, channels):
        """The plan with some of its channels alone, as if the others had not been cleaned again."""
        return replace(self, channels=tuple(channels))

    def to_clean(self, run):
        """Channels to clean again in a tclean run, bad and suspicious ones."""
        return [channel for channel in self.channels if run[0] <= channel <= run[1]]

    def script(self):
        """The plan as a script."""
        script = _SCRIPT_WITHOUT_DATA if self.method == "image" else _SCRIPT
        return script.format(
            chans=format_channels(self.channels),
            root=self.root,
            version=__version__,
            call=self.call,
            name=self.script_path,
            work=self.work,
            calls="\n\n".join(self.calls()),
            outname=self.outname,
        )

    def calls(self):
        """The call of each tclean run as Python code, with comments on changed parameters."""
        return [_commented_call(parameters, self.recorded) for parameters in self.parameters]

    def record(self):
        """Lines for the history of the new image, from which the next confetti_reclean reads the parameters."""
        lines = [f"confetti_task {__version__}", self.call]
        if self.method == "image":  # the images have the history of the old ones
            return lines
        return [*lines, *record_of("confetti_reclean", dict(self.recorded, imagename=self.outname))]

    def to_json(self):
        """The plan as text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text):
        """Read what `to_json` wrote."""
        values = json.loads(text)
        tuples = {"channels", "suspects", "leftover", "done", "parameters"} & set(values)
        values.update({name: tuple(values[name]) for name in tuples})
        return cls(**dict(values, runs=tuple(map(tuple, values["runs"]))))


def make_plan(job, bad, suspects, leftover, method):
    """
    Plan how to clean channels again.

    Parameters
    ----------
    job : `Job`
        What to clean again, and how.
    bad : list of int
        Bad channels.
    suspects, leftover : sequence of int
        Suspicious channels to clean again too, and those beyond the budget.
    method : {'auto', 'subcubes', 'cube', 'image'}
        What to image.

    Returns
    -------
    plan : `Plan`
        The tclean runs and their parameters.
    """
    channels = sorted({*bad, *suspects})
    runs = choose_ranges(method, channels, job.cube.channels)
    full = runs == [(0, job.cube.channels - 1)]
    plan = Plan(
        root=job.cube.root,
        outname=job.outname,
        confetti=job.confetti,
        method="image" if method == "image" else "cube" if full else "subcubes",
        channels=tuple(channels),
        suspects=tuple(sorted(suspects)),
        leftover=tuple(leftover),
        done=tuple(job.done),
        settled=job.settled,
        runs=tuple(runs),
        recorded=job.recorded,
        parameters=(),
        call=job.call,
        overwrite=job.overwrite,
    )
    names = map(plan.name, runs)
    return replace(plan, parameters=tuple(map(_with_names, _parameters(job, plan), names)))


def _parameters(job, plan):
    """Parameters of each tclean run, or of the deconvolution."""
    if plan.method == "image":
        return [{"gain": GAIN}]
    remedy = remedied(job.recorded, job.gain, job.depth)
    # Channels that are done have had their share.
    each = [with_share(remedy, len(set(plan.to_clean(run)) - set(plan.done)), job.reached) for run in plan.runs]
    # A concatenated cube has the history of one piece, or none.
    if plan.method == "cube" and job.recorded.get("nchan") in (-1, job.cube.channels):
        return each
    frequencies, beam = read_frequencies(job.cube), read_common_beam(job.cube)
    return [for_sub_cube(parameters, frequencies, run, beam) for parameters, run in zip(each, plan.runs)]


def _with_names(parameters, name):
    return dict(parameters, imagename=name, startmodel=name + ".startmodel", mask=name + ".cleanmask")


def _commented_call(parameters, recorded):
    lines = ["tclean("]
    for name, value in parameters.items():
        why = reason(name, parameters, recorded)
        comment = f"  # {recorded.get(name, 'not recorded')!r}; {why}" if why else ""
        lines.append(f"    {name}={value!r},{comment}")
    return "\n".join([*lines, ")"])
