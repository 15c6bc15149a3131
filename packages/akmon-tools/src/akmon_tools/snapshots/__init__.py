"""What the project's files were: kept outside the project, so that they can be so again.

``keeper`` is what sessions use. ``store`` keeps contents and what is known, a ``tree``, in one SQLite file.
``scan`` finds what has changed, by ``rules`` of what is covered. ``place`` puts one file back.
"""

from __future__ import annotations

from akmon_tools.snapshots.keeper import Snapshots

__all__ = ["Snapshots"]
