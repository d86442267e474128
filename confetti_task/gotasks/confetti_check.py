# Written by scripts/generate_tasks.py from xml/confetti_check.xml: change the XML and run the script again.
"""confetti_check for inp, go, default, tget and tput."""

from confetti_task import confetti_check as _task
from confetti_task.confetti_check import PARAMETERS, SUMMARY
from confetti_task.private.shell_task import ShellTask


class _ShellTask(ShellTask):
    __doc__ = _task.__doc__

    def __call__(
        self,
        imagename=None,
        outfile=None,
        chans=None,
        nsigma=None,
        narrowness=None,
        unsupported=None,
        surround=None,
        known=None,
        cleanmask=None,
        writestats=None,
        report=None,
        npanels=None,
        reader=None,
        parallel=None,
        memory=None,
        overwrite=None,
        proof=None,
        fitsmask=None,
        candidatemask=None,
        deconvolve=None,
        minutes=None,
        record=None,
        linewidth=None,
    ):
        arguments = dict(locals())
        del arguments["self"]
        return self.call(arguments)


confetti_check = _ShellTask("confetti_check", SUMMARY, PARAMETERS, _task)
