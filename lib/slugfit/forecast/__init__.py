"""What a build would make of an app, before anything is installed."""
