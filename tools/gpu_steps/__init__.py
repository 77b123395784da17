"""The steps of tools/gpu_smoke.py; each yields its figures as they come."""
