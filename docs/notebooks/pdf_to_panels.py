# %% [markdown]
# # From a PDF to panels
#
# Three made-up papers are drawn, read, cut into figures and panels, and labelled; every stage is shown. All pictures
# here were drawn by a program.
# %%
from pathlib import Path

import matplotlib.pyplot as plt

from covidct import curate_workspace, harvest_papers, open_workspace
from covidct.demo.corpus import make_papers
from covidct.demo.pdf import write_pdf
from covidct.pictures import open_picture

papers = Path("papers")
papers.mkdir(exist_ok=True)
for paper in make_papers(3, seed=7):
    (papers / f"{paper.doi.split('/')[1]}.pdf").write_bytes(write_pdf(paper)[0])
# %% [markdown]
# ## Reading
#
# `harvest_papers` reads each PDF in a child process that may crash without harm. The report accounts for every file.
# %%
report = harvest_papers("papers", "ws")
print(*report.lines(), sep="\n")
# %% [markdown]
# Each figure has a page, a box on it in points, and its caption.
# %%
with open_workspace("ws") as workspace:
    figures = [(figure, workspace.path(figure.file)) for figure in workspace.figures() if figure.file]
for figure, _ in figures[:3]:
    print(figure.label, "on page", figure.page, figure.box)
    print("  ", figure.caption[:110])
# %%
fig, axes = plt.subplots(1, 3, figsize=(12, 4))
for axis, (figure, path) in zip(axes, figures, strict=False):
    axis.imshow(open_picture(path))
    axis.set_title(figure.label)
    axis.axis("off")
# %% [markdown]
# ## Curation
#
# Every step is due once; a second run would do nothing. A step whose code or data changed is due again.
# %%
for step in curate_workspace("ws"):
    print(f"{step.step:<14} {step.done:3} done, {len(step.failed)} failed, {step.dropped} left out")
# %%
with open_workspace("ws") as workspace:
    panels = workspace.panels()
    shown = [(panel, open_picture(workspace.path(panel.file))) for panel in panels[:8]]
fig, axes = plt.subplots(2, 4, figsize=(12, 6.5))
for axis, (panel, picture) in zip(axes.flat, shown, strict=False):
    axis.imshow(picture)
    axis.set_title(f"{panel.panel_label or '-'}: {panel.kind}\n{panel.label}", fontsize=9)
    axis.axis("off")
# %% [markdown]
# Each label carries its evidence: the rule, the words it rests on, and how sure that way of reading is.
# %%
with open_workspace("ws") as workspace:
    decisions = workspace.current_all("panel", "label")
for panel in panels[:4]:
    print(panel.panel_id, "→", decisions[panel.panel_id].value, "|", decisions[panel.panel_id].why[:100])
