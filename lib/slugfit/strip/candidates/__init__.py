"""What may go: files that rules and lists name, before anybody has proved anything."""
