"""Chat Completions: OpenAI and every server that speaks its older protocol."""
