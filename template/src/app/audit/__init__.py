"""The audit log: each event names the actor, the action and the account, in the transaction of that action.

The application appends and reads. The database refuses changes, and deletions before 30 days (see the migration).
"""
