"""Charts and drawings as papers print them, made with matplotlib in some thirty forms and many styles.

For training and measuring triage (benchmarks/train_triage.py); nothing is copied from a paper.
"""

import io
from collections.abc import Callable

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # the backend is chosen first
from matplotlib.axes import Axes
from PIL import Image

Generator = np.random.Generator
Picture = NDArray[np.uint8]
"""height x width x 3, RGB."""
Form = Callable[[Generator, Axes], None]
STYLES = (
    "default",
    "classic",
    "ggplot",
    "bmh",
    "fast",
    "grayscale",
    "seaborn-v0_8-white",
    "seaborn-v0_8-ticks",
    "seaborn-v0_8-darkgrid",
    "seaborn-v0_8-whitegrid",
    "seaborn-v0_8-paper",
    "tableau-colorblind10",
    "dark_background",
    "fivethirtyeight",
    "seaborn-v0_8-poster",
    "Solarize_Light2",
)
_SHARES = np.array([6, 3, 2, 1, 1, 3, 3, 3, 1, 2, 2, 2, 0.5, 0.5, 1, 0.5])
GREY_MAPS = ("gray", "gray_r", "bone", "binary", "Greys")
MAPS = ("viridis", "jet", "hot", "coolwarm", "RdBu", "Blues", "Reds", "YlOrRd", "magma", "Spectral", *GREY_MAPS)
TERMS = (
    "Patients",
    "Days from onset",
    "CRP (mg/L)",
    "Count",
    "Control",
    "ICU",
    "Survival",
    "Sensitivity",
    "1 - Specificity",
    "Age",
    "Lymphocytes",
    "Severe",
    "Mild",
    "Group A",
    "Group B",
    "Score",
    "Odds ratio",
    "Cases",
    "PC1",
    "Epoch",
    "Loss",
    "Accuracy",
    "Non-COVID",
    "COVID-19",
    "Temperature",
    "Titer",
    "Dose (mg)",
    "Time (h)",
    "p < 0.001",
    "n = 132",
)


def _term(rng: Generator) -> str:
    return str(rng.choice(TERMS))


def _names(rng: Generator, count: int) -> list[str]:
    return [_term(rng) for _ in range(count)]


def bars(rng: Generator, ax: Axes) -> None:
    n, groups = int(rng.integers(2, 16)), int(rng.integers(1, 5))
    for group in range(groups):
        heights = rng.uniform(0.1, 1, n) * 100
        errors = rng.uniform(1, 12, n) if rng.random() < 0.5 else None
        fill = str(rng.choice(["white", "black", "0.5", "C0"])) if rng.random() < 0.3 else f"C{group}"
        at = np.arange(n) + group * 0.8 / groups
        if rng.random() < 0.2:
            ax.barh(at, heights, 0.8 / groups, color=fill, edgecolor="black")
        else:
            ax.bar(
                at,
                heights,
                0.8 / groups,
                yerr=errors,
                color=fill,
                edgecolor="black",
                capsize=3,
                hatch=rng.choice([None, "//", "xx"]),
            )


def stacked(rng: Generator, ax: Axes) -> None:
    n, below = int(rng.integers(3, 30)), 0.0
    for _ in range(int(rng.integers(2, 6))):
        heights = rng.uniform(0, 1, n)
        ax.bar(np.arange(n), heights, bottom=below, width=rng.uniform(0.5, 1))
        below = below + heights


def lines(rng: Generator, ax: Axes) -> None:
    x = np.linspace(0, 30, int(rng.integers(6, 80)))
    for _ in range(int(rng.integers(1, 7))):
        y = np.cumsum(rng.normal(0, 1, len(x))) * rng.uniform(0.2, 2)
        marker = rng.choice(["", "o", "s", "^", "x"])
        ax.plot(x, y, marker=marker, linestyle=rng.choice(["-", "--", ":"]), linewidth=rng.uniform(0.6, 2.5))
        if rng.random() < 0.3:
            ax.fill_between(x, y - 1, y + 1, alpha=0.25)


def scatter(rng: Generator, ax: Axes) -> None:
    for _ in range(int(rng.integers(1, 5))):
        n = int(rng.integers(10, 800))
        middle = rng.normal(0, 2, 2)
        ax.scatter(*(rng.normal(0, 1, (2, n)) + middle[:, None]), s=rng.uniform(2, 40), alpha=rng.uniform(0.3, 1))
    if rng.random() < 0.4:
        ax.plot([-4, 4], [-3, 4], color="k")


def heat(rng: Generator, ax: Axes) -> None:
    shape = rng.integers(2, 40, 2)
    values = rng.normal(0, 1, shape) + (rng.normal(0, 2, (shape[0], 1)) if rng.random() < 0.5 else 0)
    shown = ax.imshow(
        values, cmap=str(rng.choice(MAPS)), aspect="auto", interpolation=rng.choice(["nearest", "bilinear"])
    )
    if rng.random() < 0.6:
        ax.figure.colorbar(shown, ax=ax)


def confusion(rng: Generator, ax: Axes) -> None:
    n = int(rng.integers(2, 6))
    values = rng.integers(0, 200, (n, n)) + np.eye(n, dtype=int) * 200
    ax.imshow(values, cmap=str(rng.choice(["Blues", *GREY_MAPS])))
    for i in range(n):
        for j in range(n):
            ax.text(j, i, str(values[i, j]), ha="center", color="white" if values[i, j] > 200 else "black")


def correlation(rng: Generator, ax: Axes) -> None:
    values = np.corrcoef(rng.normal(0, 1, (int(rng.integers(5, 30)), 12)))
    ax.imshow(values, cmap=str(rng.choice(["RdBu", "coolwarm", "gray"])), vmin=-1, vmax=1)


def boxes(rng: Generator, ax: Axes) -> None:
    data = [rng.normal(rng.uniform(0, 5), 1, 40) for _ in range(int(rng.integers(2, 9)))]
    ax.boxplot(data, patch_artist=bool(rng.random() < 0.6), notch=bool(rng.random() < 0.2))
    if rng.random() < 0.4:
        for i, one in enumerate(data, 1):
            ax.plot(rng.normal(i, 0.06, len(one)), one, "k.", ms=3)


def violins(rng: Generator, ax: Axes) -> None:
    ax.violinplot([rng.normal(rng.uniform(0, 4), 1, 60) for _ in range(int(rng.integers(2, 7)))], showmedians=True)


def histogram(rng: Generator, ax: Axes) -> None:
    for _ in range(int(rng.integers(1, 4))):
        ax.hist(
            rng.normal(rng.uniform(-2, 2), 1, 300),
            int(rng.integers(6, 60)),
            alpha=0.7,
            histtype=rng.choice(["bar", "step", "stepfilled"]),
        )


def pie(rng: Generator, ax: Axes) -> None:
    n = int(rng.integers(2, 8))
    ax.pie(rng.uniform(0.2, 1, n), labels=_names(rng, n), wedgeprops={"width": 0.4} if rng.random() < 0.3 else None)


def survival(rng: Generator, ax: Axes) -> None:
    for _ in range(int(rng.integers(1, 4))):
        y = np.cumprod(1 - rng.uniform(0, 0.09, 25))
        ax.step(np.arange(25), y, where="post")
    ax.set_ylim(0, 1.05)


def roc(rng: Generator, ax: Axes) -> None:
    for _ in range(int(rng.integers(1, 6))):
        x = np.sort(np.r_[0, rng.uniform(0, 1, 30), 1])
        ax.plot(
            x,
            x ** rng.uniform(0.08, 0.6),
            label=f"AUC = {rng.uniform(0.7, 1):.2f}",
            drawstyle=rng.choice(["default", "steps"]),
        )
    ax.plot([0, 1], [0, 1], "k--")
    ax.legend(fontsize=rng.uniform(5, 10))


def forest_plot(rng: Generator, ax: Axes) -> None:
    n = int(rng.integers(4, 18))
    x = rng.normal(1, 0.5, n)
    ax.errorbar(x, np.arange(n), xerr=rng.uniform(0.1, 0.8, n), fmt="s", color="k", ms=4)
    ax.axvline(1, linestyle="--", color="0.4")
    ax.set_yticks(np.arange(n), _names(rng, n))


def table(rng: Generator, ax: Axes) -> None:
    rows, columns = int(rng.integers(3, 18)), int(rng.integers(2, 7))
    cells = [[f"{rng.uniform(0, 99):.1f}" if c else _term(rng) for c in range(columns)] for _ in range(rows)]
    ax.axis("off")
    made = ax.table(
        cells, loc="center", colLabels=_names(rng, columns), edges=str(rng.choice(["closed", "horizontal", "open"]))
    )
    made.auto_set_font_size(False)
    made.set_fontsize(rng.uniform(5, 10))


def page(rng: Generator, ax: Axes) -> None:
    """Running text, as a box of words or a scanned form."""
    ax.axis("off")
    words = "\n".join(" ".join(_names(rng, int(rng.integers(2, 6)))) for _ in range(int(rng.integers(4, 24))))
    ax.text(0, 1, words, va="top", fontsize=rng.uniform(5, 12), family=rng.choice(["serif", "sans-serif", "monospace"]))


def flow(rng: Generator, ax: Axes) -> None:
    ax.axis("off")
    ax.set(xlim=(0, 4), ylim=(0, 7))
    for y in range(6, 0, -1):
        for x in sorted(rng.choice([0.5, 2, 3.5], int(rng.integers(1, 4)), replace=False)):
            shape = {
                "boxstyle": rng.choice(["round", "square"]),
                "fc": rng.choice(["white", "0.85", "lightblue", "khaki"]),
                "ec": "k",
            }
            ax.text(
                x,
                y,
                f"{_term(rng)}\n(n = {int(rng.integers(3, 900))})",
                ha="center",
                fontsize=rng.uniform(5, 9),
                bbox=shape,
            )
            ax.annotate("", (x, y - 0.7), (x, y - 0.3), arrowprops={"arrowstyle": "->"})


def network(rng: Generator, ax: Axes) -> None:
    ax.axis("off")
    spots = rng.uniform(0, 1, (int(rng.integers(8, 60)), 2))
    for _ in range(len(spots) * 2):
        i, j = rng.integers(0, len(spots), 2)
        ax.plot(*spots[[i, j]].T, color="0.6", linewidth=rng.uniform(0.3, 2))
    ax.scatter(*spots.T, s=rng.uniform(20, 300, len(spots)), c=rng.integers(0, 5, len(spots)), cmap="tab10", zorder=3)


def layers(rng: Generator, ax: Axes) -> None:
    """The blocks of a neural network."""
    ax.axis("off")
    for i in range(int(rng.integers(4, 12))):
        height, colour = rng.uniform(0.2, 1), rng.choice(["tab:blue", "tab:orange", "0.7", "lightgreen", "pink"])
        for k in range(int(rng.integers(1, 5))):
            ax.add_patch(plt.Rectangle((i + k * 0.07, -height / 2 + k * 0.05), 0.5, height, fc=colour, ec="k"))
    ax.set(xlim=(-0.5, 12), ylim=(-1, 1))


def dendrogram(rng: Generator, ax: Axes) -> None:
    heights, spots = np.zeros(int(rng.integers(8, 40))), None
    spots = np.arange(len(heights), dtype=float)
    while len(spots) > 1:
        i = int(rng.integers(0, len(spots) - 1))
        top = max(heights[i], heights[i + 1]) + rng.uniform(0.2, 1)
        ax.plot(
            [spots[i], spots[i], spots[i + 1], spots[i + 1]], [heights[i], top, top, heights[i + 1]], "k", linewidth=0.8
        )
        spots = np.r_[spots[:i], (spots[i] + spots[i + 1]) / 2, spots[i + 2 :]]
        heights = np.r_[heights[:i], top, heights[i + 2 :]]


def cardiogram(rng: Generator, ax: Axes) -> None:
    t = np.linspace(0, 10, 1500)
    for lead in range(int(rng.integers(1, 12))):
        beat = (t * rng.uniform(0.9, 1.1)) % 1
        wave = np.exp(-(((beat - 0.4) / 0.015) ** 2)) * rng.uniform(0.4, 1.5) + 0.2 * np.exp(
            -(((beat - 0.65) / 0.05) ** 2)
        )
        ax.plot(t, wave - 2 * lead + rng.normal(0, 0.01, len(t)), "k", linewidth=0.7)
    if rng.random() < 0.7:
        ax.grid(True, color=str(rng.choice(["pink", "salmon", "0.8"])), linewidth=0.5)


def contours(rng: Generator, ax: Axes) -> None:
    grid = cv2.GaussianBlur(rng.normal(0, 1, (60, 60)), (0, 0), rng.uniform(3, 9))
    (ax.contourf if rng.random() < 0.6 else ax.contour)(grid, int(rng.integers(4, 20)), cmap=str(rng.choice(MAPS)))


def volcano(rng: Generator, ax: Axes) -> None:
    x = rng.normal(0, 1.5, 1500)
    y = np.abs(x) * rng.exponential(1, 1500)
    ax.scatter(x, y, s=4, c=np.where(np.abs(x) > 2, "r", "0.6"))


def timeline(rng: Generator, ax: Axes) -> None:
    n = int(rng.integers(4, 20))
    ax.barh(
        np.arange(n),
        rng.uniform(1, 20, n),
        left=rng.uniform(0, 10, n),
        color=[f"C{int(i)}" for i in rng.integers(0, 9, n)],
    )
    ax.set_yticks(np.arange(n), _names(rng, n))


def solid(rng: Generator, ax: Axes) -> None:
    """A surface or points in three axes."""
    place = ax.get_position()
    figure = ax.figure
    ax.remove()
    ax = figure.add_axes(place, projection="3d")
    x, y = np.meshgrid(np.linspace(-2, 2, 25), np.linspace(-2, 2, 25))
    if rng.random() < 0.5:
        ax.plot_surface(x, y, np.sin(x * rng.uniform(0.5, 3)) * np.cos(y), cmap=str(rng.choice(MAPS)))
    else:
        ax.scatter(*rng.normal(0, 1, (3, 150)), c=rng.integers(0, 4, 150))


def radar(rng: Generator, ax: Axes) -> None:
    turns = np.linspace(0, 2 * np.pi, int(rng.integers(5, 10)))
    for _ in range(int(rng.integers(1, 4))):
        far = rng.uniform(0.3, 1, len(turns))
        ax.fill(far * np.cos(turns), far * np.sin(turns), alpha=0.4)
    ax.set_aspect("equal")


FORMS: tuple[Form, ...] = (
    bars,
    bars,
    stacked,
    lines,
    lines,
    scatter,
    heat,
    heat,
    confusion,
    correlation,
    boxes,
    violins,
    histogram,
    pie,
    survival,
    roc,
    forest_plot,
    table,
    table,
    page,
    flow,
    flow,
    network,
    layers,
    dendrogram,
    cardiogram,
    contours,
    volcano,
    timeline,
    solid,
    radar,
)


def _axes(rng: Generator, ax: Axes) -> None:
    form = FORMS[int(rng.integers(len(FORMS)))]
    form(rng, ax)
    if ax.figure is None or form in (table, page, flow, network, layers, pie, solid):
        return
    if rng.random() < 0.6:
        ax.set_title(_term(rng), fontsize=rng.uniform(6, 13))
    if rng.random() < 0.7:
        ax.set(xlabel=_term(rng), ylabel=_term(rng))
    if rng.random() < 0.25:
        ax.legend(_names(rng, 2), fontsize=rng.uniform(5, 9), frameon=bool(rng.random() < 0.5))
    if rng.random() < 0.3:
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    if rng.random() < 0.1:
        ax.axis("off")
    ax.tick_params(labelsize=rng.uniform(4, 11), rotation=float(rng.choice([0, 0, 45, 90])))


def drawn_chart(rng: Generator) -> Picture:
    """A chart, or a page of several, of 120 to 900 pixels."""
    style = str(rng.choice(STYLES, p=_SHARES / _SHARES.sum()))
    rows, columns = ((1, 1), (1, 1), (1, 1), (1, 2), (2, 1), (2, 2), (3, 3))[int(rng.integers(7))]
    with (
        plt.style.context(style),
        plt.rc_context({"font.family": rng.choice(["sans-serif", "serif"]), "figure.dpi": 100}),
    ):
        figure, axes = plt.subplots(rows, columns, figsize=rng.uniform(1.8, 7, 2), squeeze=False)
        for ax in axes.ravel():
            _axes(rng, ax)
        out = io.BytesIO()
        figure.savefig(
            out, format="png", dpi=float(rng.uniform(60, 130)), bbox_inches="tight", pad_inches=rng.uniform(0.01, 0.2)
        )
        plt.close(figure)
    picture = np.asarray(Image.open(out).convert("RGB"))
    return _grey(picture) if rng.random() < 0.3 else picture


def _grey(picture: Picture) -> Picture:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, 2)


def piece_of_chart(rng: Generator) -> Picture:
    """What a wrong cut leaves of a chart: tick labels, a legend, a corner, a single bar."""
    picture = drawn_chart(rng)
    height, width = picture.shape[:2]
    least = min(height, width, 26)
    h, w = (int(rng.integers(least, max(least + 1, int(side * rng.uniform(0.12, 0.7))))) for side in (height, width))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    return picture[y : y + h, x : x + w]
