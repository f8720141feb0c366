"""The slug: its contents, its compressed size, and the budget."""
