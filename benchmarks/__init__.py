"""Measures the program from outside; see README.md for what each figure is."""
