"""Bring the JavaScript that pages carry into the package, from the npm registry: python tools/vendor.py [VERSION]

Without a version the one that is in use is fetched again, and compared with the checksum in the folder's README.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "minigrad" / "viz" / "assets" / "vendor"
README = FOLDER / "README.md"


def main() -> None:
    """Fetch, compare or take over."""
    text = README.read_text("utf-8")
    current, checksum = re.findall(r"version (\S+), sha256 (\w+)", text)[0]
    wanted = sys.argv[1] if len(sys.argv) > 1 else current
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", "--silent", f"@viz-js/viz@{wanted}"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(Path(folder) / packed) as archive:
            member = archive.extractfile("package/dist/viz-global.js")
            assert member is not None
            script = member.read()
    found = hashlib.sha256(script).hexdigest()
    if wanted == current and found != checksum:
        raise SystemExit(f"viz-global.js {wanted} from the registry has the checksum {found}, the README says {checksum}")
    (FOLDER / "viz-global.js").write_bytes(script)
    README.write_text(text.replace(f"version {current}, sha256 {checksum}", f"version {wanted}, sha256 {found}"), "utf-8")
    print(f"viz-global.js {wanted}, {len(script):,} bytes, sha256 {found}")


if __name__ == "__main__":
    main()
