"""Servers of others (MCP): connected in the background, judged like everything else, and never trusted.

The protocol's SDK costs half a second to import, so only ``client``, ``stdio``, ``http`` and ``oauth`` import
it, and whoever needs these imports them within functions.
"""
