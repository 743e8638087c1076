"""Code that all features share. Nothing here imports a feature."""
