"""Copies of this process, which may be killed."""

import os
import signal
import time


def in_a_child(work):
    """Start some work in a copy of this process, which has CASA imported, and return its number."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return child


def wait(child, seconds=60):
    """Exit status of a child; it fails where the child hangs."""
    for _ in range(int(seconds / 0.01)):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    raise AssertionError(f"still at work after {seconds} s")


def die_before_rename(number):
    """Let this process be killed when it is about to rename a file after so many others."""
    rename, left = os.rename, number

    def count(source, target):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    os.rename = count
