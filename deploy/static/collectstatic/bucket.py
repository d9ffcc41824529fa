"""The bucket of an environment: the only code that speaks to S3."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from .files import File

# S3 takes so many names in one request.
MOST_DELETED_AT_ONCE = 1000
DIGEST = "sha256"


class BucketError(Exception):
    """S3 did not do what it was asked to; says what to do."""


class Bucket:
    """The part of a bucket below a prefix. Keys are told without it."""

    def __init__(self, name: str, region: str, prefix: str) -> None:
        self._name = name
        self._prefix = prefix
        config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
        # Credentials, and AWS_ENDPOINT_URL where there is one, are found as every AWS tool finds them.
        self._s3 = boto3.session.Session(region_name=region).client("s3", config=config)

    def has(self, file: File) -> bool:
        """Is this very file there, with these very headers?"""
        try:
            head = self._call("head_object", Key=self._prefix + file.key)
        except _NotThere:
            return False
        return (
            head["Metadata"].get(DIGEST) == file.digest
            and head.get("ContentType") == file.content_type
            and head.get("CacheControl") == file.cache_control
            and (head.get("ContentEncoding") or None) == file.content_encoding
        )

    def put(self, file: File) -> None:
        """Writes a file, in place of the one of that name."""
        encoding = {} if file.content_encoding is None else {"ContentEncoding": file.content_encoding}
        self._call(
            "put_object",
            Key=self._prefix + file.key,
            Body=file.body,
            ContentType=file.content_type,
            CacheControl=file.cache_control,
            Metadata={DIGEST: file.digest},
            # S3 refuses what was damaged on the way.
            ChecksumSHA256=b64encode(bytes.fromhex(file.digest)).decode(),
            **encoding,
        )

    def get(self, key: str) -> bytes:
        """What an object holds."""
        body: bytes = self._call("get_object", Key=self._prefix + key)["Body"].read()
        return body

    def listing(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """The keys in a folder, each with when it was written."""
        start: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=self._prefix + folder, **start)
            for one in page.get("Contents", []):
                yield one["Key"].removeprefix(self._prefix), one["LastModified"]
            if not page.get("IsTruncated"):
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, keys: list[str]) -> None:
        """Deletes these; those that are not there are no error."""
        for begin in range(0, len(keys), MOST_DELETED_AT_ONCE):
            part = keys[begin : begin + MOST_DELETED_AT_ONCE]
            objects = [{"Key": self._prefix + key} for key in part]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", []):
                raise BucketError(f"{error['Key']} could not be deleted: {error['Code']}, {error['Message']}")

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._s3, operation)(Bucket=self._name, **arguments)
            return answer
        except NoCredentialsError as error:
            raise BucketError(
                "there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except ClientError as error:
            raise self._explained(operation, error) from error
        except BotoCoreError as error:
            raise BucketError(f"{operation} in bucket {self._name}: {error}") from error

    def _explained(self, operation: str, error: ClientError) -> Exception:
        code = error.response.get("Error", {}).get("Code", "")
        if operation == "head_object" and code in ("404", "NoSuchKey"):
            return _NotThere()
        if code == "NoSuchBucket":
            return BucketError(
                f"there is no bucket {self._name}: ansible/provision.yml makes it, or name another one in static.yml"
            )
        if code in ("403", "AccessDenied"):
            return BucketError(
                f"{operation} is forbidden in bucket {self._name}: these credentials need s3:ListBucket there, and "
                "s3:GetObject, s3:PutObject and s3:DeleteObject for what is in it"
            )
        return BucketError(f"{operation} in bucket {self._name}: {error}")


class _NotThere(Exception):
    pass
