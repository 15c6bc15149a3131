"""The parts of Markdown: blocks read line by line, text within a line, tables, and how they are laid out."""
