"""What a build would make of an app, told before anything is installed."""
