"""Benchmarks as a library: a typed request in (:class:`BenchOptions`), values out; the commands print them."""

from covidct.bench.options import BenchOptions

__all__ = ["BenchOptions"]
