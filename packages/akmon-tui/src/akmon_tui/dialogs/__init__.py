"""What takes the composer's place to ask the person something: each has rows to show and takes keys."""
