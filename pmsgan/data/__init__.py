"""Paired pictures to train on."""
