"""A function of ours in a child process with limits: the only place where untrusted bytes are decoded."""
