"""Figures, captions and mentions of a PDF, read in a child process that may crash without harm.

Main path: ``Extractor.extract`` (pool.py) hands a PDF to a child (child.py), which runs the stages of analyse.py:
pages → captions → graphics → match → pictures, and answers with an ``Extraction``.
"""

from covidct.harvest.extract.pool import Extractor
from covidct.harvest.extract.results import Dropped, ExtractedFigure, Extraction, Limits

__all__ = ["Dropped", "ExtractedFigure", "Extraction", "Extractor", "Limits"]
