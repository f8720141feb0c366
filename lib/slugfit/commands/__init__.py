"""What bin/ hands over to: only here are failures caught and exit codes chosen."""
