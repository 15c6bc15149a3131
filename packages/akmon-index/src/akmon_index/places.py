"""Where the index of a project is kept."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from akmon_core.plugins import Workplace


def index_file(place: Workplace) -> Path | None:
    """The file of the project at ``place``, unlike that of any other root; None: there is no cache folder."""
    if not place.cache:
        return None
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(place.root).name)[:40].strip("-.") or "root"
    digest = hashlib.sha256(os.fsencode(place.root)).hexdigest()[:8]
    return Path(place.cache) / "index" / f"{slug}-{digest}.db"
