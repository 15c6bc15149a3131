"""Models that Ollama runs, on this machine or another one."""
