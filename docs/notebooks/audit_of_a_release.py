# %% [markdown]
# # Audit of a release
#
# Before anyone trains on a data set: does it leak, does it contradict itself, and how far does a classifier get that
# never sees anatomy? First the published COVID-CT set, from its tables alone; then a small release that is drawn here.
# %%
from covidct import load_release

release = load_release("covid-ct/1.0.0")
print(release.title, len(release.images), "images")
release.images.groupby(["split", "label"]).size().unstack()
# %% [markdown]
# Papers and patients must not be torn over splits. In the published set some papers are; version 2.0.0 puts that right.
# %%
for version in ("covid-ct/1.0.0", "covid-ct/2.0.0"):
    images = load_release(version).images
    split = images[images["paper_id"] != ""].groupby("paper_id")["split"].nunique()
    print(version, "papers in more than one split:", int((split > 1).sum()))
# %% [markdown]
# ## Shortcuts
#
# A tiny release of drawn slices, in which one class was saved larger than the other: something a classifier can learn
# without looking at the lungs.
# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from covidct import audit_release
from covidct.cli import run
from covidct.imaging.phantoms import phantom

rng = np.random.default_rng(0)
folder = Path("pictures")
folder.mkdir(exist_ok=True)
rows = []
for number in range(60):
    covid = number % 2 == 0
    picture = Image.fromarray(phantom(rng, size=160, lesion=covid))
    picture.resize((180, 150) if covid else (160, 160)).save(folder / f"{number}.png")
    label = "covid" if covid else "non-covid"
    rows.append(
        {"file": f"{number}.png", "label": label, "patient_id": f"p{number // 2}-{label}", "licence": "cc0-1.0"}
    )
pd.DataFrame(rows).to_csv("table.csv", index=False)
words = ["--name", "drawn", "--version", "1.0.0", "--date", "2026-01-31", "--private"]
print(run(["manifest", "import", "--csv", "table.csv", "--images", "pictures", *words]))
# %%
audit = audit_release("manifests/drawn/1.0.0", "pictures")
for finding in audit.findings:
    print(f"{finding.severity:8} {finding.kind:22} {finding.evidence[:90]}")
# %%
names = [f"{base.name}\n({base.split})" for base in audit.baselines]
values = [base.auc.value for base in audit.baselines]
spans = [
    [base.auc.value - base.auc.low for base in audit.baselines],
    [base.auc.high - base.auc.value for base in audit.baselines],
]
plt.figure(figsize=(9, 3.5))
plt.bar(names, values, yerr=spans, color="#5b6f86", capsize=4)
plt.axhline(0.5, color="black", linewidth=0.8)
plt.ylabel("AUC without anatomy")
plt.xticks(fontsize=7)
plt.tight_layout()
# %% [markdown]
# Size alone tells the classes apart. A score on this release would say nothing about lungs.
