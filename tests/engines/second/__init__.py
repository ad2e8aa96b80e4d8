"""Second engines: programs by other people that read what is compiled, and have to decide as the access relation does."""
