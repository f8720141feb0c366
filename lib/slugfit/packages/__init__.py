"""What is installed in site-packages, which distribution owns a file, what requires what."""
