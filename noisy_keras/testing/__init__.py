"""Tests that any method must pass: for methods of your own, too."""
