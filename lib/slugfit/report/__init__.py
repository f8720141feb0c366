"""Everything that a build prints or writes about itself: log, JSON, Markdown, page."""
