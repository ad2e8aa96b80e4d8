"""Tests of compiled bundles on running products, on loopback."""
