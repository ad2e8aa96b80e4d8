"""Engines that are configured by what is compiled: each is run with those files, and has to do what the workspace says."""
