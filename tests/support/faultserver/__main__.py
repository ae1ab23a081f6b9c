"""``python -m faultserver``: see ``server.main``."""

from faultserver.server import main

main()
