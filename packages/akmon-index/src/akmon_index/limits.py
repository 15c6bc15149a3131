"""Every cap of the index, in one place."""

from __future__ import annotations

INDEX_CONFIG_BYTES = 100_000
"""The file that names the embedding model."""
INDEX_AUTO_CHUNKS = 2_000
"""Pieces that are embedded without being asked; for more, a person runs ``akmon index build``."""
INDEX_PATIENCE = 2.0
"""How long a search waits for what has changed to be embedded; what is not is found by its words."""
INDEX_CLOSE_SECONDS = 2.0
"""How long the end of a session waits for the index to stop in an orderly way."""
EMBEDDING_TEXT_CHARS = 8_000
"""Of one text. Models read less (256 to 8,192 tokens), and servers refuse more."""
EMBEDDING_BATCH_TEXTS = 64
"""In one request to a server."""
EMBEDDING_BATCH_CHARS = 200_000
"""The same: OpenAI takes 300,000 tokens, and code has at least 2 characters a token."""
EMBEDDING_REPLY_BYTES = 50_000_000
"""Of one reply: 64 vectors of 4,096 numbers with 25 characters each are 7 MB."""
EMBEDDING_SECONDS = 120.0
"""For one request; a server may have to load its model first."""
EMBEDDING_QUERY_SECONDS = 20.0
"""For one that a search waits for, which then goes by words."""
EMBEDDING_TRIES = 4
"""Of one request that fails in a way that may pass."""
EMBEDDING_WAIT_SECONDS = 30.0
"""Between two of them, also if the server wants more."""
INDEX_CANDIDATES = 1_000
"""Vectors that are looked at more closely, of those nearest by their signs: 0.95 and more of the true ten
best of a million are among them, see benchmarks/README.md."""
INDEX_POOL = 100
"""Pieces that each way of ranking gives to be fused, at least; five times the hits that are asked for."""
INDEX_QUERY_WORDS = 64
"""Of a query, without those that are in every text, that are looked for: the first ones."""
INDEX_COMMON_WORD = 20_000
"""Pieces with a word, from which on it tells too little to be looked for beside others."""
INDEX_SCORED = 25_000
"""Pieces of a large project that are scored for a query: 1.3 to 2 µs each. Of more, those with the rarest
words, or an even sample."""
INDEX_SCANNED = 200_000
"""Pieces with the common words that are scored, together: passing over one takes up to 0.3 µs. A word that is
in more is only looked for if there is nothing else."""
INDEX_LOOKED_UP = 400
"""Pieces that are looked into one by one for a word that is nearly everywhere: 30 to 60 µs each."""
INDEX_FILTERED = 10_000
"""Pieces in a filter, up to which the vectors of all are compared; of more, those that are among as many that
are near, if the filter is not too narrow for that."""
INDEX_BUSY_SECONDS = 30.0
"""That one process waits for another to have written to the index."""
INDEX_WRITTEN_FILES = 64
"""Files that are put into the index at once: what is lost, at most, when it is stopped."""
INDEX_WRITTEN_CHARS = 2_000_000
"""The same in characters."""
INDEX_EMBEDDED_AT_ONCE = 64
"""Texts between two moments at which vectors are kept, and at which their making can be stopped."""
INDEX_RACE_NS = 2_000_000_000
"""Files that changed less long ago are looked at again, as file systems count time in steps of up to 2 s."""
INDEX_MAP_SHARE = 0.01
"""Of the files, that must have changed before the map is drawn again."""
INDEX_SPARE_SHARE = 0.25
"""Vectors of texts that have gone, as a share of the pieces, before they are deleted."""
INDEX_SPARE_VECTORS = 10_000
"""The same as a number, at least."""
INDEX_CHUNK_CHARS = 1_600
"""Of one chunk: small embedding models read 256 to 512 tokens; code has three to four characters a token."""
INDEX_CHUNK_LINES = 40
"""Of one chunk where nothing is known of a file but its lines."""
INDEX_OVERLAP_LINES = 8
"""That such a chunk shares with the one before."""
INDEX_NESTING = 40
"""Levels of a syntax tree that are looked into to find what a file defines, and where to cut it."""
INDEX_BRACKETS = 2_000
"""Open at once in a file that is parsed: far more than code has. A parser crashed with 300,000 of them."""
INDEX_SIGNATURE_CHARS = 200
INDEX_SYMBOL_CHARS = 160
INDEX_FILE_BYTES = 1_000_000
"""Larger files are generated more often than written."""
INDEX_LINE_BYTES = 400
"""On average, above which a file counts as minified."""
INDEX_LIST_SECONDS = 120.0
"""For ripgrep to list the files of a project."""
