"""
Time confetti_check in several ways, side by side, and compare with reading and with scripts as people write them today.

    ./scripts/benchmark [SIZE CHANNELS]      the table of ways
    ./scripts/benchmark scaling              the cost against channels, pixels and candidates
    ./scripts/benchmark deconvolving         the cost of deconvolving channels again

Every measurement is a process of its own, because memory that another left behind makes the next one faster. Imports
are not counted, except in the table of the start-up, which has the time of the whole process. The files are in the page
cache; therefore one cube is made, measured and removed after the other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

ROUNDS = 2
SIZE, CHANNELS = 1024, 256
CUBES = ("model", "image", "residual")
BUFFER = 2**22  # voxels


# The ways: each imports and opens what it needs, and returns the work that is timed.


def read(root):
    """The pixels of the three cubes, as fast as they come."""
    return lambda: [np.fromfile(f"{root}.{cube}/table.f0_TSM0", dtype="<f4").size for cube in CUBES]


def read_model(root):
    """The pixels of the model alone, mapped, into one buffer."""
    pixels = np.memmap(f"{root}.model/table.f0_TSM0", dtype="<f4", mode="r")
    buffer = np.empty(BUFFER, dtype=np.float32)

    def work():
        for start in range(0, len(pixels), BUFFER):
            part = pixels[start : start + BUFFER]
            buffer[: len(part)] = part

    return work


def transform(root):
    """Two transforms of a padded plane for each channel in which a check has found candidates, on one core."""
    from astropy.table import QTable
    from scipy import fft

    from confetti_task.private.images.cube import open_cube
    from confetti_task.private.images.windows import transform_of

    lengths = transform_of(open_cube(root).shape[2:])
    channels = len(set(QTable.read(root + ".confetti.ecsv")["channel"].tolist()))
    plane = np.ones(lengths, dtype=np.float32)

    def work():
        for _ in range(channels):
            fft.irfft2(fft.rfft2(plane), lengths, overwrite_x=True)

    return work


def check(root, report=False, deconvolve="none", **parameters):
    """The task."""
    from confetti_task import confetti_check
    from confetti_task.private import task_confetti_check  # noqa: F401, which imports CASA

    return lambda: confetti_check(
        imagename=root, overwrite=True, report=report, deconvolve=deconvolve, minutes=60, **parameters
    )


def check_on_cluster(root, processes):
    """The task, with the workers of a dask cluster that has begun."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None)
    client, work = Client(cluster), check(root)
    client.run(__import__, "confetti_task.private.check.survey")

    def check_and_close():
        work()
        client.close()
        cluster.close()

    return check_and_close


def write_masks(root):
    """Mask and clean mask alone, with planes in the channels that a check has found bad."""
    from astropy.table import QTable

    from confetti_task.private.check.clean_mask import channels_to_clean
    from confetti_task.private.check.tables import bad_channels
    from confetti_task.private.images.cube import open_cube
    from confetti_task.private.images.write import write_image

    cube, bad = open_cube(root), bad_channels(QTable.read(root + ".confetti.channels.ecsv"))
    empty, folder = np.zeros(cube.shape[2:], dtype=bool), tempfile.mkdtemp(dir=".")

    def write():
        write_image(f"{folder}/mask", cube, (((0, channel), empty) for channel in bad), "")
        write_image(f"{folder}/cleanmask", cube, channels_to_clean(cube, bad), "")

    return write


def write_report(root):
    """The page of a check alone, from its tables."""
    from astropy.table import QTable

    from confetti_task.private.images.cube import open_cube
    from confetti_task.private.report.page import write_page

    cube, folder = open_cube(root), tempfile.mkdtemp(dir=".")
    tables = [QTable.read(root + suffix) for suffix in (".confetti.ecsv", ".confetti.channels.ecsv")]
    return lambda: write_page(f"{folder}/page.html", cube, root + ".confetti", tables, npanels=8, proof=None)


def peer(root, name, workers):
    """A script as people write it today, with the threshold of the task where it has one."""
    from scripts.benchmarks import peers

    threshold = {} if name == "despeckle" else {"nsigma": 2.5}
    return lambda: getattr(peers, name)(root, workers=workers, **threshold)


READING = "np.fromfile of the three cubes"
ONE_THREAD, TWO_THREADS = "confetti_check, 1 thread", "confetti_check, 2 threads"
DECONVOLVING = "confetti_check, 1 thread, all channels deconvolved again"
# In the order in which they run: those after the checks need what these have written.
WAYS = {
    READING: (read, {}),
    "reading the model alone, mapped": (read_model, {}),
    ONE_THREAD: (check, {"parallel": 1}),
    TWO_THREADS: (check, {"parallel": 2}),
    "confetti_check, 2 threads, with its page": (check, {"parallel": 2, "report": True}),
    "confetti_check, dask cluster of 1 process": (check_on_cluster, {"processes": 1}),
    "confetti_check, dask cluster of 2 processes": (check_on_cluster, {"processes": 2}),
    "confetti_check, image tool": (check, {"reader": "ia"}),
    "two transforms of each channel with candidates": (transform, {}),
    "writing mask and clean mask": (write_masks, {}),
    "writing the page": (write_report, {}),
    "spectral-cube + dask, local mean, 1 thread": (peer, {"name": "local_mean", "workers": 1}),
    "spectral-cube + dask, local mean, 2 threads": (peer, {"name": "local_mean", "workers": 2}),
    "spectral-cube + dask, annulus median, 1 thread": (peer, {"name": "annulus_median", "workers": 1}),
    "spectral-cube + dask, annulus median, 2 threads": (peer, {"name": "annulus_median", "workers": 2}),
    "spectral-cube + dask, despeckle, 1 thread": (peer, {"name": "despeckle", "workers": 1}),
}
SETTLING = {DECONVOLVING: (check, {"parallel": 1, "deconvolve": "all"})}
SLOW = ("image tool", "annulus")  # once is enough

# Root name of each cube; what it is; parameters of `products_of_size.write_products`; the ways that are timed.
MADE = {
    "deep": ("a deep clean, with candidates in every channel", {"deep": 20.0}, WAYS),
    "three": ("as deep, with candidates in the bad channels only", {"deep": 1.0}, (READING, ONE_THREAD, TWO_THREADS)),
    "easy": ("components in a fiftieth of the pixels, and candidates in the bad channels only", {}, WAYS),
}

BRIGHT_CHANNELS = 3

IMPORTING = "import casatasks"
FIRST = "from confetti_task import confetti_check; confetti_check(imagename='tiny', overwrite=True, report={})"
PROGRAMS = {
    IMPORTING: IMPORTING,
    "importing, and the first check": FIRST.format(False),
    "importing, and the first check, with its page": FIRST.format(True),
}
STARTS = 5


def read_arguments(arguments=None):
    """Arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        usage="scripts/benchmark [SIZE CHANNELS | scaling | deconvolving | mending]",
        description="Time confetti_check, and compare with reading and with other programs.",
    )
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument(
        "what", nargs="*", help=f"pixels a side and channels of the cube (default: {SIZE} {CHANNELS}), or a name"
    )
    parser.add_argument("--measure", choices=[*WAYS, *SETTLING], help=argparse.SUPPRESS)  # in this process
    options = parser.parse_args(arguments)
    if options.what not in (["scaling"], ["deconvolving"]):
        try:
            options.what = [int(number) for number in options.what or (SIZE, CHANNELS)]
            size, channels = options.what
        except ValueError:
            parser.error(
                f"give SIZE and CHANNELS, 'scaling' or 'deconvolving' (got {' '.join(map(str, options.what))})"
            )
    return options


def main(folder, what, measure):
    if measure:
        print(json.dumps(_measure(folder, measure)))
        return
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    if what == ["scaling"]:
        _scaling()
    elif what == ["deconvolving"]:
        _deconvolving()
    else:
        _compare(*what)


def _compare(size, channels):
    from scripts.benchmarks.products_of_size import PRODUCTS, write_products

    bad = range(5, channels, 100)
    for root, (what, parameters, ways) in MADE.items():
        write_products(root, size, channels, bad, **parameters)
        print(f"\n{size} x {size} pixels, {channels} channels, {len(bad)} of them bad: {what}\n")
        _print_table(_time_ways(root, ways), size**2 * channels)
        for product in PRODUCTS:
            shutil.rmtree(f"{root}.{product}")
    _start_up()


def _time_ways(root, ways):
    """Results of every round of each way; the ways take turns, because a machine is not always equally fast."""
    results = {}
    for number in range(ROUNDS):
        for name in ways:
            if number == 0 or not any(slow in name for slow in SLOW):
                results.setdefault(name, []).append(_run(root, name))
    return results


def _print_table(results, voxels):
    seconds = {name: min(result["seconds"] for result in each) for name, each in results.items()}
    reading, one = seconds[READING], seconds[ONE_THREAD]
    print("| | seconds | ns a voxel | of np.fromfile | of confetti_check, 1 thread | own memory, MB |")
    print("|---|---|---|---|---|---|")
    for name, each in results.items():
        memory = max(result["megabytes"] for result in each)
        ratios = f"{seconds[name] / reading:.2f} | {seconds[name] / one:.2f}"
        print(f"| {name} | {seconds[name]:.2f} | {1e9 * seconds[name] / voxels:.2f} | {ratios} | {memory:.0f} |")


def _start_up():
    """Table of the time of whole processes that import the task and check a tiny cube."""
    from scripts.benchmarks.products_of_size import write_products

    write_products("tiny", 64, 16, [5])
    rounds = [{name: _time_program(code) for name, code in PROGRAMS.items()} for _ in range(STARTS)]
    print("\n64 x 64 pixels, 16 channels: the whole process\n")
    print("| | seconds | of importing casatasks |\n|---|---|---|")
    least = {name: min(each[name] for each in rounds) for name in PROGRAMS}
    for name, seconds in least.items():
        print(f"| {name} | {seconds:.2f} | {seconds / least[IMPORTING]:.2f} |")


def _time_program(code):
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _scaling():
    """Tables of the cost, and a plot of them."""
    from scripts.benchmarks.products_of_size import write_products

    series = {
        "channels": [(256, number, 0, number) for number in (64, 128, 256, 512, 1024)],
        "pixels": [(size, 64, 0, size**2) for size in (256, 512, 1024, 2048)],
        # In fewer channels a million restored hot pixels would fill the image, and hide themselves in its noise.
        "candidates": [(1024, 256, number, number) for number in (10**2, 10**3, 10**4, 10**5, 10**6)],
    }
    costs = {}
    for name, cases in series.items():
        print(f"| {name} | seconds, 2 threads |\n|---|---|")
        for size, channels, hot, number in cases:
            root = f"{name}{number}"
            write_products(root, size, channels, range(5, channels, 100) if name != "candidates" else (), hot)
            seconds = min(_run(root, TWO_THREADS)["seconds"] for _ in range(ROUNDS))
            costs.setdefault(name, []).append((number, seconds))
            print(f"| {number} | {seconds:.2f} |", flush=True)
    _plot(costs)


def _deconvolving():
    """Table of the cost of deconvolving a channel again, on one core: emission of some height in a tenth of a plane."""
    from confetti_task.private.deconvolve.settle import SECONDS_A_COMPONENT
    from scripts.benchmarks.products_of_size import write_products

    print("| pixels a side | emission, sigma | seconds a channel | as the log predicts | own memory, MB |")
    print("|---|---|---|---|---|")
    for size, sigma in ((128, 200), (256, 200), (512, 200), (1024, 30), (1024, 200)):
        root = f"bright{size}-{sigma}"
        write_products(root, size, BRIGHT_CHANNELS, bright=sigma)
        components = np.count_nonzero(np.fromfile(f"{root}.model/table.f0_TSM0", dtype="<f4"))
        without, deconvolved = (_run(root, way) for way in (ONE_THREAD, DECONVOLVING))
        seconds = (deconvolved["seconds"] - without["seconds"]) / BRIGHT_CHANNELS
        predicted = SECONDS_A_COMPONENT * components / BRIGHT_CHANNELS
        print(f"| {size} | {sigma} | {seconds:.1f} | {predicted:.1f} | {deconvolved['megabytes']:.0f} |", flush=True)


def _plot(costs):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(costs), figsize=(10, 3.2), sharey=True, constrained_layout=True)
    for panel, (name, points) in zip(axes, costs.items()):
        numbers, seconds = zip(*points)
        panel.loglog(numbers, seconds, "o-", color="black")
        panel.loglog(numbers, [seconds[-1] * number / numbers[-1] for number in numbers], ":", color="gray")
        panel.set_xlabel(name)
    axes[0].set_ylabel("seconds (dotted: proportional)")
    figure.savefig("cost.png", dpi=100)


def _run(root, name):
    """Seconds and memory of one way, in a process of its own."""
    command = [sys.executable, "-m", "scripts.benchmarks.run_benchmark", root, "--measure", name]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()[-1])


def _measure(root, name):
    """Seconds and own memory of one way, in this process."""
    way, parameters = {**WAYS, **SETTLING}[name]
    work = way(root, **parameters)
    before = _own_megabytes()
    peak, done = [before], threading.Event()
    # A daemon, so that the process ends if the work fails.
    watcher = threading.Thread(target=_watch, args=(peak, done), daemon=True)
    watcher.start()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return {"seconds": seconds, "megabytes": peak[0] - before}


def _watch(peak, done):
    while not done.wait(0.02):
        peak[0] = max(peak[0], _own_megabytes())


def _own_megabytes():
    """Memory of this process without mapped files."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    main(**vars(read_arguments()))
