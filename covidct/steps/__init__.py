"""A step is an object; one driver runs it: what is due, what came of it, what failed, what was left out.

Main path: ``Step`` (step.py) says what a step reads and does; ``drive`` (driver.py) does what is due of it;
``digest`` (digest.py) makes the step's version from the bytes of its own code and data.
"""

from covidct.steps.driver import Driver, StepReport, drive, drive_all
from covidct.steps.engine import open_engine
from covidct.steps.step import Item, Outcome, Step, lazily

__all__ = ["Driver", "Item", "Outcome", "Step", "StepReport", "drive", "drive_all", "lazily", "open_engine"]
