"""From bytes on a connection to stream events: what all providers share."""
