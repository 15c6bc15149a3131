"""What the screen needs besides the session: a module for each kind of thing, and ``desk.Desk`` for all."""
