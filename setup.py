"""The releases in ``manifests/`` travel inside the wheel; everything else about the build is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithManifests(build_py):
    """Also copies ``manifests/`` to ``covidct/manifests``; an editable install reads the checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "covidct" / "manifests"
            shutil.copytree("manifests", target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithManifests})
