"""The cluster's add-ons."""
