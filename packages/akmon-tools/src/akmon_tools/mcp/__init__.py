"""Servers of others (MCP): connected in the background, judged like everything else, and never trusted.

The protocol's SDK costs half a second to import, so only ``client``, ``stdio`` and what is about HTTP import
it, and whoever needs these imports them within functions.
"""
