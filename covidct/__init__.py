"""covidct: from preprint PDF to audited medical image data set to benchmark.

Importing this package loads neither torch nor pymupdf; commands import what they need.
"""

__version__ = "0.1.0"
