# SPDX-License-Identifier: MIT
"""The plots of `make bench-compare` and `make bench-cascade`, as SVG and PNG."""

import sys


def figure():
    """(matplotlib's pyplot, axes), or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("bench: no plot: python3-matplotlib is not installed", file=sys.stderr)
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.5, 5))


def save(one, axes, path, x_label, y_label, title):
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title)
    axes.legend(fontsize="small")
    axes.grid(True, alpha=0.3)
    one.tight_layout()
    one.savefig(f"{path}.svg")
    one.savefig(f"{path}.png", dpi=120)


def style(label):
    return "--x" if label.startswith("Linux") or "eager" in label else "-o"


def forks(path, curves):
    """CURVES: {label: [(MiB, instructions)]}, to PATH.svg and PATH.png."""
    drawn = figure()
    if drawn:
        one, axes = drawn
        for label, points in curves.items():
            axes.plot(*zip(*points), style(label), label=label)
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.set_yscale("log")
        sizes = sorted({size for points in curves.values() for size, _ in points})
        axes.set_xticks(sizes, sizes)
        save(one, axes, path, "MiB touched", "instructions", "fork, exit and wait")


def cascade(path, curves, title):
    """CURVES: {label: [(per cent, instructions)]}."""
    drawn = figure()
    if drawn:
        one, axes = drawn
        for label, points in curves.items():
            axes.plot(*zip(*points), style(label), label=label)
        axes.set_ylim(bottom=0)
        save(one, axes, path, "per cent of the pages that the child writes", "instructions", title)
