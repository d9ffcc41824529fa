"""A bucket's files as browsers get them from S3: moto keeps bucket and rules, but lets every page read everything.

Answers GET for what the bucket's policy lets everybody read, with the headers of the object, and with those of CORS
only where a rule of the bucket says so.
"""

import fnmatch
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError


class BucketServer:
    """Serves a bucket on a loopback port."""

    def __init__(self, s3: Any, bucket: str) -> None:
        handler = type("BucketHandler", (_Handler,), {"s3": s3, "bucket": bucket})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that ends leaves its connections as they are. Whatever else goes wrong is a missing answer."""


class _Handler(BaseHTTPRequestHandler):
    s3: Any
    bucket: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        key = self.path.removeprefix("/").partition("?")[0]
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=key) if self._everybody_reads(key) else None
        except ClientError:
            found = None
        body = b"" if found is None else found["Body"].read()
        self.send_response(403 if found is None else 200)
        for name, field in (
            ("Content-Type", "ContentType"),
            ("Content-Encoding", "ContentEncoding"),
            ("Cache-Control", "CacheControl"),
        ):
            if found is not None and found.get(field):
                self.send_header(name, found[field])
        origin = self.headers.get("Origin")
        allowed = None if origin is None else self._allowed_origin(origin)
        if allowed is not None:
            self.send_header("Access-Control-Allow-Origin", allowed)
            self.send_header("Vary", "Origin")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _everybody_reads(self, key: str) -> bool:
        try:
            policy = json.loads(self.s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
        except ClientError:
            return False
        name = f"arn:aws:s3:::{self.bucket}/{key}"
        return any(
            statement["Effect"] == "Allow"
            and statement["Principal"] == "*"
            and statement["Action"] == "s3:GetObject"
            and fnmatch.fnmatchcase(name, statement["Resource"])
            for statement in policy["Statement"]
        )

    def _allowed_origin(self, origin: str) -> str | None:
        try:
            rules = self.s3.get_bucket_cors(Bucket=self.bucket)["CORSRules"]
        except ClientError:
            return None
        for rule in rules:
            for pattern in rule["AllowedOrigins"]:
                if "GET" in rule["AllowedMethods"] and fnmatch.fnmatchcase(origin, pattern):
                    return "*" if pattern == "*" else origin
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the test tells what went wrong."""
