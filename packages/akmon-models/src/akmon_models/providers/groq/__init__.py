"""Groq: open models on fast hardware."""
