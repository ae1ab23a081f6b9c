"""A clock that does not wait."""

from dataclasses import dataclass, field


@dataclass
class FakeClock:
    """Sleeping moves time on and is written down."""

    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
