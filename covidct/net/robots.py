"""robots.txt, read as RFC 9309 says, with the widespread ``Crawl-delay``."""

from dataclasses import dataclass
from urllib import robotparser

AGENT = "covidct"


@dataclass(frozen=True)
class RobotRules:
    """What one origin allows this client."""

    parser: robotparser.RobotFileParser | None
    default: bool
    delay: float = 0.0

    @classmethod
    def none(cls) -> "RobotRules":
        """No rules: everything is allowed."""
        return cls(None, True)

    @classmethod
    def all(cls) -> "RobotRules":
        """Everything is forbidden."""
        return cls(None, False)

    def allow(self, url: str) -> bool:
        return self.parser.can_fetch(AGENT, url) if self.parser else self.default


def parse_robots(text: str) -> RobotRules:
    """The rules in a robots.txt for this client; a web page in its place holds no rules."""
    parser = robotparser.RobotFileParser()
    parser.parse(text.splitlines())
    parser.modified()
    delay = parser.crawl_delay(AGENT)
    return RobotRules(parser, True, float(delay) if delay else 0.0)
