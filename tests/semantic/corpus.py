"""A small project about many things, and questions that share no word with the place that answers them."""

from __future__ import annotations

from pathlib import Path

import msgspec

FILES = {
    "shop/checkout.py": '''
"""Totals of an order."""


def charge_credit_card(card, cents):
    """Collects cents from the card at the bank."""
    return bank.debit(card, cents)


def add_tax(cents, rate):
    """The price with VAT."""
    return cents + cents * rate // 100
''',
    "shop/stock.py": '''
def reserve(article, count):
    """Takes articles off the shelf, so that nobody else can buy them."""
    shelf[article] -= count


def refill(article, count):
    """Puts delivered articles onto the shelf."""
    shelf[article] += count
''',
    "accounts/login.py": '''
def verify_password(user, password):
    """Compares the salted hash; raises AccessDenied."""
    if not compare_digest(user.hash, scrypt(password, salt=user.salt)):
        raise AccessDenied(user.name)


def logout(session):
    """Forgets the cookie."""
    session.clear()
''',
    "net/retry.py": '''
def call_with_backoff(request):
    """Sends a request again after an exponential delay when the server fails."""
    for attempt in range(5):
        try:
            return request()
        except ServerError:
            sleep(2 ** attempt)
''',
    "net/compress.py": '''
def gzip_body(body):
    """Deflates bytes before they go over the wire."""
    return zlib.compress(body, 9)
''',
    "images/thumbnail.py": '''
def thumbnail(image, width):
    """Scales a photo down with its aspect ratio kept."""
    return image.scale(width, image.height * width // image.width)
''',
    "store/cache.ts": """
/** Drops the least recently used entry once the map is full. */
export function evict<K, V>(entries: Map<K, V>, capacity: number): void {
  while (entries.size > capacity) {
    entries.delete(entries.keys().next().value!);
  }
}
""",
    "store/backup.ts": """
/** Copies the database to a remote disk. */
export async function snapshot(database: Database, disk: Disk): Promise<void> {
  await disk.put(await database.dump());
}
""",
    "screen/theme.ts": """
/** Switches between bright and dark colours. */
export function toggleTheme(body: HTMLElement): void {
  body.classList.toggle("dark");
}
""",
    "screen/dates.ts": """
/** Formats a timestamp as day, month and year. */
export function formatDate(stamp: number): string {
  return new Date(stamp).toLocaleDateString();
}
""",
    "geo/route.py": '''
def shortest_path(graph, start, goal):
    """Dijkstra over the road graph."""
    queue = [(0, start)]
    while queue:
        distance, node = heappop(queue)
        if node == goal:
            return distance
        for neighbour, length in graph[node]:
            heappush(queue, (distance + length, neighbour))
''',
    "mail/send.py": '''
def send_newsletter(subscribers, letter):
    """Mails the letter to every subscriber."""
    for subscriber in subscribers:
        smtp.send(subscriber.address, letter)
''',
    "docs/station.md": """
# Roof

The thermometer reports degrees every ten minutes.

## Rain gauge

Millimetres since midnight.
""",
    "docs/holidays.md": """
# Vacation

Employees get thirty days off each year. Ask your manager two weeks ahead.
""",
    "docs/alarm.md": """
# Evacuation

Walk down the stairs when the alarm sounds, and gather at the parking lot.
""",
}


class Question(msgspec.Struct, frozen=True):
    text: str
    path: str
    symbol: str


QUESTIONS = (
    Question("withdraw money for payment", "shop/checkout.py", "charge_credit_card"),
    Question("authentication of people who sign in", "accounts/login.py", "verify_password"),
    Question("make pictures smaller", "images/thumbnail.py", "thumbnail"),
    Question("fastest way through traffic, navigation of cars", "geo/route.py", "shortest_path"),
    Question("how hot is it outside? climate measurements", "docs/station.md", "Roof"),
    Question("paid annual leave of staff", "docs/holidays.md", "Vacation"),
    Question("escape from a burning house", "docs/alarm.md", "Evacuation"),
    Question("night mode appearance of an app", "screen/theme.ts", "toggleTheme"),
)
"""No word of a question that says anything is in the project, so only its meaning leads to a place."""


def write(project: Path) -> None:
    for path, text in FILES.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text.lstrip("\n"), encoding="utf-8")
