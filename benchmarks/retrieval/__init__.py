"""How well a search finds what is meant; see ``benchmarks/README.md``."""
