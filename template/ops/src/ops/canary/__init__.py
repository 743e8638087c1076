"""A release that gets a share of the traffic first."""
