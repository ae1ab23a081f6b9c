"""Lines of code under a folder, without blanks, comments and docstrings: ``python tools/lines.py [FOLDER …]``.

The script counts source lines that hold at least one token of code. It is what the project's claims about its size
rest on; run it on two commits to compare them.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


def code_lines(source: str) -> set[int]:
    """Numbers (from 1) of the lines of ``source`` that hold code; strings that stand alone count as docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - set(_docstring_lines(ast.parse(source)))


def _docstring_lines(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def main() -> None:
    """Print one line a folder: lines of code and files."""
    for folder in sys.argv[1:] or ["covidct"]:
        files = sorted(Path(folder).rglob("*.py"))
        count = sum(len(code_lines(file.read_text(encoding="utf-8"))) for file in files)
        print(f"{folder}: {count:,} lines in {len(files)} files")


if __name__ == "__main__":
    main()
