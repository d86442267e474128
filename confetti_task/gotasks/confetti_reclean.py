# Written by scripts/generate_tasks.py from xml/confetti_reclean.xml: change the XML and run the script again.
"""confetti_reclean for inp, go, default, tget and tput."""

from confetti_task import confetti_reclean as _task
from confetti_task.confetti_reclean import PARAMETERS, SUMMARY
from confetti_task.private.shell_task import ShellTask


class _ShellTask(ShellTask):
    __doc__ = _task.__doc__

    def __call__(
        self,
        imagename=None,
        confetti=None,
        outname=None,
        chans=None,
        vis=None,
        parameters=None,
        startmodel=None,
        method=None,
        gain=None,
        rounds=None,
        dryrun=None,
        overwrite=None,
        suspects=None,
        budget=None,
    ):
        arguments = dict(locals())
        del arguments["self"]
        return self.call(arguments)


confetti_reclean = _ShellTask("confetti_reclean", SUMMARY, PARAMETERS, _task)
