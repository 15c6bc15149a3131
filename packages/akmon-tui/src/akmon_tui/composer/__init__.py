"""Where a person says what they want: several lines of text, with pastes, images, history and drafts."""

from akmon_tui.composer.prompt import Composer, Sent

__all__ = ["Composer", "Sent"]
