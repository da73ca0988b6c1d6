"""What a release is checked by, and its notes.

python tools/release.py check v0.1.0 OWNER/NAME
python tools/release.py notes v0.1.0
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


def version() -> str:
    """The version of minigrad/version.py, which is read and not run: nothing need be installed."""
    text = (ROOT / "minigrad" / "version.py").read_text("utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]


def section(changelog: str, of: str) -> tuple[str, str]:
    """What stands behind a version in its heading of the changelog, and below it.

    Raises:
        SystemExit: where the changelog has no such heading.
    """
    found = re.search(rf"^## {re.escape(of)}(?![\w.])(.*)\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if found is None:
        raise SystemExit(f'CHANGELOG.md has no heading "## {of}": write what is new')
    return found[1].strip(" ()-,"), found[2].strip()


def problems(tag: str, repository: str) -> list[str]:
    """Why a tag of a repository, OWNER/NAME, cannot become a release."""
    found = []
    if tag != f"v{version()}":
        found.append(f"the tag is {tag} and minigrad/version.py says {version()}: the tag must be v{version()}")
    day, _ = section((ROOT / "CHANGELOG.md").read_text("utf-8"), version())
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        found.append(f'CHANGELOG.md says {day or "nothing"!r} behind {version()}: write the day, "## {version()} (2027-01-31)"')
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    if urls["Source"] != f"https://github.com/{repository}":
        found.append(f"pyproject.toml says that the source is at {urls['Source']}, and this is https://github.com/{repository}")
    if names := [name for name, url in urls.items() if urlsplit(url).hostname == "example.com"]:
        found.append(f"{', '.join(names)} in pyproject.toml and CITATION.cff are placeholders: write the project's own addresses")
    return found


def main(arguments: list[str]) -> None:
    """Check a tag, or print the notes of its release."""
    parser = argparse.ArgumentParser(prog="tools/release.py", description="What a release is checked by, and its notes.")
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="whether tag, version, changelog and repository fit")
    notes = actions.add_parser("notes", help="print the part of the changelog")
    for action in (check, notes):
        action.add_argument("tag", help="v0.1.0 say")
    check.add_argument("repository", help="OWNER/NAME")
    given = parser.parse_args(arguments)
    if given.action == "notes":
        print(section((ROOT / "CHANGELOG.md").read_text("utf-8"), given.tag.removeprefix("v"))[1])
    elif found := problems(given.tag, given.repository):
        raise SystemExit("\n".join(found))
    else:
        print(f"{given.tag} can be released")


if __name__ == "__main__":
    main(sys.argv[1:])
