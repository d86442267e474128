"""
Time confetti_check in several ways, side by side, beside reading and beside what people write today.

    python scripts/run_benchmark.py FOLDER [SIZE CHANNELS]      the table of ways
    python scripts/run_benchmark.py FOLDER scaling              the cost against channels, pixels and candidates

Every measurement is a process of its own, because memory that another left behind makes the next one faster. Imports
are not counted. The files are in the page cache.
"""

import json
import os
import subprocess
import sys
import threading
import time

ROUNDS = 2
CUBES = ("model", "image", "residual")
WAYS = {
    "np.fromfile of the three cubes": "fromfile",
    "confetti_check, 1 thread": "check(parallel=1)",
    "confetti_check, 2 threads": "check(parallel=2)",
    "confetti_check, 2 threads, with its report": "check(parallel=2, report=True)",
    "confetti_check, image tool": "check(reader='ia')",
    "spectral-cube + dask, local mean, 1 thread": "local_mean(workers=1)",
    "spectral-cube + dask, local mean, 2 threads": "local_mean(workers=2)",
    "spectral-cube + dask, annulus median, 1 thread": "annulus_median(workers=1)",
    "spectral-cube + dask, annulus median, 2 threads": "annulus_median(workers=2)",
    "spectral-cube + dask, despeckle, 1 thread": "despeckle(workers=1)",
}
SLOW = ("image tool", "annulus")  # once is enough


def main(folder, *arguments):
    if arguments[:1] == ("measure",):
        print(json.dumps(_measure(folder, arguments[1])))
        return
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    if arguments == ("scaling",):
        _scaling()
    else:
        _compare(*[int(number) for number in arguments or (1024, 1024)])


def _compare(size, channels):
    from products_of_size import write_products

    bad = range(5, channels, 100)
    write_products("line", size, channels, bad)
    print(f"{size} x {size} pixels, {channels} channels, {len(bad)} of them bad")
    results = {}
    for number in range(ROUNDS):
        for name, way in WAYS.items():
            if number == 0 or not any(slow in name for slow in SLOW):
                results.setdefault(name, []).append(_run("line", way))
    seconds = {name: min(result["seconds"] for result in each) for name, each in results.items()}
    reading, one = (seconds[name] for name in list(WAYS)[:2])
    print("| | seconds | ns a voxel | of np.fromfile | of confetti_check, 1 thread | own memory, MB |")
    print("|---|---|---|---|---|---|")
    for name, each in results.items():
        memory = max(result["megabytes"] for result in each)
        voxel = 1e9 * seconds[name] / (size**2 * channels)
        ratios = f"{seconds[name] / reading:.2f} | {seconds[name] / one:.2f}"
        print(f"| {name} | {seconds[name]:.2f} | {voxel:.2f} | {ratios} | {memory:.0f} |")
    writing = min(result["writing"] for result in results["confetti_check, 2 threads"])
    print(f"writing mask and clean mask: {writing:.2f} s of the run with 2 threads")


def _scaling():
    """Tables of the cost, and a plot of them."""
    from products_of_size import write_products

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
            seconds = min(_run(root, WAYS["confetti_check, 2 threads"])["seconds"] for _ in range(2))
            costs.setdefault(name, []).append((number, seconds))
            print(f"| {number} | {seconds:.2f} |", flush=True)
    _plot(costs)


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


def _run(root, way):
    command = [sys.executable, os.path.abspath(__file__), root, "measure", way]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()[-1])


def _measure(root, way):
    """Seconds and own memory of one way, in this process."""
    name, _, arguments = way.partition("(")
    arguments = eval(f"dict({arguments}") if arguments else {}
    work, writing = _prepare(name, root, arguments)
    before, peak, done = _own_megabytes(), [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(peak, done))
    watcher.start()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return {"seconds": seconds, "megabytes": peak[0] - before, "writing": sum(writing)}


def _prepare(name, root, arguments):
    writing = []
    if name == "fromfile":
        import numpy as np

        return lambda: [np.fromfile(f"{root}.{cube}/table.f0_TSM0", dtype="<f4").size for cube in CUBES], writing
    if name != "check":
        import peers

        threshold = {} if name == "despeckle" else {"nsigma": 2.5}
        return lambda: getattr(peers, name)(root, **threshold, **arguments), writing
    from confetti_task import confetti_check
    from confetti_task.private import (
        products,  # noqa: F401
        task_confetti_check,  # noqa: F401
    )

    write = products.write_image

    def timed(*given, **named):
        started = time.perf_counter()
        write(*given, **named)
        writing.append(time.perf_counter() - started)

    products.write_image = timed
    arguments = {"report": False, **arguments}
    return lambda: confetti_check(imagename=root, overwrite=True, **arguments), writing


def _watch(peak, done):
    while not done.wait(0.02):
        peak[0] = max(peak[0], _own_megabytes())


def _own_megabytes():
    """Memory of this process without mapped files."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]) if sys.argv[2:3] != ["measure"] else sys.argv[1], *sys.argv[2:])
