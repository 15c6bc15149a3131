"""The tools of an agent: its own, and those of servers as they were when its turn began."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from akmon_core.permissions import Policy, hidden_tools
from akmon_core.ports import Servers
from akmon_core.tools import AnyTool, Attending, ToolSpec, tool_spec


class Hands:
    """Stays the same until ``renew``, so that a provider's prompt cache holds for a whole turn."""

    def __init__(
        self,
        tools: Mapping[str, AnyTool],
        policy: Policy = Policy(),  # noqa: B008 - a frozen value
        servers: Servers | None = None,
        tokens: int = 0,
    ) -> None:
        """``tools`` are always there, but for those that ``policy`` hides. Those of ``servers`` may take
        ``tokens`` of each prompt."""
        self._policy = policy
        self._servers = servers
        self._tokens = tokens
        self._fixed = {name: tool for name, tool in tools.items() if self._is_allowed(name)}
        self._offered: tuple[AnyTool, ...] = ()
        self.tools: Mapping[str, AnyTool] = self._fixed
        self.specs: tuple[ToolSpec, ...] = _specs(self._fixed)

    def renew(self) -> None:
        """Takes what servers offer now. None of their tools takes the place of another one."""
        if self._servers is None:
            return
        offered = self._servers.offered(self._tokens, self._is_allowed)
        if offered != self._offered:
            self._offered = offered
            theirs = {tool.name: tool for tool in offered if tool.name not in self._fixed}
            self.tools = {**self._fixed, **theirs}
            self.specs = _specs(self.tools)

    def attend(self) -> None:
        """Lets those prepare themselves that want to."""
        for tool in self._fixed.values():
            if isinstance(tool, Attending):
                tool.attend()

    def without(self, names: Collection[str]) -> Hands:
        """Those of now but for ``names``, for a sub-agent."""
        return Hands({name: tool for name, tool in self.tools.items() if name not in names})

    def _is_allowed(self, name: str) -> bool:
        return not hidden_tools(self._policy, (name,))


def _specs(tools: Mapping[str, AnyTool]) -> tuple[ToolSpec, ...]:
    return tuple(tool_spec(tool) for tool in tools.values())
