"""The project that the marathon works in: files of several languages and sizes, and a long log to print."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from random import Random

INSTRUCTIONS = """\
# Rules of this project

- Never write to `data/`: it is generated.
- Names are plain English; a function does one thing.
- Every change of `src/` gets a line in `notes/`, signed with the word quercitron.
- Money is counted in cents, as integers, and dates are UTC."""

_TEXT = (
    "the order of each account is kept until a payment came in and its total was checked against stock "
    "so that nobody waits for a parcel which was never packed while another customer pays twice"
)
_WORDS = _TEXT.split()
_HAN = "这个系统把每一笔订单记录在账本里如果付款没有到达就会通知客户并且释放库存然后重新计算总额"
_KANA = "この注文は在庫を確認してから発送されます。支払いが届かない場合は自動的に取り消されます。"
_CYRILLIC = "Каждый заказ хранится до получения оплаты, после чего склад проверяет остаток и сумму. "
SOURCES = tuple(f"src/part{number}.py" for number in range(8))
TEXTS = (*(f"docs/guide{number}.md" for number in range(4)), "docs/zh.txt", "docs/ja.txt", "docs/ru.txt")
DATA = ("data/table.json", "data/blob.b64", "data/small.json")
FILES = (*SOURCES, *TEXTS, *DATA)
LOG_BYTES = 1_200_000


def lay_out(folder: Path) -> None:
    random = Random(11)
    files = {"AGENTS.md": INSTRUCTIONS, "data/big.log": _log(random, LOG_BYTES)}
    for number, path in enumerate(SOURCES):
        files[path] = _source(random, 800 * 2 ** (number % 6))
    for number in range(4):
        files[f"docs/guide{number}.md"] = "\n\n".join(prose(random, 90) for _ in range(2 + 6 * number))
    files["docs/zh.txt"] = "\n".join(_shuffled(random, _HAN) for _ in range(120))
    files["docs/ja.txt"] = "\n".join(_shuffled(random, _KANA) for _ in range(60))
    files["docs/ru.txt"] = "\n".join(_CYRILLIC * 3 for _ in range(30))
    rows = [{"id": n, "name": random.choice(_WORDS), "total": random.randrange(10**6)} for n in range(400)]
    files["data/table.json"] = json.dumps(rows, indent=1)
    files["data/small.json"] = json.dumps(rows[:30])
    files["data/blob.b64"] = base64.encodebytes(random.randbytes(15_000)).decode()
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def prose(random: Random, words: int) -> str:
    return " ".join(random.choice(_WORDS) for _ in range(words)).capitalize() + "."


def _shuffled(random: Random, text: str) -> str:
    return "".join(random.sample(text, len(text)))


def _source(random: Random, size: int) -> str:
    text, number = '"""A part of the shop."""\n\n', 0
    while len(text) < size:
        number += 1
        noun, verb = random.choice(_WORDS), random.choice(_WORDS)
        text += (
            f"def {verb}_{noun}_{number}(order: Order, limit: int = {random.randrange(10_000)}) -> int:\n"
            f"    # {prose(random, 9)}\n"
            f"    total = sum(item.price * item.count for item in order.items if item.{noun})\n"
            f'    return total if total <= limit else fail("{noun}", total, limit)\n\n\n'
        )
    return text


def _log(random: Random, size: int) -> str:
    lines, length = [], 0
    while length < size:
        level = random.choice(("INFO", "WARN", "DEBUG"))
        line = (
            f"2026-11-21T{random.randrange(24):02}:{random.randrange(60):02}:00Z "
            f"{level} shop.{random.choice(_WORDS)}[{random.randrange(9999)}] "
            f"request={random.randrange(16**12):012x} {' '.join(random.choices(_WORDS, k=8))}\n"
        )
        lines.append(line)
        length += len(line)
    return "".join(lines)
