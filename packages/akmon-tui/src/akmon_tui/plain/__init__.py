"""The conversation line by line: for screen readers, and for terminals without escape sequences."""
