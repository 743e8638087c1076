"""What every feature shares. Nothing here imports a feature."""
