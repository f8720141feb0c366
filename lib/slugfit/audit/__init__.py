"""What could make a slug smaller, by how much, and what to paste for it."""
