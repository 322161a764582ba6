"""Clients of the three dialects on Python's requests. One call, one line of JSON on standard output.

    clients.py URL grupo KEY OPERATION BODY [FIELD=VALUE ...]         OPERATION: update=site_users, ...
    clients.py URL vision6 KEY METHOD [JSON ...]                      the parameters after the key
    clients.py URL b2evolution LOGIN:PASSWORD ID BODY [FIELD=VALUE ...]

BODY is multipart (files=) or urlencoded (data=).
"""

import json
import sys

import requests


def grupo(url, key, operation, body, *fields):
    verb, target = operation.split("=", 1)
    named = {"api_secret_key": key, verb: target, **pairs(fields)}
    return requests.post(f"{url}/api_request/", timeout=30, **form(body, named))


def vision6(url, key, method, *parameters):
    request = {"id": 1, "method": method, "params": [key, *map(json.loads, parameters)]}
    return requests.post(f"{url}/api/jsonrpcserver?version=3.3", timeout=30, json=request)


def b2evolution(url, login, user_id, body, *fields):
    credentials = tuple(login.split(":", 1))
    return requests.post(
        f"{url}/api/v1/users/{user_id}", timeout=30, auth=credentials, **form(body, pairs(fields))
    )


def pairs(fields):
    return dict(field.split("=", 1) for field in fields)


def form(body, fields):
    if body == "multipart":
        return {"files": {name: (None, value) for name, value in fields.items()}}
    if body == "urlencoded":
        return {"data": fields}
    raise SystemExit(f"a body is multipart or urlencoded, not {body}")


def main():
    dialects = {"grupo": grupo, "vision6": vision6, "b2evolution": b2evolution}
    if len(sys.argv) < 5 or sys.argv[2] not in dialects:
        raise SystemExit(__doc__)
    answer = dialects[sys.argv[2]](sys.argv[1], *sys.argv[3:])
    line = {
        "status": answer.status_code,
        "content_type": answer.headers.get("Content-Type"),
        "body": answer.text,
        "seconds": answer.elapsed.total_seconds(),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
