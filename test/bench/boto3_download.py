"""What a Python program does that fetches with boto3 and its defaults.

Usage: boto3_download.py BUCKET KEY FILE, or BUCKET PREFIX/ DIRECTORY/
"""

from __future__ import annotations

import sys
from multiprocessing.pool import ThreadPool

import boto3


def main() -> None:
    bucket, key, target = sys.argv[1:]
    client = boto3.client("s3")
    if not key.endswith("/"):
        client.download_file(bucket, key, target)
        return
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    with ThreadPool(10) as pool:
        pool.map(lambda k: client.download_file(bucket, k, target + k.removeprefix(key)), keys)


if __name__ == "__main__":
    main()
