"""A loopback server with the shapes of the real services, that breaks on request: see ``faults`` and ``server``."""

from faultserver.corpus import Corpus, Record, make_corpus
from faultserver.faults import FAULTS, Fault, RandomPlan, ScriptedPlan
from faultserver.server import FaultServer

__all__ = ["FAULTS", "Corpus", "Fault", "FaultServer", "RandomPlan", "Record", "ScriptedPlan", "make_corpus"]
