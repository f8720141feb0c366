"""The slug: what is in it, what it will weigh, and whether that is within the budget."""
