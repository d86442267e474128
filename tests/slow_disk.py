"""A file system that shows a folder as a slow disk would: python slow_disk.py FOLDER MOUNT SECONDS [OPTION...]."""

import os
import sys
import time

from fuse import FUSE, Operations

ATTRIBUTES = ["st_atime", "st_ctime", "st_gid", "st_mode", "st_mtime", "st_nlink", "st_size", "st_uid", "st_blocks"]
SIZES = [
    "f_bavail",
    "f_bfree",
    "f_blocks",
    "f_bsize",
    "f_favail",
    "f_ffree",
    "f_files",
    "f_flag",
    "f_frsize",
    "f_namemax",
]


class SlowDisk(Operations):
    """
    Every operation takes its time.

    Parameters
    ----------
    folder : str
        What is shown.
    seconds : float
        How long each operation takes.
    """

    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds

    def __call__(self, operation, path, *arguments):
        time.sleep(self.seconds)
        return super().__call__(operation, self.folder + path if path else path, *arguments)

    def getattr(self, path, fh=None):
        status = os.lstat(path)
        return {name: getattr(status, name) for name in ATTRIBUTES}

    def statfs(self, path):
        status = os.statvfs(path)
        return {name: getattr(status, name) for name in SIZES}

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(path)]

    def create(self, path, mode, fi=None):
        return os.open(path, os.O_RDWR | os.O_CREAT, mode)

    def open(self, path, flags):
        return os.open(path, flags)

    def release(self, path, fh):
        os.close(fh)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(path, length)

    def rename(self, old, new):
        os.rename(old, self.folder + new)

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def rmdir(self, path):
        os.rmdir(path)

    def unlink(self, path):
        os.unlink(path)

    def chmod(self, path, mode):
        os.chmod(path, mode)

    def utimens(self, path, times=None):
        os.utime(path, times)


if __name__ == "__main__":
    folder, mount, seconds, *options = sys.argv[1:]
    FUSE(SlowDisk(folder, float(seconds)), mount, foreground=True, nothreads=True, **dict.fromkeys(options, True))
