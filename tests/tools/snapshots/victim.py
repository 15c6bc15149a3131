"""Changes files and keeps what they were, without an end, until it is killed."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.rewinding import changed_paths, plan_rewind
from akmon_tools.snapshots import Snapshots
from akmon_tools.textfile import hash_of


def main() -> None:
    root, store = Path(sys.argv[1]), Path(sys.argv[2])
    chance = random.Random(int(sys.argv[3]))
    snapshots = Snapshots((root,), store)
    snapshots.catch_up()
    print("ready", flush=True)
    while True:
        for _ in range(20):
            path = root / chance.choice("abc") / chance.choice("defg")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(chance.randbytes(chance.choice((5, 50_000))))
        changes = asyncio.run(snapshots.survey(lambda _text: None))
        snapshots.settle()
        path, data = root / chance.choice("abc") / chance.choice("dh"), chance.randbytes(20)
        changes += snapshots.plan({str(path): hash_of(data)})
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        for change in plan_rewind(changes, snapshots.look(changed_paths(changes))).changes:
            try:
                snapshots.restore(change)
            except ToolError as error:
                print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
