"""Reading releases: ``read_release``, ``default_release``, ``locate_images`` (training, audit and the commands)."""

from covidct.release.read.locate import locate_images
from covidct.release.read.release import Release, default_release, read_release

__all__ = ["Release", "default_release", "locate_images", "read_release"]
