"""Uploads the built web client to S3, where pages load it from when `STATIC_URL` says so.

`files` decides what is sent and with which headers, `releases` what is kept, `bucket` is the only part that speaks to
S3, `environment` reads what is particular to prod or staging, `__main__` is the command.
"""
