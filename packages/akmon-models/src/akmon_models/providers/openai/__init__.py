"""The Chat Completions protocol: OpenAI itself and every server that speaks it."""
