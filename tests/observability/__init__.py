"""From a metric in the code to an alarm: the agent's arithmetic, CloudWatch's rules, and the names that they share."""
