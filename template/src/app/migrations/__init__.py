"""How the features' migrations run. The migrations themselves are in each feature's folder `migrations`."""
