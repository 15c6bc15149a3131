"""Responses: the newer protocol of OpenAI."""
