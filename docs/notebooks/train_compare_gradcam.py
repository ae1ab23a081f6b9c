# %% [markdown]
# # Train, compare, Grad-CAM
#
# Two networks learn on a small release of drawn slices, are compared on the same test pictures with an interval, and
# show where they look. All pictures were drawn by a program: the scores say nothing about any disease.
# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from covidct import BenchOptions, load_release, predict_images, train_model
from covidct.bench.evaluation import compare
from covidct.cli import run
from covidct.imaging.phantoms import phantom
from covidct.pictures import open_picture

rng = np.random.default_rng(0)
folder = Path("pictures")
folder.mkdir(exist_ok=True)
rows = []
for number in range(60):
    covid = number % 2 == 0
    Image.fromarray(phantom(rng, size=128, lesion=covid)).save(folder / f"{number}.png")
    rows.append({"file": f"{number}.png", "label": "covid" if covid else "non-covid", "patient_id": f"p{number}"})
pd.DataFrame(rows).to_csv("table.csv", index=False)
words = ["--name", "drawn", "--version", "1.0.0", "--date", "2026-01-31", "--private", "--no-duplicates"]
print("exit code", run(["manifest", "import", "--csv", "table.csv", "--images", "pictures", *words]))
release = load_release("drawn/1.0.0")
print(release.images.groupby(["split", "label"]).size().unstack())
# %% [markdown]
# ## Train
#
# `train_model` chooses the epoch on the validation pictures and scores the test pictures once. CRNet starts from random
# weights; EfficientNet-Lite0 starts from ImageNet, whose weights come with an installed package.
# %%
common = {"manifest": "drawn/1.0.0", "images": Path("pictures"), "size": 64, "baselines": False, "report": False}
scratch = train_model(BenchOptions(model="crnet", epochs=4, out=Path("runs/scratch"), **common))
transfer = train_model(
    BenchOptions(model="lite0", method="transfer", protocol="tuned", epochs=4, out=Path("runs/transfer"), **common)
)
for found in (scratch, transfer):
    auc = found.summary["metrics"]["auc"]
    print(f"{found.out}: test AUC {auc['mean']:.3f}, 95 % [{auc['low']:.3f}, {auc['high']:.3f}]")
# %% [markdown]
# ## Compare
#
# The difference is that of the same test pictures; whole groups are resampled.
# %%
difference, title = compare(scratch.out, transfer.out, "auc", "drawn/1.0.0")
print(f"transfer minus scratch on {title}: {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]")
predictions = [pd.read_csv(found.out / "predictions.csv").query("split == 'test'") for found in (scratch, transfer)]
plt.figure(figsize=(4, 4))
plt.scatter(predictions[0]["probability"], predictions[1]["probability"], c=predictions[0]["label"] == "covid")
plt.xlabel("probability of covid, from scratch")
plt.ylabel("probability of covid, transfer")
plt.tight_layout()
# %% [markdown]
# ## Grad-CAM
#
# Where the network sees what speaks for covid. An empty map means that nothing does; it is no map "outside the lungs".
# %%
test = release.images.query("split == 'test'")["file"].head(4)
said = predict_images([folder / name for name in test], transfer.out, out=Path("maps"))
fig, axes = plt.subplots(2, len(said), figsize=(3 * len(said), 6))
for column, one in enumerate(said):
    axes[0, column].imshow(open_picture(Path(one["file"])))
    axes[0, column].set_title(f"{one['probability']:.2f}")
    axes[1, column].imshow(open_picture(Path(one["overlay"])))
for axis in axes.flat:
    axis.axis("off")
plt.tight_layout()
