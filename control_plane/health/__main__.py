"""`python -m control_plane.health`: exit code 0 where the API of this container answers. The image's health check."""

import http.client
import os
import sys

TIMEOUT_S = 3.0


def main() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8100")), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except (OSError, http.client.HTTPException) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
