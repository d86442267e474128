"""The pictures of docs/validation/real_observations.md, from the images that run_real_observations.py makes."""

import os

from matplotlib.figure import Figure
from PIL import Image

from scripts.simulate.simulation import read_image

DOTS_PER_INCH, COLOURS = 70, 128


def draw_diverged(folder, channel, roots, mask):
    """
    Draw a channel before and after it was cleaned again, next to a careful clean.

    Parameters
    ----------
    folder : str
        Where to write ``diverged.png``.
    channel : int
        The channel.
    roots : dict
        Root names of the images by their titles; the first is that of the images that were checked.
    mask : str
        Mask of what was found in it.
    """
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    panels = figure.subplots(1, len(roots), sharex=True, sharey=True)
    planes = [read_image(root + ".image")[channel] for root in roots.values()]
    for axes, title, plane in zip(panels, roots, planes):
        drawn = axes.imshow(plane, origin="lower", cmap="inferno", vmin=-0.3, vmax=planes[-1].max())
        axes.set_title(f"{title}: {plane.min():.2f} to {plane.max():.2f} Jy/beam", fontsize=10)
    panels[0].contour(read_image(mask)[channel] > 0, levels=[0.5], colors="cyan", linewidths=1)
    figure.colorbar(drawn, ax=panels, label=f"channel {channel}, Jy/beam")
    _save(figure, os.path.join(folder, "diverged.png"))


def draw_edge(folder, roots):
    """
    Draw PSF and images of the first two channels, the first of which has few data.

    Parameters
    ----------
    folder : str
        Where to write ``few_data.png``.
    roots : dict
        Root names of the images by their titles.
    """
    figure = Figure(figsize=(12, 7.6), layout="constrained")
    panels = figure.subplots(2, 1 + len(roots), sharex=True, sharey=True)
    cubes = {"PSF": read_image(next(iter(roots.values())) + ".psf")}
    cubes.update({title: read_image(root + ".image") for title, root in roots.items()})
    for channel, row in enumerate(panels):
        for axes, (title, cube) in zip(row, cubes.items()):
            drawn = axes.imshow(cube[channel], origin="lower", cmap="inferno")
            axes.set_title(f"{title}, channel {channel}", fontsize=10)
            figure.colorbar(drawn, ax=axes, label="" if title == "PSF" else "Jy/beam")
    _save(figure, os.path.join(folder, "few_data.png"))


def _save(figure, path):
    """Save a figure with few colours, which makes the file a fourth as large."""
    figure.savefig(path, dpi=DOTS_PER_INCH)
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS)
    reduced.save(path, optimize=True)
