"""`app dev --observe`: a page on this machine with the panels of the dashboard, from the metrics of API and worker."""
