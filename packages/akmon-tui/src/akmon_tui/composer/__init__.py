"""Where a person says what they want: several lines of text, with pastes, images, history and drafts."""
