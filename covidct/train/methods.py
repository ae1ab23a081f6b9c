"""The paper's methods as data: where the weights start, what is learned without labels, and how it is fine-tuned."""

from dataclasses import dataclass

from covidct.errors import UsageError


@dataclass(frozen=True)
class Method:
    """``ssl`` lists the sets for momentum contrast, in order; ``target`` is this release's training images."""

    init: str
    ssl: tuple[str, ...] = ()
    rotation: bool = False


METHODS = {
    "scratch": Method("random"),
    "transfer": Method("imagenet"),
    "self-trans": Method("imagenet", ("luna", "target")),
    "method1": Method("random", ("target",)),
    "method2": Method("imagenet", ("target",)),
    "method3": Method("imagenet", ("luna",)),
    "method4": Method("imagenet", rotation=True),
}

INITS = ("random", "imagenet", "lnm", "imagenet+lnm")


def method(name: str) -> Method:
    """The method ``name``, or a UsageError that lists them."""
    if name not in METHODS:
        raise UsageError(f"--method {name}: use one of {', '.join(METHODS)}")
    return METHODS[name]
