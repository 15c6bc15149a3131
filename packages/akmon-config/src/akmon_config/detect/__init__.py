"""Finds out what a project is written in and built with, from the files at its root."""

from akmon_config.detect.project import Project, check_command, detect

__all__ = ["Project", "check_command", "detect"]
