"""Holds the commands of agents in: bubblewrap, else Landlock with seccomp, else macOS's sandbox-exec.

Start with ``akmon_tools.sandbox.ladder.open_sandbox``. Nothing is imported here, as the launcher of Landlock
is a bare interpreter that starts with every command.
"""
