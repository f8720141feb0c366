"""What files weigh in a slug: packed as the platform does, estimated, remembered."""
