"""What of a model's row goes into a request: the effort that it takes, the name of its output limit."""

from __future__ import annotations

from akmon_core.errors import SettingsError
from akmon_core.models import Effort
from akmon_models.resolve import is_openai_model
from akmon_models.wire.model import Opening


def checked_effort(opening: Opening) -> Effort | None:
    """The effort to ask for; None is to send none.

    Raises ``SettingsError`` for one that the model is known not to take.
    """
    effort, row = opening.effort, opening.row
    if effort is None:
        return None
    taken = () if row.thinking == "none" else row.efforts
    if taken is None or effort in taken:
        return effort
    remedy = f"Use one of {', '.join(taken)}, or leave it out" if taken else "It takes none: leave it out"
    raise SettingsError(
        f"the model {opening.facts.id} does not take the effort {effort}. {remedy}; "
        "if the catalog is wrong about this, give the model a row of its own in the setting models."
    )


def output_name(opening: Opening) -> str:
    """The parameter of Chat Completions that limits a reply, where the model's row does not say it.

    OpenAI's own models insist on ``max_completion_tokens``, wherever they are asked; other servers may
    only know ``max_tokens``.
    """
    own = is_openai_model(opening.facts.id.rsplit("/", 1)[-1])
    return opening.row.output_name or ("max_completion_tokens" if own else "max_tokens")
