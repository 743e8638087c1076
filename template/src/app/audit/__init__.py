"""The audit log: who did what to whose account, written in the transaction of what it records.

The application appends and reads. The database refuses changes (see the migration), and removal before 30 days.
"""
