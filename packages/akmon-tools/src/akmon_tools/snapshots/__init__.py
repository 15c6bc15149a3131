"""What the project's files were: kept outside the project, so that they can be so again.

``store`` keeps contents and what is known in one SQLite file; ``scan`` finds what has changed; ``place`` puts
one file back; ``keeper`` is what sessions use.
"""

from __future__ import annotations

from akmon_tools.snapshots.keeper import Snapshots

__all__ = ["Snapshots"]
